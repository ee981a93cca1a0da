"""Numbers and times in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from voicereg.domain.clock import rfc3339
from voicereg.domain.counts import many

_NAMED = 3
_UNITS = (
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def lasting(duration: timedelta) -> str:
    """How long something lasts, roughly."""
    duration = abs(duration)
    for unit, name in _UNITS:
        if duration >= unit:
            return many(duration // unit, name)
    return many(int(duration.total_seconds()), "second")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago something was, and when."""
    return f"{lasting(now - moment)} ago ({rfc3339(moment)})"


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
