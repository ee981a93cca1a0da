"""Readers of audio files that share nothing with what wrote them."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    version: str
    rate: int
    samples: int
    mono: bool
    length: int
    side_information: bytes


# From the standards' tables, written out for a reader of any file, not for the writer here.
_VERSIONS = {0b00: "2.5", 0b10: "2", 0b11: "1"}
_SAMPLE_RATES = {
    "1": (44100, 48000, 32000),
    "2": (22050, 24000, 16000),
    "2.5": (11025, 12000, 8000),
}
_KBIT_MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def mp3_frames(data: bytes) -> list[Frame]:
    frames = []
    at = 0
    while at < len(data):
        (header,) = struct.unpack_from(">I", data, at)
        assert header >> 21 == 0x7FF, "no frame where one must begin"
        version = _VERSIONS[header >> 19 & 3]
        assert header >> 17 & 3 == 0b01, "not Layer III"
        assert header >> 16 & 1 == 1, "has a CRC"
        kbit = (_KBIT_MPEG_1 if version == "1" else _KBIT_MPEG_2)[header >> 12 & 15]
        rate = _SAMPLE_RATES[version][header >> 10 & 3]
        padding = header >> 9 & 1
        samples = 1152 if version == "1" else 576
        length = samples // 8 * kbit * 1000 // rate + padding
        mono = header >> 6 & 3 == 0b11
        side = {("1", True): 17, ("1", False): 32}.get((version, mono), 9 if mono else 17)
        frames.append(Frame(version, rate, samples, mono, length, data[at + 4 : at + 4 + side]))
        at += length
    assert at == len(data), "the last frame is cut short"
    return frames


@dataclass(frozen=True)
class Page:
    flags: int
    granule: int
    serial: int
    sequence: int
    packets: list[bytes]


def _ogg_crc(data: bytes) -> int:
    value = 0
    for byte in data:
        for bit in range(7, -1, -1):
            top = value >> 31
            value = (value << 1 & 0xFFFFFFFF) | (byte >> bit & 1)
            if top:
                value ^= 0x04C11DB7
    # Long division of the message followed by 32 zero bits.
    for _ in range(32):
        top = value >> 31
        value = value << 1 & 0xFFFFFFFF
        if top:
            value ^= 0x04C11DB7
    return value


def ogg_pages(data: bytes) -> list[Page]:
    pages = []
    at = 0
    while at < len(data):
        magic, version, flags, granule, serial, sequence, crc, segments = struct.unpack_from(
            "<4sBBqIIIB", data, at
        )
        assert (magic, version) == (b"OggS", 0)
        table = data[at + 27 : at + 27 + segments]
        body_at = at + 27 + segments
        end = body_at + sum(table)
        page = data[at:end]
        assert _ogg_crc(page[:22] + bytes(4) + page[26:]) == crc
        packets, packet = [], b""
        for lacing in table:
            packet += data[body_at : body_at + lacing]
            body_at += lacing
            if lacing < 255:
                packets.append(packet)
                packet = b""
        assert packet == b""
        pages.append(Page(flags, granule, serial, sequence, packets))
        at = end
    return pages
