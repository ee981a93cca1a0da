"""Preview sounds in the formats that the provider offers.

``wav`` and ``pcm`` hold a soft tone whose pitch and length follow from the voice id, so
that two voices can be told apart by ear. ``mp3`` and ``opus`` are valid files of the same
length, but silent: the standard library has no encoder for them.
"""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Callable

from voicereg.sandbox.mp3 import silent_mp3
from voicereg.sandbox.opus import silent_opus
from voicereg.sandbox.tone import tone

_LOWEST_HZ = 140
_HIGHEST_HZ = 420
_SHORTEST_MS = 600
_LONGEST_MS = 1500
#: Of 32767: soft.
AMPLITUDE = 6000
_FADE_SECONDS = 0.02


def preview_audio(voice_id: str, sample_rate: int, response_format: str) -> bytes:
    """Return the preview sound of a voice: the same for the same arguments.

    Args:
        voice_id: the provider's id, from which pitch and length follow.
        sample_rate: in Hz; 8000, 16000, 24000 or 48000.
        response_format: ``wav``, ``pcm``, ``mp3`` or ``opus``.

    Returns:
        A whole file; for ``pcm`` bare samples (16 bits, little-endian, mono). 0.6 to 1.5 s.

    Raises:
        KeyError: another format.
    """
    return _FORMATS[response_format](voice_id, sample_rate)


def wav_file(pcm: bytes, sample_rate: int) -> bytes:
    """Return a WAV file of bare samples (16 bits, little-endian, mono)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm)
    return file.getvalue()


def voice_pitch(voice_id: str) -> float:
    """Return a voice's pitch in Hz."""
    return _character(voice_id)[0]


def _wav(voice_id: str, sample_rate: int) -> bytes:
    return wav_file(_pcm(voice_id, sample_rate), sample_rate)


def _pcm(voice_id: str, sample_rate: int) -> bytes:
    pitch, seconds = _character(voice_id)
    return tone(
        pitch,
        round(sample_rate * seconds),
        sample_rate,
        amplitude=AMPLITUDE,
        fade=round(sample_rate * _FADE_SECONDS),
    )


def _mp3(voice_id: str, sample_rate: int) -> bytes:
    return silent_mp3(_character(voice_id)[1], sample_rate)


def _opus(voice_id: str, sample_rate: int) -> bytes:
    return silent_opus(_character(voice_id)[1], sample_rate)


def _character(voice_id: str) -> tuple[float, float]:
    """Return a voice's pitch in Hz and how long its preview is in seconds."""
    digest = hashlib.sha256(voice_id.encode("utf-8", "replace")).digest()
    pitch = _LOWEST_HZ + (_HIGHEST_HZ - _LOWEST_HZ) * int.from_bytes(digest[:2]) / 0xFFFF
    milliseconds = _SHORTEST_MS + int.from_bytes(digest[2:4]) % (_LONGEST_MS - _SHORTEST_MS + 1)
    return pitch, milliseconds / 1000


_FORMATS: dict[str, Callable[[str, int], bytes]] = {
    "wav": _wav,
    "pcm": _pcm,
    "mp3": _mp3,
    "opus": _opus,
}
