"""Where the time comes from: a clock that is passed in, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

Sleep = Callable[[timedelta], None]
"""Waits for as long as it is told; tests pass one that does not."""


class Clock(Protocol):
    """Tells the time of day, and measures how long things take."""

    def now(self) -> datetime:
        """The current time, aware and in UTC."""

    def monotonic(self) -> timedelta:
        """A time that never goes back, from an unspecified start."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> timedelta:
        """A time that never goes back, from an unspecified start."""
        return timedelta(seconds=time.monotonic())


def system_sleep(duration: timedelta) -> None:
    """Wait for ``duration`` of real time."""
    time.sleep(duration.total_seconds())


def rfc3339(moment: datetime | None) -> str | None:
    """``moment`` as JSON shows it: UTC, RFC 3339, with ``Z``; None stays None."""
    if moment is None:
        return None
    if moment.tzinfo is UTC:
        return moment.isoformat()[: -len("+00:00")] + "Z"
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
