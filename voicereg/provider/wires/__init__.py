"""How each family is spoken to: one module per family, one entry here."""

from __future__ import annotations

from collections.abc import Mapping

from voicereg.domain.families import Family
from voicereg.provider.wires.base import ListingKind, Wire
from voicereg.provider.wires.cosyvoice import CosyVoiceWire
from voicereg.provider.wires.qwen import QwenWire

WIRES: Mapping[Family, Wire] = {
    Family.COSYVOICE: CosyVoiceWire(),
    Family.QWEN_TTS: QwenWire(),
}

__all__ = ["WIRES", "ListingKind", "Wire"]
