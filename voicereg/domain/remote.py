"""What the provider tells of a voice: in the answer to a create, in a listing, in a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voicereg.domain.audio import PreviewAudio
from voicereg.domain.families import Family
from voicereg.domain.rules import RULES
from voicereg.domain.states import State
from voicereg.domain.voices import Origin


class ReviewStatus(StrEnum):
    """The provider's word on a voice's review (CosyVoice; Qwen-TTS voices have none)."""

    DEPLOYING = "DEPLOYING"
    OK = "OK"
    UNDEPLOYED = "UNDEPLOYED"

    @property
    def state(self) -> State:
        """The state that it puts a voice into."""
        return _STATE_OF[self]


_STATE_OF: Mapping[ReviewStatus, State] = {
    ReviewStatus.DEPLOYING: State.PENDING,
    ReviewStatus.OK: State.ACTIVE,
    ReviewStatus.UNDEPLOYED: State.REJECTED,
}


@dataclass(frozen=True, slots=True)
class CreatedVoice:
    """What the answer to a create carries."""

    voice_id: str
    target_model: str
    preview: PreviewAudio | None
    preview_problem: str | None
    """Why there is no preview, or what is odd about it."""
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RemoteVoice:
    """A voice as a listing or a query shows it."""

    voice_id: str
    family: Family
    origin: Origin
    target_model: str | None
    """None where neither the answer nor the beginning of the id tells it."""
    status: ReviewStatus | None
    """None where the family has no reviews, or the word is not one that is documented."""
    prompt: str | None
    preview_text: str | None
    language: str | None
    created_at: datetime | None
    """``gmt_create`` read as Beijing time: the earlier of the two readings."""
    created_at_latest: datetime | None
    """``gmt_create`` read as UTC: the later of the two readings."""
    name: str | None = None
    """What the documented beginning of the id says of its name; None where the id has another."""

    @property
    def state(self) -> State | None:
        """The state that the provider's word puts it into.

        None where a voice of a family that is reviewed has no word, or one that is not documented.
        """
        if self.status is not None:
            return self.status.state
        return None if RULES[self.family].reviewed else State.ACTIVE

    @property
    def new_state(self) -> State:
        """The state of a record that begins with it: without a known word, it may be in review."""
        return self.state or State.PENDING


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the provider's listings, read to its end or as far as it went."""

    family: Family
    origins: frozenset[Origin]
    """What this listing shows: designs, clones, or both."""
    voices: tuple[RemoteVoice, ...]
    total: int | None
    """The provider's own count, where the listing carries one."""
    requests: int
    complete: bool
    problem: str | None
    """Why it is not complete."""
