"""Voices: what one is made from, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from voicereg.sandbox.review import DEPLOYING


@dataclass(frozen=True, slots=True)
class NewVoice:
    """What a voice is made from: a create request, once checked."""

    family: str
    origin: str
    target_model: str
    name: str
    prompt: str | None = None
    preview_text: str | None = None
    language: str | None = None
    resource_link: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxVoice:
    """A voice as the provider knows it at one moment.

    Attributes:
        voice_id: the provider's id.
        family: ``cosyvoice`` or ``qwen-tts``.
        target_model: the only model that can speak with it.
        origin: ``designed`` or ``cloned``.
        status: ``DEPLOYING``, ``OK`` or ``UNDEPLOYED``; always ``OK`` for Qwen-TTS, whose
            answers have no status.
        name: the ``prefix`` or ``preferred_name`` it was made with.
        prompt: what it was designed from; None for a clone.
        preview_text: what its preview says; None for a clone.
        language: its language code, or None where none was given.
        created_at: when it was made (aware, UTC).
        modified_at: when it last changed (aware, UTC). Speaking is no change.
        resource_link: where the recording of a clone is; None for a design.
        last_used_at: when it last spoke (aware, UTC), or None where it never did. No request
            of the provider's API tells this.
        uses: how often it spoke.
    """

    voice_id: str
    family: str
    target_model: str
    origin: str
    status: str
    name: str
    prompt: str | None
    preview_text: str | None
    language: str | None
    created_at: datetime
    modified_at: datetime
    resource_link: str | None
    last_used_at: datetime | None = None
    uses: int = 0

    @property
    def last_active_at(self) -> datetime:
        """When it was made or last spoke, whichever is later."""
        return max(self.created_at, self.last_used_at or self.created_at)


@dataclass(frozen=True, slots=True)
class Record:
    """A voice as stored: its status now follows from the clock."""

    voice: SandboxVoice  # with the status that it has once reviewed
    sequence: int
    reviewed_at: datetime

    def at(self, now: datetime) -> SandboxVoice:
        """Return the voice as it is at a time."""
        return replace(self.voice, status=DEPLOYING) if now < self.reviewed_at else self.voice
