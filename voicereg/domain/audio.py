"""The preview audio of a voice: the only recording of how it sounded when it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PreviewAudio:
    """Audio that came with the answer to a create."""

    data: bytes = field(repr=False)
    response_format: str
    """``wav``, ``mp3``, ``pcm`` or ``opus``, as the provider named it."""
    sample_rate: int | None
    """In hertz; None where the provider did not say."""
    kept_at: datetime | None = None
    """When the registry stored it; None before that."""

    @property
    def playable(self) -> bytes:
        """The audio as players take it: bare samples get the header of a WAV file."""
        return _with_header(self) if self.response_format == "pcm" else self.data


@dataclass(frozen=True, slots=True)
class KeptPreview:
    """What is known of preview audio that is kept, without the audio itself."""

    response_format: str
    """As in :class:`PreviewAudio`."""
    sample_rate: int | None
    """In hertz; None where the provider did not say."""
    size_bytes: int


WAV_HEADER_BYTES = 44
_SAMPLES_HZ = 24_000
"""The provider's rate where it names none."""


def _with_header(audio: PreviewAudio) -> bytes:
    """Bare samples of 16 bits, one channel, as a WAV file."""
    import io
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(audio.sample_rate or _SAMPLES_HZ)
        writer.writeframes(audio.data)
    return file.getvalue()
