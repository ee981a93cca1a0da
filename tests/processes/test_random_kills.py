"""``kill -9`` at random instants of creates and deletes: nothing leaks, and nothing is lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from tests.engine.waiting import until
from tests.processes.running import running
from tests.processes.work import Place, create_and_delete
from tests.registry.support import set_limits
from voicereg import CreateSettings, Family, Registry, State
from voicereg.engine import Database
from voicereg.sandbox import Sandbox

CREATE = CreateSettings()
LATER = CREATE.settle_after + CREATE.longest_delete + timedelta(minutes=1)
"""Longer than anything can last that a process was about when it was killed."""
LIMIT = 8
CALLS_OF_A_LIFE = 144_000
"""Of functions: a process's first create takes half of them, the next ones a quarter each."""
SECONDS_OF_A_LIFE = 0.4
AT_THE_PROVIDER = timedelta(milliseconds=5)


class LaterClock:
    """The machine's clock, some time ahead: what was under way is over."""

    def now(self) -> datetime:
        return datetime.now(UTC) + LATER

    def monotonic(self) -> timedelta:
        return timedelta(seconds=time.monotonic())


class Killing:
    """A registry and a provider, where processes are killed one after the other."""

    def __init__(self, place: Place, sandbox: Sandbox, seed: int) -> None:
        self._place = place
        self._sandbox = sandbox
        self._random = Random(seed)
        self._made: set[str] = set()
        self._deleted: set[str] = set()
        self.left: Counter[State] = Counter()
        """The states in which the killed left their voices."""

    @property
    def has_made(self) -> bool:
        """Whether any of them has made a voice."""
        return bool(self._made)

    def kill_one(self) -> None:
        """Half of them by the number of functions they have called, half of them by the clock."""
        counted = self._random.random() < 0.5
        calls = self._random.randrange(CALLS_OF_A_LIFE) if counted else None
        seconds = self._random.uniform(0, SECONDS_OF_A_LIFE)
        seed = self._random.getrandbits(32)
        with running(create_and_delete, self._place, seed, calls) as (other,):
            assert other.hear()[0] == "begun"
            if counted:
                other.is_killed()
            else:
                threading.Event().wait(seconds)  # whatever it has come to by then
                other.kill()
            for what, voice in other.hear_all():
                (self._made if what == "made" else self._deleted).add(voice)
        self._let_the_provider_end()

    def _let_the_provider_end(self) -> None:
        """What the dead have sent is carried out, or never will be."""
        with httpx.Client(trust_env=False, verify=False) as client:
            client.get(self._sandbox.base_url)  # who came before has been let in
        until(lambda: not self._sandbox._door._connections)

    def settle_and_compare(self) -> None:
        with self._place.open(clock=LaterClock()) as registry:
            self._compare(registry, self._sandbox)

    def _compare(self, registry: Registry, sandbox: Sandbox) -> None:
        for voice in registry.voices():
            self.left[voice.state] += 1
        for _ in range(2):
            sync = registry.sync()
            assert sync.complete, sync.problems
            assert sync.problems == ()
        voices = {voice.id: voice for voice in registry.voices(with_gone=True)}
        held = {voice.voice_id for voice in voices.values() if voice.state.holds_slot}
        assert held == {voice.voice_id for voice in sandbox.voices()}
        for family in Family:
            quota = registry.quota(family)
            assert quota.used == len(sandbox.voices(family))
            assert (quota.creating, quota.unresolved) == (0, 0)
        states = {voice.state for voice in voices.values()}
        assert states <= {State.ACTIVE, State.DELETED, State.FAILED}, "a delete taken for a loss"
        assert all(voice.prompt and voice.deadline_basis == "created" for voice in voices.values())
        assert {voices[voice].state for voice in self._made} <= {State.ACTIVE, State.DELETED}
        assert {voices[voice].state for voice in self._deleted} <= {State.DELETED}
        creates = sum(request.action in {"create", "create_voice"} for request in sandbox.requests)
        assert creates <= len(voices), "a create without a record"

    def check_lives(self) -> None:
        """They must not have been so short that nothing came about in any of them."""
        assert self._made
        assert self.left

    def check_database(self) -> None:
        database = Database.open(self._place.database)
        if database.is_sqlite:
            with database.read() as connection:
                for check, well in (("integrity_check", ["ok"]), ("foreign_key_check", [])):
                    found = connection.exec_driver_sql(f"PRAGMA {check}").scalars().all()
                    assert found == well
        database.close()


@pytest.fixture
def killing(database_url: str) -> Iterator[Killing]:
    with ExitStack() as opened:
        sandbox = opened.enter_context(
            Sandbox.start(
                review_time=timedelta(0),
                create_time=AT_THE_PROVIDER,
                limits={str(family): LIMIT for family in Family},
            )
        )
        place = Place(database_url, sandbox.base_url, sandbox.api_key)
        with place.open() as registry:
            set_limits(registry, dict.fromkeys(Family, LIMIT))
        yield Killing(place, sandbox, seed=1)


def _kill(killing: Killing, times: int) -> None:
    for number in itertools.count():
        # On a machine that is busy, lives are short: something must have come about in one.
        if number >= times and (killing.has_made or number > 4 * times):
            break
        killing.kill_one()
        killing.settle_and_compare()
    killing.check_lives()
    killing.check_database()


def test_some_kills(killing: Killing) -> None:
    _kill(killing, 6)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_two_hundred_kills(killing: Killing) -> None:
    _kill(killing, 200)
    assert {State.CREATING, State.DELETING} <= killing.left.keys(), "none was hit at work"
