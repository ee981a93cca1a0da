"""What becomes of the steps of a plan while they are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voicereg.domain.errors import VoiceregError
from voicereg.domain.plans import Step
from voicereg.domain.voices import Voice


class StepOutcome(StrEnum):
    """How far a step came."""

    DONE = "done"
    FAILED = "failed"
    """Nothing came of it, and the error says why."""
    UNRESOLVED = "unresolved"
    """Nobody knows whether a voice was made: it is not asked for again until a sync settles it."""
    WAITING = "waiting"
    """The voice is made, and still being reviewed; its alias comes with the next run."""
    SKIPPED = "skipped"
    """It was not tried."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step, or one of the voices that it makes, and what became of it."""

    step: Step
    outcome: StepOutcome
    voice: Voice | None = None
    """The voice that was made, changed or deleted, as it is now."""
    error: VoiceregError | None = None
    why: str | None = None
    """Why it was not tried, or is not done yet."""

    def as_dict(self) -> dict[str, Any]:
        """What became of it, with the keys that JSON output shows."""
        return {
            "action": self.step.action.value,
            "key": self.step.key,
            "outcome": self.outcome.value,
            "voice": None if self.voice is None else self.voice.id,
            "voice_id": None if self.voice is None else self.voice.voice_id,
            "state": None if self.voice is None else self.voice.state.value,
            "error": self.why if self.error is None else str(self.error),
        }


@dataclass(frozen=True, slots=True)
class DeploymentProgress:
    """How far a plan has come, for those who watch."""

    finished: StepDone | None
    """What has just come to its end; None: something has begun."""
    done: int
    total: int
    under_way: Sequence[str]
    """The keys of the voices that the provider is being asked for."""
    is_stopping: bool = False
    """Whether what is under way is waited for, and nothing else is begun."""
