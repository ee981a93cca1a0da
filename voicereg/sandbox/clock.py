"""The sandbox's clock: another one's time, and how far it was moved ahead of that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: How far the clock can be moved in all: a hundred years.
LONGEST_OFFSET = timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock showed at one moment.

    Attributes:
        now: the time (aware, UTC).
        offset: how far that is ahead of the clock beneath.
    """

    now: datetime
    offset: timedelta


class MovableClock:
    """A clock that goes as another one does, and can be moved forward. Any thread may.

    Args:
        beneath: returns the time now, aware and in UTC.
    """

    def __init__(self, beneath: Callable[[], datetime]) -> None:
        self._beneath = beneath
        self._lock = threading.Lock()
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        """Return the time now."""
        return self.read().now

    def read(self) -> Reading:
        """Return the time now, with what there is to say of it."""
        with self._lock:
            return Reading(self._beneath() + self._offset, self._offset)

    def advance(self, by: timedelta) -> Reading:
        """Move the clock forward, and return what it shows then.

        Raises:
            ValueError: nothing forward, or further than ``LONGEST_OFFSET`` in all.
        """
        if by <= timedelta(0):
            raise ValueError(f"the clock moves forward only, not by {by}")
        with self._lock:
            # Not compared as a sum, which could be more than a timedelta holds.
            if by > LONGEST_OFFSET - self._offset:
                raise ValueError(
                    f"the clock can be moved by {LONGEST_OFFSET.days} days in all:"
                    f" {self._offset} until now, and no further {by}"
                )
            offset = self._offset + by
            reading = Reading(self._beneath() + offset, offset)
            self._offset = offset
            return reading
