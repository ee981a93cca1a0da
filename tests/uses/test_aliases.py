"""Names that services resolve: moved in one step, cached for seconds, and there when it matters."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import OpenRegistry
from tests.engine.waiting import LONG, Asked
from tests.fakes import START, FakeClock
from tests.registry.rows import insert_voice, insert_voices, update_voice
from tests.registry.support import add_account, confirmed
from tests.registry.syncs.support import ONE_DATABASE
from voicereg import (
    AliasNotFound,
    DatabaseProblem,
    DatabaseUnusable,
    InvalidInput,
    Registry,
    State,
    StateConflict,
    VoiceNotFound,
    VoiceProtected,
)

SECONDS = timedelta(seconds=5)


@pytest.fixture
def voices(database_url: str) -> list[str]:
    return insert_voices(database_url, 2)


@contextmanager
def away(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[None]]:
    """The database cannot be reached; what is yielded grows with every try."""
    tries: list[None] = []

    def fail(**how: bool) -> Any:
        tries.append(None)
        raise DatabaseUnusable("the database", "it is away")

    with monkeypatch.context() as patched:
        patched.setattr(registry._context.database, "read", fail)
        yield tries


def test_set_moved_removed_and_audited(registry: Registry, voices: list[str]) -> None:
    made = registry.aliases.set("narrator", voices[0])
    voice = registry.voice(voices[0])
    assert (made.name, made.voice, made.voice_id) == ("narrator", voice.id, voice.voice_id)
    assert (made.target_model, made.account, made.state) == (
        voice.target_model,
        "default",
        State.ACTIVE,
    )
    assert voice.aliases == ("narrator",)
    registry.aliases.set("a", voices[0])
    registry.aliases.set("narrator", voices[1])
    assert [alias.name for alias in registry.aliases.all()] == ["a", "narrator"]
    assert registry.voice(voices[0]).aliases == ("a",)
    assert registry.aliases.remove("narrator").voice == voices[1]
    assert registry.voice(voices[1]).aliases == ()

    events = [event for event in registry.events() if "alias" in event.action]
    told = [(event.action, event.before.get("voice"), event.after.get("voice")) for event in events]
    assert told[::-1] == [
        ("alias.set", None, voices[0]),
        ("alias.set", None, voices[0]),
        ("alias.set", voices[0], voices[1]),
        ("alias.remove", voices[1], None),
    ]
    assert [event.voice for event in registry.events(voice=voices[1])] == [voices[1]] * 2


def test_a_name_goes_wherever_a_voice_is_asked_for(registry: Registry) -> None:
    voice = confirmed(registry, "qwen-v")
    registry.aliases.set("narrator", "qwen-v")

    assert registry.voice("narrator").id == voice.id
    assert registry.edit("narrator", owner="radio")[0].id == voice.id
    assert registry.events(voice="narrator")
    assert registry.daily_uses("narrator") == []
    assert registry.correct_use("narrator", START).id == voice.id
    assert registry.aliases.set("evening", "narrator").voice == voice.id
    assert registry.resolve("narrator").voice_id == "qwen-v"
    with pytest.raises(VoiceNotFound):
        registry.delete("narrator", force=True)


def test_a_name_goes_before_the_beginning_of_an_id(registry: Registry, voices: list[str]) -> None:
    registry.aliases.set("row", voices[1])

    assert registry.voice("row").id == voices[1]


def test_a_voice_with_a_name_is_not_deleted_by_accident(
    registry: Registry, database_url: str, voices: list[str]
) -> None:
    registry.aliases.set("narrator", voices[0])
    registry.aliases.set("evening", voices[0])
    with pytest.raises(VoiceProtected, match="evening, narrator"):
        registry.delete(voices[0])
    with pytest.raises(VoiceProtected):
        registry.check_delete(voices[0])

    assert registry.check_delete(voices[0], force=True).id == voices[0]
    assert registry.voice(voices[0]).state is State.ACTIVE


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-a", ".a", "a\n", "a\x00", "\ud800", "a" * 65, "a,b", None], ids=ascii
)
@ONE_DATABASE
def test_what_can_be_no_name(registry: Registry, voices: list[str], name: str) -> None:
    with pytest.raises(InvalidInput, match="alias"):
        registry.aliases.set(name, voices[0])
    assert registry.aliases.all() == []


@pytest.mark.parametrize("name", ["n", "n" * 64, "radio/evening+1", "a.b-c_d@e", "旁白"])
def test_what_can_be_a_name(registry: Registry, voices: list[str], name: str) -> None:
    registry.aliases.set(name, voices[0])

    assert registry.resolve(name).voice == voices[0]
    assert registry.voice(voices[0]).aliases == (name,)


def test_ids_and_gone_voices_are_refused(
    registry: Registry, database_url: str, voices: list[str]
) -> None:
    gone = insert_voice(database_url, state=State.DELETED)
    for name in (voices[1], str(registry.voice(voices[1]).voice_id)):
        with pytest.raises(InvalidInput, match="id of a voice"):
            registry.aliases.set(name, voices[0])
    with pytest.raises(StateConflict, match="gone"):
        registry.aliases.set("narrator", gone)
    with pytest.raises(VoiceNotFound):
        registry.aliases.set("narrator", "nobody")
    with pytest.raises(AliasNotFound):
        registry.aliases.remove("narrator")

    assert registry.aliases.all() == []


def test_each_account_has_its_own(registry: Registry, database_url: str, voices: list[str]) -> None:
    add_account(registry, "studio")
    theirs = insert_voice(database_url, account="studio")
    registry.aliases.set("narrator", voices[0])
    registry.aliases.set("narrator", theirs, account="studio")

    assert registry.resolve("narrator").voice == voices[0]
    assert registry.resolve("narrator", account="studio").voice == theirs
    assert len(registry.aliases.all(registry.ALL_ACCOUNTS)) == 2
    registry.aliases.remove("narrator", account="studio")
    assert registry.resolve("narrator").voice == voices[0]
    with pytest.raises(AliasNotFound):
        registry.resolve("narrator", account="studio")


def test_near_names_are_suggested(registry: Registry, voices: list[str]) -> None:
    registry.aliases.set("narrator", voices[0])
    with pytest.raises(AliasNotFound) as caught:
        registry.resolve("narator")
    assert caught.value.near == ("narrator",)
    with pytest.raises(AliasNotFound) as caught:
        registry.resolve("\x00\ud800")
    assert caught.value.near == ()


def test_answers_are_cached_for_seconds(
    open_registry: OpenRegistry, voices: list[str], clock: FakeClock
) -> None:
    ours, theirs = open_registry(), open_registry()
    ours.aliases.set("narrator", voices[0])
    assert ours.resolve("narrator").voice == voices[0]
    theirs.aliases.set("narrator", voices[1])
    clock.advance(SECONDS - timedelta(milliseconds=1))
    assert ours.resolve("narrator").voice == voices[0]
    clock.advance(timedelta(milliseconds=1))
    assert ours.resolve("narrator").voice == voices[1]
    ours.aliases.set("narrator", voices[0])
    assert ours.resolve("narrator").voice == voices[0], "its own changes are seen at once"
    ours.aliases.remove("narrator")
    with pytest.raises(AliasNotFound):
        ours.resolve("narrator")
    theirs.aliases.set("narrator", voices[1])
    assert ours.resolve("narrator").voice == voices[1], "what there is not is not cached"


@ONE_DATABASE
def test_a_cached_answer_asks_nobody(
    registry: Registry, voices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.aliases.set("narrator", voices[0])
    registry.resolve("narrator")
    with away(registry, monkeypatch) as tries:
        registry.resolve("narrator")
    assert tries == []


@ONE_DATABASE
def test_while_the_database_is_away_it_is_what_it_was(
    registry: Registry, voices: list[str], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does each request wait for a database that does not answer."""
    registry.aliases.set("narrator", voices[0])
    registry.resolve("narrator")
    clock.advance(timedelta(minutes=59))
    with away(registry, monkeypatch) as tries:
        for _ in range(100):
            assert registry.resolve("narrator").voice == voices[0]
        assert len(tries) == 1
        clock.advance(SECONDS)
        registry.resolve("narrator")
        assert len(tries) == 2
        with pytest.raises(DatabaseProblem):
            registry.resolve("never asked for")
        clock.advance(timedelta(minutes=1))
        with pytest.raises(DatabaseProblem):
            registry.resolve("narrator")
    assert registry.resolve("narrator").voice == voices[0]


