"""Silent Opus files: an Ogg container (RFC 3533) with Opus packets in it (RFC 7845)."""

from __future__ import annotations

import math
import struct

#: RFC 7845: positions count at 48 kHz whatever the input's rate.
GRANULE_RATE = 48000
_PACKET_SAMPLES = 960  # 20 ms
_PRE_SKIP = 312
# CELT, full band, 20 ms, mono, one frame; then the shortest payload that is silence.
_SILENT_PACKET = b"\xf8\xff\xfe"
_VENDOR = b"voicereg sandbox"
_SERIAL = 0x766F6963
_FIRST_PAGE = 2
_LAST_PAGE = 4
_PAGE_PACKETS = 50  # 1 s


def silent_opus(seconds: float, sample_rate: int) -> bytes:
    """Return an Ogg Opus file of silence, to be played at 48 kHz as all Opus is.

    Args:
        seconds: how long; a last packet is cut short by the final position.
        sample_rate: in Hz, noted as that of the original sound.
    """
    writer = OpusWriter(sample_rate)
    return writer.head() + writer.add(round(seconds * GRANULE_RATE)) + writer.end()


class OpusWriter:
    """Writes an Ogg Opus file of silence piece by piece.

    Args:
        sample_rate: in Hz, noted as that of the original sound.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._samples = _PRE_SKIP
        self._packets = 0
        self._sequence = 2

    def head(self) -> bytes:
        """Return what comes first."""
        head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _PRE_SKIP, self._sample_rate, 0, 0)
        tags = b"OpusTags" + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
        return _page(0, _FIRST_PAGE, 0, [head]) + _page(1, 0, 0, [tags])

    def add(self, samples: int) -> bytes:
        """Go on for so many samples, at 48 kHz; return the pages that are complete."""
        self._samples += samples
        # One packet always stays for the page that is marked as the last.
        waiting = math.ceil(self._samples / _PACKET_SAMPLES) - 1 - self._packets
        pages = []
        while waiting > 0:
            count = min(waiting, _PAGE_PACKETS)
            waiting -= count
            self._packets += count
            pages.append(self._audio_page(0, self._packets * _PACKET_SAMPLES, count))
        return b"".join(pages)

    def end(self) -> bytes:
        """Return the last page."""
        left = math.ceil(self._samples / _PACKET_SAMPLES) - self._packets
        return self._audio_page(_LAST_PAGE, self._samples, left)

    def _audio_page(self, flags: int, granule: int, packets: int) -> bytes:
        page = _page(self._sequence, flags, granule, [_SILENT_PACKET] * packets)
        self._sequence += 1
        return page


def _page(sequence: int, flags: int, granule: int, packets: list[bytes]) -> bytes:
    """Return one Ogg page of whole packets, each under 255 bytes."""
    header = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, _SERIAL, sequence)
    table = bytes([len(packets), *map(len, packets)])
    body = b"".join(packets)
    checksum = _checksum(header + bytes(4) + table + body)
    return header + struct.pack("<I", checksum) + table + body


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        remainder = byte << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x104C11DB7 if remainder & 0x80000000 else 0)
        table.append(remainder)
    return tuple(table)


_CRC_TABLE = _crc_table()


def _checksum(data: bytes) -> int:
    """Return Ogg's own CRC-32, which is not the one in ``zlib``: neither reflected nor inverted."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ _CRC_TABLE[(value >> 24) ^ byte]
    return value
