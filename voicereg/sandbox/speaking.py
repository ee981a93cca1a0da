"""The sound of speech: what a voice makes of a text, in the formats that are offered.

Each character is a short tone of its own, around the voice's pitch, so that another text or
another voice makes another sound, and a longer text a longer one. ``wav`` and ``pcm`` hold
it; ``mp3`` and ``opus`` are valid and of the same length, but silent: the standard library
has no encoder for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from voicereg.sandbox.audio import AMPLITUDE, voice_pitch, wav_file
from voicereg.sandbox.manner import Manner
from voicereg.sandbox.mp3 import frame_samples, silent_frame
from voicereg.sandbox.opus import GRANULE_RATE, OpusWriter
from voicereg.sandbox.sentences import billed_characters
from voicereg.sandbox.tone import tone

_SYLLABLE_SECONDS = 0.05
_FADE_SECONDS = 0.004
_STEPS = 8  # how many tones there are, a semitone apart
_SAMPLE_BYTES = 2

#: How many pieces a stretch of audio comes in at least, if it is long enough for that, and
#: how long one may be, in bytes.
LEAST_PIECES = 3
MOST_PIECE_BYTES = 16 * 1024


class Speaker:
    """A voice that speaks, in bare samples.

    Args:
        voice_id: whose voice it is.
        manner: how it shall speak; the format does not matter here.
    """

    def __init__(self, voice_id: str, manner: Manner) -> None:
        self._pitch = voice_pitch(voice_id) * manner.pitch
        self._sample_rate = manner.sample_rate
        self._amplitude = AMPLITUDE * manner.volume // 50
        self._length = round(manner.sample_rate * _SYLLABLE_SECONDS / manner.rate)
        self._syllables: dict[int, bytes] = {}

    def say(self, text: str) -> bytes:
        """Return the samples of a text; those of two texts in turn are those of both."""
        return b"".join(map(self._syllable, text))

    def _syllable(self, character: str) -> bytes:
        if character.isspace():
            return bytes(_SAMPLE_BYTES * self._length)
        step = ord(character) % _STEPS
        if step not in self._syllables:
            self._syllables[step] = tone(
                self._pitch * 2 ** (step / 12),
                self._length,
                self._sample_rate,
                amplitude=self._amplitude,
                fade=round(self._sample_rate * _FADE_SECONDS),
            )
        return self._syllables[step] * billed_characters(character)


class Encoder(Protocol):
    """Turns samples into a file, piece by piece."""

    #: Whether the first piece can only be made once all is known.
    waits: bool

    def begin(self, samples: bytes) -> bytes:
        """Return what comes before everything, given the samples that are known by then."""

    def add(self, samples: bytes) -> bytes:
        """Return what can be had of these samples by now."""

    def end(self) -> bytes:
        """Return the rest."""


def encoder(manner: Manner) -> Encoder:
    """Return what makes files of a format."""
    return _ENCODERS[manner.format](manner.sample_rate)


def speech_file(voice_id: str, text: str, manner: Manner) -> bytes:
    """Return a whole file of a voice speaking."""
    samples = Speaker(voice_id, manner).say(text)
    made = encoder(manner)
    return made.begin(samples) + made.add(samples) + made.end()


def pieces(audio: bytes) -> Iterator[bytes]:
    """Return audio in pieces, as it is sent; none of them ends within a sample."""
    size = min(MOST_PIECE_BYTES, -(-len(audio) // LEAST_PIECES))
    size += size % _SAMPLE_BYTES
    return (audio[at : at + size] for at in range(0, len(audio), size or 1))


class _Pcm:
    waits = False

    def __init__(self, sample_rate: int) -> None:
        pass

    def begin(self, samples: bytes) -> bytes:
        return b""

    def add(self, samples: bytes) -> bytes:
        return samples

    def end(self) -> bytes:
        return b""


class _Wav(_Pcm):
    waits = True  # its header says how long it is

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate

    def begin(self, samples: bytes) -> bytes:
        whole = wav_file(samples, self._sample_rate)
        return whole[: len(whole) - len(samples)]


class _Mp3(_Pcm):
    def __init__(self, sample_rate: int) -> None:
        self._frame = silent_frame(sample_rate)
        self._frame_samples = frame_samples(sample_rate)
        self._waiting = 0

    def add(self, samples: bytes) -> bytes:
        self._waiting += len(samples) // _SAMPLE_BYTES
        frames, self._waiting = divmod(self._waiting, self._frame_samples)
        return self._frame * frames

    def end(self) -> bytes:
        return self._frame if self._waiting else b""


class _Opus(_Pcm):
    def __init__(self, sample_rate: int) -> None:
        self._writer = OpusWriter(sample_rate)
        self._sample_rate = sample_rate
        self._said = 0
        self._written = 0

    def begin(self, samples: bytes) -> bytes:
        return self._writer.head()

    def add(self, samples: bytes) -> bytes:
        self._said += len(samples) // _SAMPLE_BYTES
        until = round(self._said * GRANULE_RATE / self._sample_rate)
        more, self._written = until - self._written, until
        return self._writer.add(more)

    def end(self) -> bytes:
        return self._writer.end()


_ENCODERS = {"pcm": _Pcm, "wav": _Wav, "mp3": _Mp3, "opus": _Opus}
