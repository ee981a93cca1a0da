"""Silent MP3 files: MPEG audio Layer III frames whose side information says "nothing".

Side information of zeros means no Huffman data and no gain, which decodes to silence, so
that no encoder is needed. Frame headers as in ISO/IEC 11172-3 and 13818-3, and the usual
extension of the latter to lower rates (MPEG 2.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _FrameShape:
    version_bits: int  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    bit_rate_index: int
    bit_rate: int  # bits a second
    sample_rate_index: int
    samples: int  # in one frame


# Bit rates are chosen so that a frame is a whole number of bytes and none needs padding. At
# 44.1 and 22.05 kHz no bit rate does that: without padding, those are a trifle below theirs.
_SHAPES = {
    48000: _FrameShape(3, 1, 32000, 1, 1152),
    44100: _FrameShape(3, 1, 32000, 0, 1152),
    24000: _FrameShape(2, 2, 16000, 1, 576),
    22050: _FrameShape(2, 2, 16000, 0, 576),
    16000: _FrameShape(2, 2, 16000, 2, 576),
    8000: _FrameShape(0, 2, 16000, 2, 576),
}

_LAYER_III = 1
_NO_CRC = 1
_MONO = 3


def silent_mp3(seconds: float, sample_rate: int) -> bytes:
    """Return an MP3 file of silence.

    Args:
        seconds: how long, rounded up to a whole frame.
        sample_rate: in Hz; 8000, 16000, 22050, 24000, 44100 or 48000.

    Raises:
        KeyError: another sample rate.
    """
    return silent_frame(sample_rate) * math.ceil(seconds * sample_rate / frame_samples(sample_rate))


def silent_frame(sample_rate: int) -> bytes:
    """Return one frame of silence. Raises KeyError as for ``silent_mp3``."""
    shape = _SHAPES[sample_rate]
    header = (
        0x7FF << 21
        | shape.version_bits << 19
        | _LAYER_III << 17
        | _NO_CRC << 16
        | shape.bit_rate_index << 12
        | shape.sample_rate_index << 10
        | _MONO << 6
    ).to_bytes(4)
    length = shape.samples // 8 * shape.bit_rate // sample_rate
    return header.ljust(length, b"\0")


def frame_samples(sample_rate: int) -> int:
    """Return how many samples a frame holds. Raises KeyError as for ``silent_mp3``."""
    return _SHAPES[sample_rate].samples
