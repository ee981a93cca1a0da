"""What a sync found and did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.families import Family
from voicereg.domain.states import State


class ChangeKind(StrEnum):
    """What a sync does to a voice's record; each is counted."""

    IMPORTED = "imported"
    """Found at the provider, and on no record until now."""
    REFRESHED = "refreshed"
    """Known, and brought up to date; one that came back, too."""
    ADOPTED = "adopted"
    """Found to be what an unresolved create made."""
    RELEASED = "released"
    """A create that came to nothing: its slot is free."""
    MISSING = "missing"
    """Not listed, for the first time."""
    GONE = "gone"
    """Not listed again: expired or lost; or deleted as had been asked."""
    LAPSED = "lapsed"
    """A create whose process has not been heard of since its lease ended: now unresolved."""


@dataclass(frozen=True, slots=True)
class SyncChange:
    """One voice's record, before and after."""

    kind: ChangeKind
    """What was done."""
    family: Family
    """The voice's family."""
    id: str | None
    """The registry's id; None for a voice that a dry run would import."""
    voice_id: str | None
    """The provider's id."""
    before: State | None
    """None: it was on no record."""
    after: State
    why: str
    """The reason, for people."""

    def as_dict(self) -> dict[str, Any]:
        """The change with the keys that JSON output shows."""
        return {
            "kind": self.kind.value,
            "family": self.family.value,
            "id": self.id,
            "voice_id": self.voice_id,
            "from": None if self.before is None else self.before.value,
            "to": self.after.value,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Sync:
    """How a sync of one account went."""

    account: str
    """The account that was compared."""
    families: tuple[Family, ...]
    """The families that were compared."""
    dry_run: bool
    """Whether the changes are what would have been done, and nothing was."""
    complete: bool
    """Whether every listing was read to its end, and nothing was held back."""
    started_at: datetime
    """When it began."""
    finished_at: datetime
    """When it ended."""
    requests: int
    """Requests that the provider answered; tries that failed on the way are not counted."""
    listed: int
    """Voices that the listings showed."""
    held_back: int
    """Changes that a listing suggested, and that were not believed."""
    unresolved: int
    """Creates whose outcome is still unknown."""
    any_day: int
    """Imported voices past their estimated deadline: the provider may delete them any day."""
    changes: tuple[SyncChange, ...]
    """What was done to the records of voices."""
    problems: tuple[str, ...]
    """What could not be done or decided, each in a sentence with what to do."""

    def count(self, kind: ChangeKind) -> int:
        """How many changes of a kind there are."""
        return sum(change.kind is kind for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        """The sync with the keys that JSON output shows."""
        return {
            "account": self.account,
            "families": [family.value for family in self.families],
            "dry_run": self.dry_run,
            "complete": self.complete,
            "started_at": rfc3339(self.started_at),
            "finished_at": rfc3339(self.finished_at),
            "requests": self.requests,
            "listed": self.listed,
            "imported": self.count(ChangeKind.IMPORTED),
            "refreshed": self.count(ChangeKind.REFRESHED),
            "adopted": self.count(ChangeKind.ADOPTED),
            "released": self.count(ChangeKind.RELEASED),
            "missing": self.count(ChangeKind.MISSING),
            "gone": self.count(ChangeKind.GONE),
            "held_back": self.held_back,
            "unresolved": self.unresolved,
            "any_day": self.any_day,
            "changes": [change.as_dict() for change in self.changes],
            "problems": list(self.problems),
        }


SYNC_KEYS = (
    "account",
    "families",
    "dry_run",
    "complete",
    "started_at",
    "finished_at",
    "requests",
    "listed",
    "imported",
    "refreshed",
    "adopted",
    "released",
    "missing",
    "gone",
    "held_back",
    "unresolved",
    "any_day",
    "changes",
    "problems",
)
"""The keys of :meth:`Sync.as_dict`, in order."""


class SyncStage(StrEnum):
    """What a sync is at."""

    LISTING = "listing"
    CHECKING = "checking"
    """Asking for voices one by one: for what a listing does not tell, or to prove an absence."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a stage has come."""

    family: Family
    stage: SyncStage
    done: int
    expected: int | None
    """How many there will be, as far as that can be told."""
