"""How each kind of target model is spoken to: one module per transport, one entry here."""

from __future__ import annotations

from collections.abc import Mapping

from voicereg.domain.speech import Manner
from voicereg.provider.speech.base import Deliver, Line, Speaker
from voicereg.provider.speech.inference import speak_by_inference
from voicereg.provider.speech.link import speak_by_link
from voicereg.provider.speech.realtime import speak_by_realtime

SPEAKERS: Mapping[Manner, Speaker] = {
    Manner.LINK: speak_by_link,
    Manner.INFERENCE: speak_by_inference,
    Manner.REALTIME: speak_by_realtime,
}

__all__ = ["SPEAKERS", "Deliver", "Line", "Speaker"]
