"""A round of housekeeping: what its steps did, and what it told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.messages import Message

ROUND_LEASE = "round of housekeeping"
"""One round at a time."""
LEADER_LEASE = "schedule of housekeeping"
"""One scheduler at a time runs what is due."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went, of one account or of all."""

    name: str
    """``sync``, ``settle``, ``keep_alive``, ``warn``, ``deliver`` or ``prune``."""
    account: str | None
    """None: it is about all accounts at once."""
    error: str | None = None
    """What went wrong, and what is unharmed; None: nothing."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many of each thing it did."""

    @property
    def ok(self) -> bool:
        """Whether everything went well."""
        return self.error is None

    def as_dict(self) -> dict[str, Any]:
        """The step with the keys that JSON output shows."""
        return {
            "name": self.name,
            "account": self.account,
            "ok": self.ok,
            "error": self.error,
            "counts": dict(self.counts),
        }


@dataclass(frozen=True, slots=True)
class StepState:
    """How a step went last, and when it last went well."""

    name: str
    """``sync``, ``settle``, ``keep_alive``, ``warn``, ``deliver`` or ``prune``."""
    account: str | None
    """None: it is about all accounts at once."""
    tried_at: datetime
    """When it was last tried."""
    good_at: datetime | None
    """None: never."""
    error: str | None
    """What went wrong the last time; None: nothing."""

    def as_dict(self) -> dict[str, Any]:
        """The step with the keys that JSON output shows."""
        return {
            "name": self.name,
            "account": self.account,
            "tried_at": rfc3339(self.tried_at),
            "good_at": rfc3339(self.good_at),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """A round on record."""

    id: int
    """The registry's own id."""
    holder: str
    """Who ran it: user, host and program."""
    due_at: datetime | None
    """When the schedule wanted it; None: somebody asked for it."""
    missed: int
    """Earlier ones that it stands for, too, as nobody could run them."""
    started_at: datetime
    """When it began."""
    finished_at: datetime | None
    """None: it is under way, or was killed."""
    ok: bool | None
    """Whether every step went well; None: it has not ended."""

    def as_dict(self) -> dict[str, Any]:
        """The round with the keys that JSON output shows."""
        return {
            "id": self.id,
            "holder": self.holder,
            "due_at": rfc3339(self.due_at),
            "missed": self.missed,
            "started_at": rfc3339(self.started_at),
            "finished_at": rfc3339(self.finished_at),
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and whether its channel took it."""

    message: Message
    delivered: bool
    """False in a dry run, too."""
    error: str | None = None
    """Why its channel did not take it; None: it did, or nothing was sent."""

    def as_dict(self) -> dict[str, Any]:
        """The message with the keys that JSON output shows."""
        told = self.message.as_dict()
        return {
            "channel": self.message.channel,
            "delivered": self.delivered,
            "error": self.error,
            "maybe_repeat": told["maybe_repeat"],
            "items": told["items"],
        }


@dataclass(frozen=True, slots=True)
class Round:
    """One round of housekeeping."""

    started_at: datetime
    """When it began."""
    finished_at: datetime
    """When it ended."""
    dry_run: bool
    """Whether nothing was changed or sent."""
    steps: Sequence[StepResult]
    """How each step went, in order."""
    messages: Sequence[Delivery]
    """Only of channels for which there was something new."""

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        return all(step.ok for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The round with the keys that JSON output shows."""
        return {
            "started_at": rfc3339(self.started_at),
            "finished_at": rfc3339(self.finished_at),
            "dry_run": self.dry_run,
            "ok": self.ok,
            "steps": [step.as_dict() for step in self.steps],
            "messages": [delivery.as_dict() for delivery in self.messages],
        }


ROUND_KEYS = ("started_at", "finished_at", "dry_run", "ok", "steps", "messages")
"""The keys of :meth:`Round.as_dict`, in order."""
