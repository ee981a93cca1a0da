"""What the rounds on record say of the schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

from voicereg.registry import Registry

_BACKWARD = timedelta(days=1)
"""A clock that was wrong by more than that has run rounds that mean nothing."""
_LOOKED_AT = 1000


def last_due(registry: Registry, now: datetime) -> datetime | None:
    """When the schedule wanted the latest round that was run for it; None: there was none.

    One from a time when the clock was far ahead does not count: else nothing would run until then.
    """
    last = registry.rounds.last_due()
    if last is None or last <= now + _BACKWARD:
        return last
    return max(
        (
            found.due_at
            for found in registry.rounds.latest(_LOOKED_AT)
            if found.due_at is not None
            and found.finished_at is not None
            and found.due_at <= now + _BACKWARD
        ),
        default=None,
    )
