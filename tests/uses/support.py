"""Recorders without a database, and what the tables hold of uses."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any, NamedTuple

import sqlalchemy as sa

from tests.fakes import FakeClock
from tests.registry.rows import begun
from voicereg import DatabaseUnusable
from voicereg.registry.recorder import Batch, Recorder
from voicereg.tables import unclaimed_uses, use_writers, voice_uses

NEVER = timedelta(hours=1)
"""As often as a test that flushes by itself wants its recorder to."""


class _Content(NamedTuple):
    numbers: dict[str, int]
    uses: Counter[tuple[str, str, date]]
    last: dict[str, datetime]


class Book:
    """Stands in for the database: takes a batch once, and fails when it is told to."""

    def __init__(self) -> None:
        self._content = _Content({}, Counter(), {})
        self.batches: list[Batch] = []
        self.away = False
        self.answers_are_lost = False
        self.wrote = threading.Event()
        self.before: Callable[[], object] = lambda: None

    def write(self, batch: Batch) -> None:
        self.before()
        if self.away:
            raise DatabaseUnusable("the book", "it is away")
        numbers, uses, last = self._content
        numbers, uses, last = numbers.copy(), uses.copy(), last.copy()
        if batch.number > numbers.get(batch.writer, 0):
            numbers[batch.writer] = batch.number
            for note in batch.notes:
                uses[note.reference, note.source, note.day] += note.uses
                last[note.reference] = max(last.get(note.reference, note.last_at), note.last_at)
        self._content = _Content(numbers, uses, last)  # the commit
        self.batches.append(batch)
        watching = sys.getprofile()
        sys.setprofile(None)  # an event that was interrupted would stay locked
        self.wrote.set()
        sys.setprofile(watching)
        if self.answers_are_lost:
            raise DatabaseUnusable("the book", "its answer is lost")

    @property
    def uses(self) -> Counter[tuple[str, str, date]]:
        return self._content.uses

    @property
    def last(self) -> dict[str, datetime]:
        return self._content.last

    @property
    def total(self) -> int:
        return sum(self.uses.values())


@contextmanager
def recording(book: Book, **options: Any) -> Iterator[Recorder]:
    """A recorder that writes into the book."""
    values: dict[str, Any] = {"clock": FakeClock(), "source": "tests", "flush_every": NEVER}
    recorder = Recorder(book.write, **(values | options))
    try:
        yield recorder
    finally:
        recorder.close()


class Between:
    """Does something after the n-th call that a piece of code makes.

    That is when an interpreter looks for signals; what a handler of one may do is done there.
    """

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self._number = number
        self._act = act
        self.acted = False

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        if event.endswith("return"):
            self._number -= 1
            if self._number == 0:
                self.acted = True
                self._act()

    def __enter__(self) -> Between:
        gc.disable()  # what others do when garbage is collected is not to be interrupted
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        gc.enable()


def places() -> Iterator[int]:
    """1, 2, 3, …; the one who counts sees when there are no more places."""
    return itertools.count(1)


def counted(url: str) -> dict[tuple[str, date, str], int]:
    """All counts, by registry id, day and source."""
    with begun(url) as connection:
        rows = connection.execute(sa.select(voice_uses)).all()
    return {(row.voice, row.day, row.source): row.uses for row in rows}


def total(url: str, voice: str) -> int:
    return sum(uses for (whose, _, _), uses in counted(url).items() if whose == voice)


def unclaimed(url: str) -> dict[tuple[str, date, str], int]:
    """What is kept for voices on no record, by id, day and source."""
    with begun(url) as connection:
        rows = connection.execute(sa.select(unclaimed_uses)).all()
    return {(row.voice_id, row.day, row.source): row.uses for row in rows}


def writers(url: str) -> int:
    """How many recorders have written."""
    with begun(url) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(use_writers)).scalar_one()
