"""Bodies as they come over the wire, made readable for whoever only watches them pass."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

from voicereg.tracking.answers import MOST_BYTES, Reader

_ZLIB = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class Decoded:
    """Feeds a reader with a body whose ``Content-Encoding`` is undone, in bounded memory.

    Args:
        reader: what reads the body.
        encoding: as the header says it; empty: none.
        decode: undoes any encoding, of a whole body; returns it piece by piece.
    """

    def __init__(
        self, reader: Reader, encoding: str, decode: Callable[[bytes], Iterable[bytes]]
    ) -> None:
        self._reader = reader
        self._decode = decode
        self._is_plain = encoding in ("", "identity")
        self._zlib = zlib.decompressobj(_ZLIB[encoding]) if encoding in _ZLIB else None
        self._kept = bytearray()

    def feed(self, content: bytes) -> None:
        """Take the next piece of the body, as it came."""
        if self._is_plain:
            self._reader.feed(content)
        elif self._zlib is not None:
            self._inflate(self._zlib, content)
        elif len(self._kept) <= MOST_BYTES:
            self._kept += content[: MOST_BYTES + 1 - len(self._kept)]

    def _inflate(self, inflater: Any, content: bytes) -> None:
        while True:
            piece = inflater.decompress(content, MOST_BYTES)
            self._reader.feed(piece)
            content = inflater.unconsumed_tail
            if not content and len(piece) < MOST_BYTES:
                return

    def has_spoken(self) -> bool:
        """What the reader says at the end."""
        if len(self._kept) > MOST_BYTES:
            self._reader.assume()
        elif self._kept:
            for piece in self._decode(bytes(self._kept)):
                self._reader.feed(piece)
        return self._reader.has_spoken
