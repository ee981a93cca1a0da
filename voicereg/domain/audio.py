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


@dataclass(frozen=True, slots=True)
class KeptPreview:
    """What is known of preview audio that is kept, without the audio itself."""

    response_format: str
    """As in :class:`PreviewAudio`."""
    sample_rate: int | None
    """In hertz; None where the provider did not say."""
    size_bytes: int
