"""Where synthesised audio goes: a file that is there whole or not at all, or an open stream."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from voicereg.domain.speech import SpeechRequest
from voicereg.registry.whole_files import whole_file

_SAMPLE_BYTES = 2
_UNKNOWN_SIZE = 0xFFFFFFFF
"""In a WAV header: until the end of the stream."""


class Recording:
    """Takes the audio of one synthesis."""

    def __init__(self, stream: IO[bytes], request: SpeechRequest) -> None:
        self._stream = stream
        self._needs_header = request.file_format == "wav" and request.response_format == "pcm"
        self._sample_rate = request.sample_rate
        self._size = 0

    def take(self, piece: bytes) -> None:
        """Write a piece."""
        if self._needs_header and not self._size:
            self._stream.write(_wav_header(self._sample_rate, None))
        self._stream.write(piece)
        self._size += len(piece)

    def finish(self) -> None:
        """Write what is known only now."""
        if self._needs_header and self._stream.seekable():
            self._stream.seek(0)
            self._stream.write(_wav_header(self._sample_rate, self._size))
        self._stream.flush()


@contextmanager
def recording(to: Path | BinaryIO, request: SpeechRequest) -> Iterator[Recording]:
    """Where the audio of a synthesis goes.

    A file is written under another name and moved into place at the end; where the block ends by
    an exception, what was there before is as it was.

    Raises:
        InvalidInput: the file cannot be written.
    """
    if not isinstance(to, Path):
        yield Recording(to, request)
        return
    with whole_file(to) as stream:
        taker = Recording(stream, request)
        yield taker
        taker.finish()


def _wav_header(sample_rate: int, size: int | None) -> bytes:
    """The header of 16-bit mono PCM, in the form that every player knows."""
    data = _UNKNOWN_SIZE if size is None else size
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        _UNKNOWN_SIZE if size is None else 36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        sample_rate,
        sample_rate * _SAMPLE_BYTES,
        _SAMPLE_BYTES,
        8 * _SAMPLE_BYTES,
        b"data",
        data,
    )