def test_a_voice_that_goes_is_told_of(
    registry: Registry, database_url: str, voices: list[str], clock: FakeClock
) -> None:
    registry.aliases.set("narrator", voices[0])
    registry.resolve("narrator")
    update_voice(database_url, voices[0], state="lost", gone_at=START)
    clock.advance(SECONDS)
    for _ in range(2):
        with pytest.raises(StateConflict) as caught:
            registry.resolve("narrator")
    assert (
        caught.value.advice == "voicereg alias set narrator VOICE gives the name to another voice"
    )
    registry.aliases.set("narrator", voices[1])
    assert registry.resolve("narrator").voice == voices[1]


def test_an_answer_read_before_a_change_is_not_kept_after_it(
    registry: Registry, voices: list[str]
) -> None:
    registry.aliases.set("narrator", voices[0])
    read, go_on = threading.Event(), threading.Event()

    def stop(*given: Any) -> None:
        if threading.current_thread().name.startswith("slow") and "FROM aliases" in given[2]:
            read.set()
            assert go_on.wait(LONG)

    sa.event.listen(registry._context.database._engine, "after_cursor_execute", stop)
    with ThreadPoolExecutor(1, thread_name_prefix="slow") as threads:
        slow = threads.submit(registry.resolve, "narrator")
        assert read.wait(LONG)
        registry.aliases.set("narrator", voices[1])
        go_on.set()
        slow.result(LONG)

    assert registry.resolve("narrator").voice == voices[1]


