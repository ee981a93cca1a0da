"""Synthesis: what is to be said, how each model is spoken to, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.voices import Voice

DEFAULT_SPEECH_FORMAT = "wav"
SPEECH_SAMPLE_RATE_HZ = 24000
"""What every transport offers."""
LONGEST_TEXT = 20_000
"""Characters in one request; the provider documents no limit that holds for all models."""


class Manner(StrEnum):
    """How a target model is spoken to (provider's API reference, synthesis)."""

    LINK = "link"
    """HTTP; the answer holds a link to the audio."""
    INFERENCE = "inference"
    """The duplex WebSocket ``/inference``."""
    REALTIME = "realtime"
    """The WebSocket ``/realtime``; audio is PCM."""


@dataclass(frozen=True, slots=True)
class _Models:
    pattern: str
    manner: Manner | None
    """None: a dialogue model, which reads no text out."""
    formats: tuple[str, ...]


_MODELS = (
    _Models(r"qwen-audio-.*realtime", None, ()),
    _Models(r"(cosyvoice|qwen-audio)-", Manner.INFERENCE, ("wav", "mp3", "pcm", "opus")),
    _Models(r"qwen\d*(\.\d+)?-tts-v[dc]-realtime-", Manner.REALTIME, ("wav", "pcm")),
    _Models(r"qwen\d*(\.\d+)?-tts-v[dc]-", Manner.LINK, ("wav",)),
)


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to be said by a voice."""

    voice_id: str
    target_model: str
    manner: Manner
    text: str
    response_format: str
    """What the provider is asked for."""
    file_format: str
    """What the file is to be: PCM may get a header on its way there."""
    sample_rate: int
    """In hertz."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a synthesis went."""

    request_id: str | None
    first_audio_after: timedelta
    """From the moment the text was sent until the first audio came."""
    size_bytes: int
    """Of the audio as it came."""
    file_format: str
    sample_rate: int
    """In hertz."""

    def as_dict(self) -> dict[str, Any]:
        """The synthesis with the keys that JSON output shows."""
        return {
            "request_id": self.request_id,
            "first_audio_after_ms": round(self.first_audio_after.total_seconds() * 1000),
            "size_bytes": self.size_bytes,
            "format": self.file_format,
            "sample_rate": self.sample_rate,
        }


def checked_speech(
    voice: Voice, text: str, *, response_format: str | None, sample_rate: int | None
) -> SpeechRequest:
    """The request that lets ``voice`` say ``text``, with the voice's own model.

    Raises:
        InvalidInput: an empty or endless text, a format that the model does not offer, or a model
            that reads no text out or is not known.
    """
    if voice.voice_id is None or voice.target_model is None:
        raise InvalidInput(
            Problem("voice", voice.id, "its id or its target model is not known yet"),
            advice="voicereg sync asks the provider for it",
        )
    models = next((one for one in _MODELS if re.match(one.pattern, voice.target_model)), None)
    if models is None or models.manner is None:
        rule = (
            "how this model is spoken to is not known"
            if models is None
            else "this is a dialogue model: it reads no text out"
        )
        raise InvalidInput(Problem("model", voice.target_model, rule))
    problems = []
    if not text.strip():
        problems.append(Problem("text", text, "it is empty"))
    if len(text) > LONGEST_TEXT:
        problems.append(
            Problem("text", "", f"it has {len(text)} characters; at most {LONGEST_TEXT} are sent")
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        problems.append(Problem("text", ascii(text), "it is not valid Unicode"))
    if response_format is not None and response_format not in models.formats:
        offered = ", ".join(models.formats)
        problems.append(
            Problem("format", response_format, f"{voice.target_model} offers {offered}")
        )
    if sample_rate is not None and not 8000 <= sample_rate <= 48000:
        problems.append(Problem("sample-rate", str(sample_rate), "it is 8000 to 48000"))
    elif models.manner is Manner.LINK and sample_rate not in (None, SPEECH_SAMPLE_RATE_HZ):
        rule = f"{voice.target_model} offers {SPEECH_SAMPLE_RATE_HZ} only"
        problems.append(Problem("sample-rate", str(sample_rate), rule))
    if problems:
        raise InvalidInput(*problems)
    wanted = response_format or DEFAULT_SPEECH_FORMAT
    return SpeechRequest(
        voice_id=voice.voice_id,
        target_model=voice.target_model,
        manner=models.manner,
        text=text,
        response_format="pcm" if models.manner is Manner.REALTIME else wanted,
        file_format=wanted,
        sample_rate=sample_rate or SPEECH_SAMPLE_RATE_HZ,
    )
