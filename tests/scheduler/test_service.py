"""The scheduler in the foreground: turns, signals, and clocks that are put back."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from types import FrameType

import pytest
from apscheduler.schedulers import base as apscheduler_base

from tests.engine.waiting import LONG
from voicereg.scheduler.service import serve

SOON = timedelta(milliseconds=1)


class Enough(Exception):
    """Ends what would go on for ever."""


class Turns:
    """Counts its calls, and ends at the last."""

    def __init__(self, last: int, act: Callable[[int], object] = lambda number: None) -> None:
        self._last = last
        self._act = act
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        self._act(self.count)
        if self.count >= self._last:
            raise Enough


def scheduler_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "APScheduler" in thread.name]


def test_it_begins_at_once_and_goes_on_until_something_is_raised() -> None:
    turns = Turns(5)

    with pytest.raises(Enough):
        serve(turns, every=SOON)

    assert turns.count == 5
    for thread in scheduler_threads():
        thread.join(LONG)
        assert not thread.is_alive()


def test_the_first_turn_waits_for_nothing() -> None:
    with pytest.raises(Enough):
        serve(Turns(1), every=timedelta(days=365))


def test_work_is_done_where_signals_come() -> None:
    where: list[threading.Thread] = []

    with pytest.raises(Enough):
        serve(Turns(3, lambda number: where.append(threading.current_thread())), every=SOON)

    assert set(where) == {threading.main_thread()}


def test_two_turns_never_meet() -> None:
    """One that takes longer than the time between is not made up for by many at once."""
    begun = threading.Event()
    inside: list[int] = []

    def act(number: int) -> None:
        inside.append(number)
        if number == 1:
            begun.wait(0.05)  # many turns could have come
        assert inside == [number]
        inside.clear()

    turns = Turns(4, act)
    with pytest.raises(Enough):
        serve(turns, every=SOON)
    assert turns.count == 4


@contextmanager
def _interrupting(number: signal.Signals) -> Iterator[None]:
    """A signal is as good as Ctrl-C, and a second one is not listened to, as in the program."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(number, interrupt)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("calls", range(1, 120))
def test_a_signal_ends_it_at_any_instant(calls: int) -> None:
    """It is heard once only: one that got lost would let it run for ever."""
    left = itertools.count(calls, -1)

    def signal_after(*event: object) -> None:
        if next(left) == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGUSR1)

    def act(number: int) -> None:
        if number == 1:
            sys.setprofile(signal_after)

    try:
        with _interrupting(signal.SIGUSR1), pytest.raises(KeyboardInterrupt):
            serve(Turns(200, act), every=timedelta(microseconds=50))
    finally:
        sys.setprofile(None)


class PutBack:
    """The machine's time, until it is put back."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo) -> datetime:
        return datetime.now(tz) - cls.by


def test_a_clock_that_is_put_back_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apscheduler_base, "datetime", PutBack)
    monkeypatch.setattr(PutBack, "by", timedelta(0))

    def act(number: int) -> None:
        if number == 2:
            PutBack.by = timedelta(days=365)

    turns = Turns(6, act)
    with pytest.raises(Enough):
        serve(turns, every=timedelta(milliseconds=5))
    assert turns.count == 6