def test_two_set_the_same_new_name(
    open_registry: OpenRegistry, voices: list[str], backend: str
) -> None:
    """Whoever comes second moves it."""
    first, second = open_registry(), open_registry()
    inserted, go_on = threading.Event(), threading.Event()

    def stop(*given: Any) -> None:
        if "INSERT INTO aliases" in given[2]:
            inserted.set()
            assert go_on.wait(LONG)

    sa.event.listen(first._context.database._engine, "after_cursor_execute", stop)
    waits_at = "BEGIN IMMEDIATE" if backend == "sqlite" else "INSERT INTO aliases"
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1, thread_name_prefix="second") as two:
        ours = one.submit(first.aliases.set, "narrator", voices[0])
        assert inserted.wait(LONG)
        with Asked("second_0", waits_at) as asked:
            theirs = two.submit(second.aliases.set, "narrator", voices[1])
            asked.wait()
        go_on.set()
        ours.result(LONG)
        theirs.result(LONG)

    assert second.resolve("narrator").voice == voices[1]


def test_many_threads_see_one_of_both(
    registry: Registry, voices: list[str], clock: FakeClock
) -> None:
    registry.aliases.set("narrator", voices[0])
    together = threading.Barrier(5)

    def look(_: int) -> set[str]:
        seen = set()
        together.wait(LONG)
        for _ in range(200):
            seen.add(registry.resolve("narrator").voice)
        return seen

    with ThreadPoolExecutor(4) as threads:
        looking = [threads.submit(look, number) for number in range(4)]
        together.wait(LONG)
        for turn in range(10):
            registry.aliases.set("narrator", voices[turn % 2])
            assert registry.resolve("narrator").voice == voices[turn % 2]
            clock.advance(SECONDS)
        seen = set().union(*(future.result(LONG) for future in looking))

    assert seen <= set(voices)
