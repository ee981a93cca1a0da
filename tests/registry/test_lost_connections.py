"""The connection to the database breaks in the middle: what may be done again is done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.databases import SqliteTemplate
from tests.fakes import ANNOUNCER, NARRATOR, FakeClock
from tests.registry.rows import begun
from voicereg import AliasNotFound, DatabaseLost, Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.audio import PreviewAudio
from voicereg.engine import Database
from voicereg.housekeeping import run_round
from voicereg.sandbox import Sandbox
from voicereg.tables import metadata

_WRITE, _READ = Database.write, Database.read


@contextmanager
def losing(nth: int, *, known: bool) -> Iterator[list[None]]:
    """The ``nth`` transaction of each kind ends without an answer.

    Args:
        nth: counted from 0.
        known: whether it is undone; otherwise it is committed, and nobody hears of it.
    """
    begun: list[None] = []

    @contextmanager
    def write(self: Database) -> Iterator[sa.Connection]:
        begun.append(None)
        is_lost = len(begun) - 1 == nth
        with _WRITE(self) as connection:
            yield connection
            if is_lost and known:
                raise DatabaseLost(self.display, "it went away", is_known=True)
        if is_lost:
            raise DatabaseLost(self.display, "it went away", is_known=False)

    @contextmanager
    def read(self: Database, *, patient: bool = True) -> Iterator[sa.Connection]:
        with _READ(self, patient=patient) as connection:
            yield connection
            if nth < 0:
                reads.append(None)
                if len(reads) % 2:  # each first try
                    raise DatabaseLost(self.display, "it went away", is_known=True)

    reads: list[None] = []
    with patch.object(Database, "write", write), patch.object(Database, "read", read):
        yield begun


def _reserve(registry: Registry, made: str) -> None:
    with registry.reserve(**NARRATOR) as slot:
        slot.confirm("qwen-tts-vd-mine")


def _release(registry: Registry, made: str) -> None:
    with registry.reserve(**NARRATOR) as slot:
        slot.release("refused")


def _round(registry: Registry, made: str) -> None:
    done = run_round(registry, environment={})
    assert done.ok, done


def _use(registry: Registry, made: str) -> None:
    registry.record_use(made, count=7)
    registry.flush()


WORK: dict[str, Callable[[Registry, str], Any]] = {
    "reserve": _reserve,
    "release": _release,
    "design": lambda registry, made: registry.design(**NARRATOR),
    "delete": lambda registry, made: registry.delete(made),
    "edit": lambda registry, made: registry.edit(made, tags={"team": "news"}, pin=True),
    "alias": lambda registry, made: registry.aliases.set("voice", made),
    "use": _use,
    "correct": lambda registry, made: registry.correct_use(
        made, registry.now() - timedelta(hours=1), source="by hand"
    ),
    "sync": lambda registry, made: registry.sync(),
    "preview": lambda registry, made: registry.keep_preview(
        made, PreviewAudio(b"RIFF", "wav", None)
    ),
    "round": _round,
}


def _content(url: str) -> dict[str, Any]:
    """What there is, but for ids and moments; of the log only what happened to a voice."""
    loose = {
        "data",
        "id",
        "voice",
        "token",
        "lease_holder",
        "number",
        "writer",
        "request_id",
        "voice_id",
    }
    with begun(url) as connection:
        return {
            table.name: sorted(
                repr(
                    {
                        name: value
                        for name, value in row._mapping.items()
                        if name not in loose and not name.endswith("_at")
                    }
                )
                for row in connection.execute(sa.select(table))
            )
            for table in metadata.sorted_tables
            if table.name not in {"events", "voice_texts", "leases", "use_writers"}
        }


Run = Callable[[Callable[[Registry, str], Any]], dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, sqlite_template: SqliteTemplate) -> Run:
    """Does something to a new registry with one voice; what is there then."""

    def run_once(work: Callable[[Registry, str], Any]) -> dict[str, Any]:
        clock = FakeClock()
        url = sqlite_template.copy_to(tmp_path / "voicereg.db")
        with (
            Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox,
            Registry.open(
                url,
                settings=Settings(base_url=sandbox.base_url),
                actor="tester",
                clock=clock,
                sleep=clock.sleep,
                environment={DEFAULT_KEY_VARIABLE: sandbox.api_key},
                source="tests",
            ) as registry,
        ):
            work(registry, registry.design(**ANNOUNCER).id)
            there = len(sandbox.voices())
        for path in tmp_path.glob("voicereg.db*"):
            if path.suffix != ".db":
                path.unlink()
        return {**_content(url), "at the provider": there}

    return run_once


@pytest.mark.parametrize("what", WORK)
def test_whatever_answer_is_lost_it_comes_to_the_same(run: Run, what: str) -> None:
    work = WORK[what]
    transactions: list[None] = []

    def counted(registry: Registry, made: str) -> None:
        with losing(10_000, known=True) as begun_there:
            work(registry, made)
        transactions.extend(begun_there)

    expected = run(counted)
    assert transactions
    for nth in range(len(transactions)):
        # What is not known is the harder half. A round has many transactions.
        halves = (True, False) if len(transactions) < 6 else (nth % 3 == 2,)
        for known in halves:

            def lost(registry: Registry, made: str, nth: int = nth, known: bool = known) -> None:
                with losing(nth, known=known):
                    work(registry, made)

            assert run(lost) == expected, f"the {nth}th of {len(transactions)}, known: {known}"


def test_what_is_read_is_read_again(run: Run) -> None:
    def look(registry: Registry, made: str) -> None:
        with losing(-1, known=True):
            assert registry.voice(made).id == made
            assert [voice.id for voice in registry.voices()] == [made]
            assert [voice.id for voice in registry.iter_voices()] == [made]
            assert registry.quota("cosyvoice").used == 1
            assert len(registry.quotas()) == 2
            assert registry.require_quota("cosyvoice", 3).remaining == 999
            assert registry.events()
            assert registry.expiring(within=timedelta(days=400))
            assert registry.daily_uses(made) == []
            assert registry.accounts.one().name == "default"
            assert registry.rounds.latest() == []
            with pytest.raises(AliasNotFound):
                registry.resolve("nobody")

    run(look)


def test_twice_would_not_be_once(run: Run) -> None:
    """What went before cannot be told from what a second try would find: the caller is told."""

    def remove(registry: Registry, made: str) -> None:
        registry.aliases.set("voice", made)
        with losing(0, known=True):
            registry.aliases.remove("voice")
        registry.aliases.set("voice", made)
        with losing(0, known=False), pytest.raises(DatabaseLost, match="is not known"):
            registry.aliases.remove("voice")
        assert registry.aliases.all() == []

    run(remove)


def test_one_that_always_breaks_is_told_of(run: Run) -> None:
    def edit(registry: Registry, made: str) -> None:
        def broken(self: Database) -> Any:
            tries.append(None)
            raise DatabaseLost(self.display, "it went away", is_known=True)

        tries: list[None] = []
        with patch.object(Database, "write", broken), pytest.raises(DatabaseLost):
            registry.edit(made, pin=True)
        assert len(tries) == 5

    run(edit)
