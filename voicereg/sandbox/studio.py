"""Carrying out a create, which goes alike in both families once its request is checked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from voicereg.sandbox.audio import preview_audio
from voicereg.sandbox.provider import NewVoice, Provider, SandboxVoice
from voicereg.sandbox.review import Review
from voicereg.sandbox.rules import Sound


class Studio:
    """Where voices are made.

    Args:
        provider: who keeps them.
        review: who looks at prompts first.
        create_time: how long one create takes, before the voice is there. The real one
            takes 10 to 30 seconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        review: Review,
        create_time: timedelta,
        sleep: Callable[[float], None],
    ) -> None:
        self._provider = provider
        self._review = review
        self._create_seconds = create_time.total_seconds()
        self._sleep = sleep

    def make(self, new: NewVoice) -> SandboxVoice:
        """Make a voice, in the time that this takes.

        No slot is held meanwhile: of two creates that are under way for the last slot, the
        one that ends later is refused.

        Raises:
            ApiError: ``DataInspectionFailed`` or ``Throttling.AllocationQuota``; no voice
                was made.
        """
        self._review.inspect(*(text for text in (new.prompt, new.preview_text) if text))
        self._provider.require_room(new.family)
        if self._create_seconds > 0:
            self._sleep(self._create_seconds)
        return self._provider.make(new)

    def preview(self, voice: SandboxVoice, sound: Sound) -> dict[str, Any]:
        """Return the ``preview_audio`` object of an answer."""
        audio = preview_audio(voice.voice_id, sound.sample_rate, sound.response_format)
        return {
            "data": base64.b64encode(audio).decode("ascii"),
            "sample_rate": sound.sample_rate,
            "response_format": sound.response_format,
        }
