"""The audit log: who changed what, when, from what, to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voicereg.domain.clock import rfc3339


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the audit log."""

    id: int
    """Counts up."""
    at: datetime
    """When it was done."""
    actor: str
    """Who did it: ``user@host (cli)``, or what the program that opened the registry said."""
    action: str
    """What was done, such as ``voice.confirm``; the documentation lists them all."""
    account: str | None
    """The name of the account concerned."""
    voice: str | None
    """The registry id of the voice concerned."""
    before: Mapping[str, Any]
    """The changed fields as they were."""
    after: Mapping[str, Any]
    """The changed fields as they are."""
    reason: str | None
    """Why, where something is to be said."""

    def as_dict(self) -> dict[str, Any]:
        """The event with the keys that JSON output shows."""
        return {
            "id": self.id,
            "at": rfc3339(self.at),
            "actor": self.actor,
            "action": self.action,
            "account": self.account,
            "voice": self.voice,
            "before": dict(self.before),
            "after": dict(self.after),
            "reason": self.reason,
        }


EVENT_KEYS = (
    "id",
    "at",
    "actor",
    "action",
    "account",
    "voice",
    "before",
    "after",
    "reason",
)
"""The keys of :meth:`Event.as_dict`, in order."""
