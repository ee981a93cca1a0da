"""A soft tone, as bare samples."""

from __future__ import annotations

import math
import sys
from array import array


def tone(pitch: float, length: int, sample_rate: int, *, amplitude: int, fade: int) -> bytes:
    """Return a tone: 16 bits, little-endian, mono.

    Args:
        pitch: in Hz, met as nearly as a whole number of samples in each wave allows.
        length: in samples.
        sample_rate: in Hz.
        amplitude: of 32767.
        fade: how many samples it takes to come and to go; a tone that starts or ends at once
            clicks.
    """
    # One period, repeated, is many times quicker than a sine for each sample.
    period = max(2, round(sample_rate / pitch))
    wave_form = array(
        "h", (round(amplitude * math.sin(math.tau * n / period)) for n in range(period))
    )
    samples = (wave_form * (length // period + 1))[:length]
    for n in range(min(fade, length // 2)):
        samples[n] = samples[n] * n // fade
        samples[-1 - n] = samples[-1 - n] * n // fade
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
