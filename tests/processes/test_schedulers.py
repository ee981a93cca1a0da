"""Three schedulers in processes of their own, by a clock that runs fast; and they are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, cast
from unittest.mock import patch

import pytest

from tests.engine.waiting import LONG, until
from tests.fakes import START, FakeClock
from tests.housekeeping.support import House, Said
from tests.processes.running import Other, running
from tests.registry.rows import insert_voices
from tests.scheduler.support import MINUTE, due_rounds, schedule
from tests.uses.support import counted
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.housekeeping import leadership
from voicereg.sandbox import Sandbox
from voicereg.scheduler import Timetable, duty
from voicereg.scheduler.service import serve
from voicereg.tables import leases

EVERY = 10 * MINUTE
"""How often a round is due: once in a second."""
VOICES = 4


@dataclass(frozen=True)
class FastClock:
    """A second of it is a six-hundredth of one; the same in all processes."""

    began: float

    def now(self) -> datetime:
        return START + timedelta(seconds=(time.time() - self.began) * 600)

    def monotonic(self) -> timedelta:
        return timedelta(seconds=time.monotonic() * 600)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """As the program has it."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def lead_or_stand_by(
    database: str, settings: Settings, clock: FastClock, key: str, parent: Connection
) -> None:
    """One scheduler, until SIGTERM; a use is noted at its start."""
    signal.signal(signal.SIGTERM, _interrupt)
    # What takes its real time is renewed in real time: three seconds are half an hour here.
    lease = timedelta(minutes=30)
    with (
        patch.object(leadership, "LEASE", lease),
        patch.object(duty, "LEASE", lease),
        patch.object(leadership, "RENEWED_EVERY", timedelta(seconds=0.3)),
        Registry.open(
            database,
            settings=settings,
            environment={DEFAULT_KEY_VARIABLE: key},
            clock=clock,
            sleep=lambda duration: None,
            source="scheduler",
        ) as registry,
    ):
        registry.record_use("v")
        mine = duty.Duty(
            registry,
            Timetable(settings.schedule.round, "UTC"),
            accounts=lambda: ["default"],
            rng=random.SystemRandom(),
            jitter=timedelta(0),
        )
        parent.send(("begun", ""))
        with suppress(KeyboardInterrupt):
            serve(mine.tick, every=timedelta(seconds=0.05))
        mine.stop()


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A house by the fast clock."""
    clock = cast(FakeClock, FastClock(time.time()))
    with Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox:
        house = House(database_url, clock, sandbox, tmp_path)
        with house.opened:
            yield house


def begin(house: House) -> tuple[Any, ...]:
    """What a scheduler needs."""
    settings = house.settings(schedule=schedule("*/10 * * * *"))
    return lead_or_stand_by, house.url, settings, house.clock, house.sandbox.api_key


def leader(house: House) -> int | None:
    """The process that leads."""
    held = {row["name"]: row["holder"] for row in house.rows(leases)}
    return int(held[LEADER_LEASE].rpartition(" ")[2]) if LEADER_LEASE in held else None


def wait_for_rounds(house: House, more: int) -> None:
    before = len(due_rounds(house))
    until(lambda: len(due_rounds(house)) >= before + more)


def test_two_leaders_are_killed_and_no_round_is_lost_or_run_twice(house: House) -> None:
    for number in range(VOICES):
        # One after the other has a week left.
        house.voice(f"v{number}", 7 + (number + 1) * 15 / (24 * 60))

    with running(*begin(house), count=3) as others:
        assert [other.hear() for other in others] == [("begun", "")] * 3
        left = {other.pid: other for other in others}
        for _ in range(2):
            wait_for_rounds(house, 2)
            killed = leader(house)
            assert killed is not None
            left.pop(killed).kill()
            until(lambda killed=killed: leader(house) in left)  # type: ignore[misc]
        wait_for_rounds(house, 2)
        last_mark = START + (VOICES + 1) * 15 * MINUTE
        until(lambda: due_rounds(house)[-1][0] > last_mark)
        (last,) = left.values()
        _end(last)

    first, *others_due = due_rounds(house)
    due = [at for at, _ in others_due]
    assert due == sorted(set(due)), "one was run twice"
    assert all(at.minute % 10 == 0 and at.second == 0 for at in due)
    wanted = (due[-1] - datetime.min.replace(tzinfo=UTC)) // EVERY - (
        first[0] - datetime.min.replace(tzinfo=UTC)
    ) // EVERY
    assert sum(1 + missed for _, missed in others_due) == wanted, "one was lost"
    assert len(due_rounds(house, finished=False)) <= 3
    assert house.rows(leases) == []
    _check_told(house)


def _end(other: Other) -> None:
    os.kill(other.pid, signal.SIGTERM)
    assert other.end() == 0


def _check_told(house: House) -> None:
    """Each once; a second time only if it was killed between sending and noting, and says so."""
    told = [item for message in house.told() for item in message]
    everything = {
        mark: {Said("warning", f"v{number}", mark) for number in range(VOICES)} for mark in (14, 7)
    }
    heard = {without_repeat(item) for item in told}
    # A voice that had come to its last week before the first round was told of once.
    assert everything[7] <= heard <= everything[7] | everything[14]
    times = Counter(without_repeat(item) for item in told)
    surely = Counter(item for item in told if not item.maybe_repeat)
    assert set(surely.values()) == {1}
    assert sum(times.values()) - len(times) <= sum(item.maybe_repeat for item in told)


def without_repeat(item: Said) -> Said:
    return item._replace(maybe_repeat=False)


class Gate:
    """Holds up the provider, and tells when somebody waits there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, sandbox: object) -> None:
        self.reached.set()
        assert self.released.wait(LONG)


def test_sigterm_in_the_middle_of_a_round_ends_it_cleanly(house: House) -> None:
    insert_voices(house.url, 1, voice_id="v")
    gate = Gate()
    house.sandbox.on_action("list", gate, when="before")
    with running(*begin(house)) as (other,):
        assert other.hear() == ("begun", "")
        assert gate.reached.wait(LONG)
        assert leader(house) == other.pid
        assert len(house.rows(leases)) == 2

        _end(other)
        gate.released.set()

    assert house.rows(leases) == []
    assert len(due_rounds(house, finished=False)) == 1
    assert due_rounds(house) == []
    assert list(counted(house.url).values()) == [1]
