"""Signs of life: how the last rounds went, who leads, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import LeaseHeld
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE, RoundRecord, StepState
from voicereg.registry import Registry
from voicereg.scheduler.record import last_due
from voicereg.scheduler.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Status:
    """How housekeeping stands."""

    now: datetime
    max_age: timedelta | None
    """How old the last good round may be; None: as old as it is."""
    last_good: RoundRecord | None
    """The last round in which all went well."""
    last: RoundRecord | None
    """The last round."""
    under_way: LeaseHeld | None
    """Who runs a round now."""
    leader: LeaseHeld | None
    """Whose scheduler leads."""
    next_due_at: datetime | None
    """When the schedule of the settings wants the next round, whether or not anybody leads.

    Where rounds were missed, the first of them: a time that is past.
    """
    steps: Sequence[StepState]
    """How each step went last."""

    @property
    def age(self) -> timedelta | None:
        """How long ago the last good round ended; None: there was none."""
        if self.last_good is None or self.last_good.finished_at is None:
            return None
        return self.now - self.last_good.finished_at

    @property
    def ok(self) -> bool:
        """Whether the last good round is young enough."""
        if self.max_age is None:
            return True
        # One that ended long after the present was told the time by a clock that was wrong.
        return self.age is not None and abs(self.age) <= self.max_age

    def as_dict(self) -> dict[str, Any]:
        """The status with the keys that JSON output shows."""
        return {
            "ok": self.ok,
            "last_good": None if self.last_good is None else self.last_good.as_dict(),
            "age_seconds": None if self.age is None else round(self.age.total_seconds()),
            "last": None if self.last is None else self.last.as_dict(),
            "under_way": _holder(self.under_way),
            "leader": _holder(self.leader),
            "next_due_at": rfc3339(self.next_due_at),
            "steps": [step.as_dict() for step in self.steps],
        }


STATUS_KEYS = (
    "ok",
    "last_good",
    "age_seconds",
    "last",
    "under_way",
    "leader",
    "next_due_at",
    "steps",
)
"""The keys of :meth:`Status.as_dict`, in order."""


def status_of(registry: Registry, max_age: timedelta | None = None) -> Status:
    """How housekeeping of a registry stands.

    Args:
        registry: an open one.
        max_age: how old the last good round may be; None: as old as it is.

    Raises:
        InvalidInput: the schedule of the settings is none.
    """
    schedule = registry.settings.schedule
    timetable = Timetable(schedule.round, schedule.timezone)
    rounds, now = registry.rounds, registry.now()
    latest = rounds.latest(1)
    since = last_due(registry, now)
    return Status(
        now=now,
        max_age=max_age,
        last_good=rounds.last_good(),
        last=latest[0] if latest else None,
        under_way=registry.leases.holder(ROUND_LEASE),
        leader=registry.leases.holder(LEADER_LEASE),
        next_due_at=timetable.next_after(since or now),
        steps=rounds.steps(),
    )


def _holder(held: LeaseHeld | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {"holder": held.holder, "since": rfc3339(held.since)}
