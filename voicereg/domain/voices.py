"""One custom voice, as the registry knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.families import Family
from voicereg.domain.states import State

INACTIVITY_LIMIT = timedelta(days=365)
"""A voice that no synthesis has used for a year is deleted (provider's API reference)."""


class Origin(StrEnum):
    """How a voice came about."""

    DESIGNED = "designed"
    CLONED = "cloned"


class DeadlineBasis(StrEnum):
    """What a deadline rests on."""

    USED = "used"
    """A known use."""
    CREATED = "created"
    """Made through the registry, and no use seen."""
    ESTIMATED = "estimated"
    """Found at the provider: uses before that are unknown."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One custom voice and what is known of its life."""

    id: str
    """The registry's own id."""
    voice_id: str | None
    """The provider's id; None while it is not known."""
    account: str
    """The account that it was made or found by."""
    quota_group_id: int
    family: Family
    """The quota that it counts in."""
    target_model: str | None
    """None while the provider has told it neither in a listing nor when asked."""
    origin: Origin
    """How it came about."""
    state: State
    """What is known of its life."""
    state_reason: str | None
    """Why it is in this state, where that needs a word (a provider's refusal, for one)."""
    name: str
    """What it was called when it was made."""
    prompt: str | None
    """The description that it was designed from."""
    preview_text: str | None
    """What its preview says."""
    language: str | None
    """The language that was asked for."""
    sample_rate: int | None
    """Of the preview audio, in hertz."""
    response_format: str | None
    """Of the preview audio."""
    created_at: datetime
    """When it was made."""
    last_used_at: datetime | None
    """The last known use; None means unknown, not never."""
    last_used_source: str | None
    """Who made the last known use."""
    deadline_at: datetime
    """From when on the provider may delete it."""
    deadline_basis: DeadlineBasis
    """What the deadline rests on."""
    pinned: bool
    """Whether it must stay."""
    owner: str | None
    """Whose it is."""
    note: str | None
    """What somebody wrote of it."""
    replaces: str | None
    """The registry id of the voice that this one stands in for."""
    request_id: str | None
    """The provider's id of the request that made it."""
    lease_holder: str | None
    """Who is at work on the create; None when nobody is."""
    lease_expires_at: datetime | None
    """Until when a voice that is ``creating`` counts as being worked on; an ``unresolved`` one
    keeps it, for its call may have lasted until then."""
    delete_asked_at: datetime | None
    """When a delete was sent whose answer is not known yet."""
    state_before_delete: State | None
    """Where a delete that comes to nothing goes back to."""
    gone_at: datetime | None
    """When it was found to be gone, or was deleted."""
    updated_at: datetime
    """When its record last changed."""
    manifest_key: str | None = None
    """What the manifest that declares it calls it."""
    candidate_for: str | None = None
    """The key that it gets if it is chosen from among several; None: there is nothing to choose."""
    candidate_alias: str | None = None
    """The alias that it takes if it is chosen."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Keys and values that somebody gave it."""
    aliases: tuple[str, ...] = ()
    """The names that resolve to it."""

    @property
    def last_activity_at(self) -> datetime:
        """The later of creation and last known use."""
        return max(self.created_at, self.last_used_at or self.created_at)

    def days_left(self, now: datetime) -> int | None:
        """Whole days until the provider may delete it; 0: any day; None: it is gone already."""
        if self.state.is_gone:
            return None
        return max(0, (self.deadline_at - now).days)

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """The voice with the keys that JSON output shows.

        Args:
            now: the moment that ``days_left`` is counted from.
        """
        return {
            "id": self.id,
            "voice_id": self.voice_id,
            "account": self.account,
            "family": str(self.family),
            "target_model": self.target_model,
            "origin": str(self.origin),
            "state": str(self.state),
            "state_reason": self.state_reason,
            "name": self.name,
            "prompt": self.prompt,
            "preview_text": self.preview_text,
            "language": self.language,
            "sample_rate": self.sample_rate,
            "response_format": self.response_format,
            "created_at": rfc3339(self.created_at),
            "last_used_at": rfc3339(self.last_used_at),
            "last_used_source": self.last_used_source,
            "deadline_at": rfc3339(self.deadline_at),
            "deadline_basis": str(self.deadline_basis),
            "days_left": self.days_left(now),
            "pinned": self.pinned,
            "owner": self.owner,
            "note": self.note,
            "tags": dict(self.tags),
            "aliases": list(self.aliases),
            "replaces": self.replaces,
            "manifest_key": self.manifest_key,
            "candidate_for": self.candidate_for,
            "request_id": self.request_id,
            "gone_at": rfc3339(self.gone_at),
            "updated_at": rfc3339(self.updated_at),
        }


VOICE_KEYS = (
    "id",
    "voice_id",
    "account",
    "family",
    "target_model",
    "origin",
    "state",
    "state_reason",
    "name",
    "prompt",
    "preview_text",
    "language",
    "sample_rate",
    "response_format",
    "created_at",
    "last_used_at",
    "last_used_source",
    "deadline_at",
    "deadline_basis",
    "days_left",
    "pinned",
    "owner",
    "note",
    "tags",
    "aliases",
    "replaces",
    "manifest_key",
    "candidate_for",
    "request_id",
    "gone_at",
    "updated_at",
)
"""The keys of :meth:`Voice.as_dict`, in order."""
