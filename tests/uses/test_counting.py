"""Uses in the database: counts add up, the last use moves forward, and deadlines follow."""

from __future__ import annotations

import sys
from datetime import timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, insert_voice, insert_voices, row_of, update_voice
from tests.registry.support import COSY, add_account, confirmed, edit_account
from tests.registry.syncs.support import (
    ONE_DATABASE,
    SETTLE_AFTER,
    kinds,
    same_design,
    stock,
    tampering,
    unlisted,
    unresolved,
)
from tests.uses.support import counted, total, unclaimed, writers
from voicereg import (
    ChangeKind,
    DailyUses,
    DeadlineBasis,
    InvalidInput,
    Registry,
    State,
    StateConflict,
    VoiceNotFound,
)
from voicereg.sandbox import Sandbox

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
TODAY = START.date()


def test_a_use_moves_the_deadline(registry: Registry, clock: FakeClock) -> None:
    voice = confirmed(registry, "qwen-v")
    clock.advance(30 * DAY)
    registry.record_use("qwen-v", source="radio")
    registry.flush()

    used = registry.voice(voice.id)
    assert (used.last_used_at, used.last_used_source) == (clock.now(), "radio")
    assert used.deadline_at == clock.now() + YEAR
    assert used.deadline_basis is DeadlineBasis.USED
    assert registry.daily_uses("qwen-v") == [DailyUses(clock.now().date(), "radio", 1)]


def test_the_last_use_only_moves_forward(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, created_at=START - 100 * DAY)
    for days in (5, 9, 2, 2, 7):
        registry.record_use(voice, START - days * DAY, source=f"s{days}")
        registry.flush()

    used = registry.voice(voice)
    assert (used.last_used_at, used.last_used_source) == (START - 2 * DAY, "s2")
    assert used.deadline_at == START - 2 * DAY + YEAR
    assert total(database_url, voice) == 5


def test_a_use_before_the_creation_leaves_the_deadline_at_the_creation(
    registry: Registry, database_url: str
) -> None:
    """Clocks differ; the last activity is the later of the two."""
    voice = insert_voice(database_url)
    registry.record_use(voice, START - DAY)
    registry.flush()

    used = registry.voice(voice)
    assert (used.last_used_at, used.deadline_at) == (START - DAY, START + YEAR)


def test_registry_ids_and_provider_ids_are_one_voice(registry: Registry, database_url: str) -> None:
    voice = confirmed(registry, "qwen-v")
    registry.record_use("qwen-v", count=2)
    registry.record_use(voice.id, count=3)
    registry.flush()

    assert list(counted(database_url).values()) == [5]


def test_counts_add_up_across_registries_days_and_sources(
    open_registry: OpenRegistry, database_url: str
) -> None:
    voice = insert_voice(database_url)
    one, other = open_registry(source="one"), open_registry(source="other")
    for registry in (one, other, one):
        registry.record_use(voice)
        registry.record_use(voice, START - DAY, 10, "radio")
        registry.flush()

    assert counted(database_url) == {
        (voice, TODAY, "one"): 2,
        (voice, TODAY, "other"): 1,
        (voice, TODAY - DAY, "radio"): 30,
    }
    assert one.daily_uses(voice) == other.daily_uses(voice)
    assert [use.day for use in one.daily_uses(voice)] == [TODAY - DAY, TODAY, TODAY]
    assert [use.uses for use in one.daily_uses(voice, days=1)] == [2, 1]
    assert writers(database_url) == 2


