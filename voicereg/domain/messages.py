"""What is told to a channel: one message a round, with everything that is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.concerns import Concern, ConcernKind
from voicereg.domain.quotas import QuotaLevel
from voicereg.domain.voices import Voice


class Language(StrEnum):
    """What messages are written in."""

    ENGLISH = "en"
    CHINESE = "zh"


class News(StrEnum):
    """What a message says of a concern."""

    WARNING = "warning"
    ALL_CLEAR = "all_clear"


class Outcome(StrEnum):
    """What became of a message."""

    SENT = "sent"
    FAILED = "failed"
    """The channel did not take it; the next round tells what is still to be told."""
    UNKNOWN = "unknown"
    """A crash came between sending and noting it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a message tells."""

    news: News
    """A warning, or that all is well again."""
    concern: Concern
    """For an all-clear: the voice or quota as it is now, with its new deadline."""
    maybe_repeat: bool = False
    """Whether it may have been told before: a round ended between sending and noting it."""

    @property
    def voice(self) -> Voice | None:
        """The voice, where it is about one."""
        if self.concern.subject.kind in (ConcernKind.QUOTA, ConcernKind.RETIRING):
            return None
        return next(iter(self.concern.voices), None)

    def left(self, now: datetime) -> timedelta | None:
        """How long there is left until harm is done; None: it is not a matter of time."""
        if self.concern.deadline_at is None:
            return None
        return max(timedelta(0), self.concern.deadline_at - now)

    def urgency(self, now: datetime) -> tuple[bool, timedelta, int, str]:
        """What messages are sorted by: the most urgent first, then all-clears."""
        concern = self.concern
        left = self.left(now)
        if concern.quota is not None:
            left = _QUOTA_URGENCY[concern.quota.level]
        elif left is None:
            left = _URGENCY[concern.subject.kind]
        kinds = list(ConcernKind)
        voice = self.voice
        return (
            self.news is News.ALL_CLEAR,
            left,
            kinds.index(concern.subject.kind),
            concern.subject.key if voice is None else f"{voice.name} {voice.id}",
        )

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """The item with the keys that JSON output shows."""
        concern, voice, left = self.concern, self.voice, self.left(now)
        return {
            "news": self.news.value,
            "kind": concern.subject.kind.value,
            "account": concern.subject.account,
            "mark": concern.mark if self.news is News.WARNING else None,
            "deadline_at": rfc3339(concern.deadline_at),
            "days_left": None if left is None else left.days,
            "why": concern.why,
            "maybe_repeat": self.maybe_repeat,
            "voice": None if voice is None else _voice(voice),
            "quota": None if concern.quota is None else concern.quota.as_dict(),
            "model": concern.subject.key if concern.subject.kind is ConcernKind.RETIRING else None,
            "voices": [each.id for each in concern.voices],
        }


ITEM_KEYS = (
    "news",
    "kind",
    "account",
    "mark",
    "deadline_at",
    "days_left",
    "why",
    "maybe_repeat",
    "voice",
    "quota",
    "model",
    "voices",
)
"""The keys of :meth:`Item.as_dict`, in order."""

_URGENCY = {
    ConcernKind.GONE: timedelta(days=-1),
    ConcernKind.UNRESOLVED: timedelta(days=7),
    ConcernKind.REJECTED: timedelta(days=14),
}
_QUOTA_URGENCY = {
    QuotaLevel.FULL: timedelta(0),
    QuotaLevel.CRITICAL: timedelta(days=3),
    QuotaLevel.WARNING: timedelta(days=30),
    QuotaLevel.OK: timedelta(days=365),
}


def _voice(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "voice_id": voice.voice_id,
        "family": voice.family.value,
        "target_model": voice.target_model,
        "state": voice.state.value,
        "name": voice.name,
        "owner": voice.owner,
        "tags": dict(voice.tags),
        "aliases": list(voice.aliases),
        "pinned": voice.pinned,
        "last_used_at": rfc3339(voice.last_used_at),
        "deadline_basis": voice.deadline_basis.value,
    }


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that is new to one channel."""

    id: str
    """Names the message, for whoever receives it twice."""
    channel: str
    """The name of the channel that it is for."""
    made_at: datetime
    items: Sequence[Item]
    """The most urgent first."""

    @property
    def maybe_repeat(self) -> bool:
        """Whether something in it may have been told before."""
        return any(item.maybe_repeat for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """The message with the keys that its JSON shows."""
        return {
            "id": self.id,
            "channel": self.channel,
            "made_at": rfc3339(self.made_at),
            "maybe_repeat": self.maybe_repeat,
            "items": [item.as_dict(self.made_at) for item in self.items],
        }
