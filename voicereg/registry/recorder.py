"""Uses noted in memory, and written many at once, so that noting one costs next to nothing."""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import sys
import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from voicereg.domain.clock import Clock
from voicereg.domain.errors import DatabaseProblem, InvalidInput, Problem
from voicereg.domain.uses import UseNote, check_use
from voicereg.domain.voice_ids import is_voice_id
from voicereg.registry.notes import Key, Noteds, Notes

FLUSH_EVERY = timedelta(seconds=2)
"""The longest that a use is only in memory, while the database can be reached."""
MOST_NOTES = 100_000
"""So many are kept while it cannot: one for each voice, source and day."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Notes that are written in one transaction, or not at all."""

    writer: str
    """Who writes: a name that no other recorder has."""
    number: int
    """Counted by the writer: a batch whose outcome was never heard of is not counted twice."""
    notes: Sequence[UseNote]


@dataclass(frozen=True, slots=True)
class _Taken:
    """Notes that a flush has taken, and not yet seen written."""

    number: int
    notes: Noteds

    def as_batch(self, writer: str) -> Batch:
        return Batch(
            writer,
            self.number,
            [
                UseNote(reference, source, date.fromordinal(day), noted.uses, noted.last_at)
                for (reference, source, day), noted in self.notes.items()
                # A note that was interrupted before it counted anything.
                if noted.uses
            ],
        )


class Recorder:
    """Notes uses, and writes them from a thread of its own every few seconds.

    Noting holds no lock while anything is read or written. Safe to use from threads, from asyncio
    code, from signal handlers and after a fork: a child begins with nothing noted.

    Args:
        write: writes a batch in one transaction; raises DatabaseProblem.
        clock: dates uses for which no time is given.
        source: names uses for which no source is given.
        flush_every: how often notes are written.
        most_notes: how many are kept at most.
    """

    def __init__(
        self,
        write: Callable[[Batch], None],
        *,
        clock: Clock,
        source: str,
        flush_every: timedelta = FLUSH_EVERY,
        most_notes: int = MOST_NOTES,
    ) -> None:
        self._write = write
        self._now = clock.now
        self._source = source
        self._flush_every = flush_every
        self._most_notes = most_notes
        self._begin()
        at_exit = weakref.WeakMethod(self.close)
        self._at_exit = lambda: (close := at_exit()) and close()
        if hasattr(os, "register_at_fork"):
            begin = weakref.WeakMethod(self._begin)
            os.register_at_fork(after_in_child=lambda: (anew := begin()) and anew())

    def _begin(self) -> None:
        """Nothing is noted: what a parent process has noted is for the parent to write."""
        self._notes = Notes(self._most_notes, self._on_first)
        # Reentrant: a signal handler may note a use in the middle of another.
        self._starting = threading.RLock()
        self._writing = threading.Lock()
        self._writer = uuid.uuid4().hex
        self._numbers = itertools.count(1)
        self._unwritten: _Taken | None = None
        self._thread: threading.Thread | None = None
        self._at_childs_exit: Any = None
        self._wake = threading.Event()
        self._closed = False

    def record(
        self,
        reference: str,
        at: datetime | None = None,
        count: int = 1,
        source: str | None = None,
    ) -> None:
        """Note uses of a voice.

        Args:
            reference: the provider's id of the voice, or the registry's.
            at: when (aware); None: now.
            count: how many.
            source: who used it; None: as the registry was opened.

        Raises:
            InvalidInput: what can be no id, a time in the future or without a zone, a count below
                1, an odd source.
        """
        now = self._now()
        if at is not None or count != 1 or source is not None:
            check_use(at=at, count=count, source=source, now=now)
        moment = now if at is None else at.astimezone(UTC)
        key = (reference, source or self._source, moment.toordinal())
        notes = self._notes
        pad = notes.mine.pad or notes.begin_pad()
        with pad.lock:
            noted = pad.notes.get(key) or notes.begin_note(pad, key, moment)
            if noted is None:
                pad.lost += count
                return
            noted.uses += count
            if moment > noted.last_at:
                noted.last_at = moment

    def _on_first(self, key: Key) -> None:
        """Look at the first note of a voice since the last flush."""
        if not is_voice_id(key[0]):
            # No database may take it, and what is kept until it is written would hold up the rest.
            raise InvalidInput(Problem("voice_id", ascii(key[0]), "it can be no voice's id"))
        if self._closed:
            _logger.error(
                "voice %s was used after the registry was closed; only a flush records it", key[0]
            )
        elif self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._start()

    def _start(self) -> None:
        """See to it that notes are written: every few seconds, and when the process ends."""
        atexit.register(self._at_exit)
        if "multiprocessing" in sys.modules:
            from multiprocessing import parent_process
            from multiprocessing.util import Finalize

            if parent_process() is not None:  # such a process ends without atexit
                self._at_childs_exit = Finalize(None, self._at_exit, exitpriority=0)
        self._thread = threading.Thread(
            target=self._flush_forever, name="voicereg uses", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            _logger.warning("uses are recorded late, as no thread can be had for it: %s", error)
        except BaseException:
            self._thread = None
            raise

    def flush(self) -> None:
        """Write what is noted, and wait until it is written.

        Raises:
            DatabaseProblem: it could not be; it is kept, and written later.
        """
        with self._writing:
            if self._unwritten is not None:
                # An interrupt may have come before they were let go of.
                self._notes.let_go(self._unwritten.notes)
            notes = self._notes.gather()
            if lost := self._notes.take_lost():
                _logger.error(
                    "%d uses were not recorded: the database could not be reached for too long, "
                    "and more than %d notes are not kept",
                    lost,
                    self._most_notes,
                )
            # What failed before goes first and as it was: it may have been written after all.
            if self._unwritten is not None:
                self._write_unwritten(self._unwritten)
            if notes:
                self._unwritten = _Taken(next(self._numbers), notes)
                self._notes.let_go(notes)
                self._write_unwritten(self._unwritten)

    def _write_unwritten(self, taken: _Taken) -> None:
        self._write(taken.as_batch(self._writer))
        self._unwritten = None

    def close(self) -> None:
        """Write what is noted, and stop. What cannot be written is lost, and that is logged."""
        with self._starting:
            self._closed = True
            thread = self._thread
        self._wake.set()
        atexit.unregister(self._at_exit)
        if self._at_childs_exit is not None:
            self._at_childs_exit.cancel()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        try:
            self.flush()
        except DatabaseProblem as problem:
            _logger.error("%d uses were not recorded: %s", self.pending, problem)

    @property
    def pending(self) -> int:
        """How many uses are noted, and not known to be written."""
        unwritten = self._unwritten
        return self._notes.pending({} if unwritten is None else unwritten.notes)

    def _flush_forever(self) -> None:
        while not self._wake.wait(self._flush_every.total_seconds()):
            try:
                self.flush()
            except DatabaseProblem as problem:
                _logger.warning("uses are kept until they can be recorded: %s", problem)
            except Exception:
                # A thread that dies in silence would lose every use from now on.
                _logger.exception("uses could not be recorded")