def test_the_day_begins_in_greenwich(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    beijing = timezone(timedelta(hours=8))
    registry.record_use(voice, (START - 2 * DAY).astimezone(beijing).replace(hour=7))
    registry.flush()

    assert list(counted(database_url)) == [(voice, TODAY - 3 * DAY, registry._context.source)]


@pytest.mark.parametrize("state", [State.DELETED, State.EXPIRED, State.LOST, State.MISSING])
def test_uses_of_voices_that_are_going_or_gone_are_kept(
    registry: Registry, database_url: str, state: State
) -> None:
    voice = insert_voice(database_url, state=state)
    registry.record_use(voice)
    registry.flush()

    after = registry.voice(voice)
    assert (after.state, after.last_used_at) == (state, START)
    assert total(database_url, voice) == 1


def test_a_voice_on_record_in_two_groups_is_used_in_both(
    registry: Registry, database_url: str
) -> None:
    add_account(registry, "studio")
    ours = insert_voice(database_url, voice_id="shared")
    theirs = insert_voice(database_url, voice_id="shared", account="studio")
    registry.record_use("shared", count=2)
    registry.flush()

    assert (total(database_url, ours), total(database_url, theirs)) == (2, 2)
    assert registry.voice("shared", account="studio").last_used_at == START


def test_a_clock_that_is_ahead_counts_until_now(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    """It has been by now, whatever that clock said; on a day that has come, too."""
    voice = insert_voice(database_url)
    ahead = FakeClock(START + 400 * DAY)
    registry = open_registry(clock=ahead)
    registry.record_use(voice)
    registry.record_use("unknown-v")
    batch = None
    registry._recorder._write = lambda given: batches.append(given)
    batches: list[Any] = []
    registry.flush()
    (batch,) = batches
    right = open_registry()
    right._uses.write(batch)

    assert right.voice(voice).last_used_at == START
    assert [day for _, day, _ in counted(database_url)] == [TODAY]
    assert [day for _, day, _ in unclaimed(database_url)] == [TODAY]
    right.record_use(voice, START + timedelta(minutes=5))
    right.flush()
    assert right.voice(voice).last_used_at == START + timedelta(minutes=5)


def test_a_batch_is_written_once(registry: Registry, database_url: str) -> None:
    """The commit succeeded, and its answer was lost."""
    voice = insert_voice(database_url)
    write = registry._uses.write

    def write_and_lose(batch: Any) -> None:
        write(batch)
        raise ConnectionError("the answer is lost")

    registry.record_use(voice)
    registry._recorder._write = write_and_lose
    with pytest.raises(ConnectionError):
        registry.flush()
    registry._recorder._write = write
    registry.record_use(voice)
    registry.flush()

    assert total(database_url, voice) == 2


def test_writers_of_yesterday_are_forgotten(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    voice = insert_voice(database_url)
    for _ in range(3):
        registry = open_registry()
        registry.record_use(voice)
        registry.flush()
        clock.advance(timedelta(hours=25))
    registry = open_registry()
    registry.record_use(voice)
    registry.flush()

    assert writers(database_url) == 1


def test_many_voices_are_one_transaction(registry: Registry, database_url: str) -> None:
    voices = insert_voices(database_url, 2000)
    for voice in voices:
        registry.record_use(voice)
    ends: list[str] = []
    engine = registry._context.database._engine
    sa.event.listen(engine, "begin", lambda connection: ends.append("begin"))
    sa.event.listen(engine, "commit", lambda connection: ends.append("commit"))
    registry.flush()

    assert ends == ["begin", "commit"]
    assert set(counted(database_url).values()) == {1}
    assert len(counted(database_url)) == 2000


@ONE_DATABASE
def test_who_uses_is_named(
    open_registry: OpenRegistry, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = insert_voice(database_url)

    def source_of(**options: Any) -> str:
        registry = open_registry(**options)
        registry.record_use(voice, START - DAY * len(counted(database_url)))
        registry.flush()
        return registry.daily_uses(voice)[0].source

    monkeypatch.setattr(sys, "argv", ["/opt/speech/server.py"])
    assert source_of() == "server.py"
    monkeypatch.setattr(sys, "argv", [""])
    assert source_of() == "python"
    monkeypatch.setenv("VOICEREG_SOURCE", "radio")
    assert source_of() == "radio"
    assert source_of(source="tv") == "tv"
    monkeypatch.setenv("VOICEREG_SOURCE", " \n ")
    assert source_of() == "python"


@ONE_DATABASE
@pytest.mark.parametrize("source", ["a\x00b", "\ud800", "x" * 101, " "], ids=ascii)
def test_an_odd_source_opens_no_registry(open_registry: OpenRegistry, source: str) -> None:
    """It would keep every use from being written."""
    with pytest.raises(InvalidInput, match="source"):
        open_registry(source=source)


# Voices on no record


def test_uses_of_unknown_voices_wait_for_a_sync(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    (there,) = stock(sandbox, created_at=START - 400 * DAY)
    for days in (3, 1, 2):
        registry.record_use(there.voice_id, START - days * DAY, days, "radio")
        registry.flush()
    registry.record_use("nowhere")
    registry.flush()
    assert sum(unclaimed(database_url).values()) == 7
    with pytest.raises(VoiceNotFound):
        registry.daily_uses(there.voice_id)

    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]

    voice = registry.voice(there.voice_id)
    assert (voice.last_used_at, voice.last_used_source) == (START - DAY, "radio")
    assert (voice.deadline_at, voice.deadline_basis) == (START - DAY + YEAR, "used")
    assert total(database_url, voice.id) == 6
    assert [voice_id for voice_id, _, _ in unclaimed(database_url)] == ["nowhere"]
    registry.sync()
    assert total(database_url, voice.id) == 6


def test_an_adopted_voice_claims_its_uses(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=True)
    (there,) = sandbox.voices()
    registry.record_use(there.voice_id, count=4)
    registry.flush()
    clock.advance(SETTLE_AFTER)
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]

    assert total(database_url, attempt.id) == 4
    assert registry.voice(attempt.id).last_used_at == START


def test_a_voice_adopted_by_hand_claims_its_uses(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=True)
    (there,) = sandbox.voices()
    registry.record_use(there.voice_id, count=4)
    registry.flush()
    clock.advance(SETTLE_AFTER)
    registry.adopt(attempt.id, there.voice_id)

    assert total(database_url, attempt.id) == 4
    assert unclaimed(database_url) == {}


def test_a_late_confirm_claims_its_uses(
    registry: Registry, database_url: str, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    slot.release("it was thought to have failed")
    registry.record_use("cosy-late", count=4)
    registry.flush()
    slot.confirm("cosy-late")

    assert total(database_url, slot.voice.id) == 4
    assert registry.voice("cosy-late").deadline_basis is DeadlineBasis.USED


def test_a_late_confirm_takes_over_uses_and_aliases(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    slot.release("it was thought to have failed")
    there = same_design(sandbox, COSY)
    registry.sync()
    imported = registry.voice(there.voice_id)
    registry.aliases.set("evening", imported.id)
    clock.advance(DAY)
    registry.record_use(there.voice_id, count=4)
    registry.flush()
    voice = slot.confirm(there.voice_id)

    assert voice.id == slot.voice.id != imported.id
    assert total(database_url, voice.id) == 4
    assert total(database_url, imported.id) == 0
    after = registry.voice(voice.id)
    assert (after.last_used_at, after.aliases) == (START + DAY, ("evening",))
    assert registry.resolve("evening").voice_id == there.voice_id


def test_a_mistaken_adoption_gives_uses_and_aliases_back(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    """What speaks under the name goes on speaking."""
    older, newer = registry.reserve(**COSY), None
    older.__exit__(TimeoutError, TimeoutError(), None)
    clock.advance(timedelta(minutes=1))
    newer = registry.reserve(**COSY)
    newer.__exit__(TimeoutError, TimeoutError(), None)
    there = same_design(sandbox, COSY)
    clock.advance(SETTLE_AFTER)
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    mistaken = registry.voice(there.voice_id)
    right = newer if mistaken.id == older.voice.id else older
    registry.aliases.set("evening", mistaken.id)
    registry.record_use(there.voice_id, count=4)
    registry.flush()
    right.confirm(there.voice_id)

    assert total(database_url, right.voice.id) == 4
    assert total(database_url, mistaken.id) == 0
    assert registry.resolve("evening").voice_id == there.voice_id
    assert registry.voice(mistaken.id).last_used_at is None


def test_records_that_become_one_keep_the_later_use_and_count_each_once(
    registry: Registry, database_url: str, sandbox: Sandbox
) -> None:
    """Every use of a voice on record in two quota groups was counted in both."""
    add_account(registry, "studio", base_url=sandbox.base_url)
    kept = insert_voice(database_url, voice_id="shared", account="studio")
    (there,) = [
        sandbox.add_voice(
            family=COSYVOICE,
            origin="designed",
            target_model="cosyvoice-v3.5-plus",
            name="other",
            prompt="A voice.",
            preview_text="A text.",
        )
    ]
    update_voice(database_url, kept, voice_id=there.voice_id)
    registry.sync()
    ours = registry.voice(there.voice_id)
    assert ours.id != kept
    registry.aliases.set("evening", ours.id)
    registry.record_use(there.voice_id, START - 2 * DAY, count=4)
    registry.record_use(kept, START - DAY)
    registry.flush()
    edit_account(registry, "default", quota_group="studio")

    after = registry.voice(kept, account="studio")
    assert after.last_used_at == START - DAY
    assert after.deadline_at >= START - DAY + YEAR
    assert total(database_url, kept) == 5
    assert registry.voice(ours.id).state is State.FAILED


def test_a_voice_used_since_the_listing_began_is_not_missing(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    stock(sandbox, 2)
    user = open_registry()
    user.sync()
    first = user.voices()[0]

    def use(action: str, output: dict[str, Any]) -> None:
        clock.advance(timedelta(seconds=1))
        user.record_use(str(first.voice_id))
        user.flush()

    unlisted(sandbox)
    syncing = open_registry(client_factory=tampering(clock, use))
    syncing.sync(family=COSYVOICE)

    states = {voice.id: voice.state for voice in user.voices()}
    assert states.pop(first.id) is State.ACTIVE
    assert list(states.values()) == [State.MISSING]


# Corrections


def test_a_correction_moves_the_last_use_back(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, created_at=START - 100 * DAY)
    registry.record_use(voice, source="wrong")
    registry.flush()
    corrected = registry.correct_use(voice, START - 9 * DAY, source="right")

    assert corrected == registry.voice(voice)
    assert (corrected.last_used_at, corrected.last_used_source) == (START - 9 * DAY, "right")
    assert corrected.deadline_at == START - 9 * DAY + YEAR
    (event,) = registry.events(voice=voice)
    assert (event.action, event.actor) == ("voice.use.correct", "tester")
    assert event.before["last_used_at"] == "2026-11-23T09:00:00Z"
    assert event.after["last_used_at"] == "2026-11-14T09:00:00Z"
    assert total(database_url, voice) == 1


@pytest.mark.parametrize(
    ("at", "what"),
    [(START + timedelta(minutes=6), "future"), (START.replace(tzinfo=None), "zone")],
)
def test_a_wrong_correction_changes_nothing(
    registry: Registry, database_url: str, at: Any, what: str
) -> None:
    voice = insert_voice(database_url)
    before = row_of(database_url, voice)
    with pytest.raises(InvalidInput, match=what):
        registry.correct_use(voice, at)

    assert row_of(database_url, voice) == before


def test_what_was_never_made_has_no_uses_to_correct(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, state=State.UNRESOLVED)
    with pytest.raises(StateConflict):
        registry.correct_use(voice, START)
    with pytest.raises(VoiceNotFound):
        registry.correct_use("nobody", START)


# Any order


_NOTES = st.tuples(
    st.integers(0, 2), st.integers(0, 72), st.integers(1, 9), st.sampled_from(["a", "b"])
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_order_of_any_flushes_is_the_same(
    open_registry: OpenRegistry, database_url: str, data: st.DataObject
) -> None:
    voices = insert_voices(database_url, 3, created_at=START - 100 * DAY)
    registries = [open_registry(source="x") for _ in range(2)]
    steps = data.draw(
        st.lists(st.tuples(st.integers(0, 1), st.none() | _NOTES), min_size=1, max_size=20)
    )
    expected: dict[tuple[str, Any, str], int] = {}
    last: dict[str, Any] = dict.fromkeys(voices)
    for which, note in steps:
        if note is None:
            registries[which].flush()
            continue
        voice, at = voices[note[0]], START - timedelta(hours=note[1])
        registries[which].record_use(voice, at, note[2], note[3])
        key = (voice, at.date(), note[3])
        expected[key] = expected.get(key, 0) + note[2]
        last[voice] = max(last[voice] or at, at)
    for registry in data.draw(st.permutations(registries)):
        registry.close()

    found = {key: uses for key, uses in counted(database_url).items() if key[0] in voices}
    assert found == expected
    rows = [row_of(database_url, voice) for voice in voices]
    assert [row.last_used_at for row in rows] == list(last.values())
    for row in rows:
        assert row.deadline_at == (row.last_used_at or START - 100 * DAY) + YEAR
