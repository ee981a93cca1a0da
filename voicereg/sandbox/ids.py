"""The provider's voice ids, in the shapes that its API reference shows.

Only an id's beginning means anything; what follows the name is free-form.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from voicereg.sandbox.models import COSYVOICE, DESIGNED


def voice_id(
    family: str, origin: str, target_model: str, name: str, local_time: datetime, rng: Random
) -> str:
    """Return a new id for a voice. It is very likely, not certain, to be unused.

    Args:
        family: ``cosyvoice`` or ``qwen-tts``.
        origin: ``designed`` or ``cloned``.
        target_model: the model the voice is made for.
        name: the ``prefix`` or ``preferred_name``.
        local_time: when the voice is made, on the provider's wall clock.
        rng: where the unique part comes from.
    """
    if family == COSYVOICE:
        mark = "-vd" if origin == DESIGNED else ""
        return f"{target_model}{mark}-{name}-{rng.getrandbits(128):032x}"
    mark = "vd" if origin == DESIGNED else "vc"
    stamp = local_time.strftime("%Y%m%d%H%M%S")
    return f"qwen-tts-{mark}-{name}-voice-{stamp}-{rng.getrandbits(16):04x}"
