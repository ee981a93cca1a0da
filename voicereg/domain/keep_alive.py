"""Which voices are kept alive: a few characters are spoken before the provider deletes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from voicereg.domain.routes import VoiceRule
from voicereg.domain.voices import Voice

SOURCE = "keep-alive"
"""Who uses a voice that is kept alive."""


class KeepAliveAction(StrEnum):
    """What the audit log calls it."""

    KEPT = "voice.keep-alive"
    FAILED = "voice.keep-alive-failed"


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """How an account's voices that are to stay were kept alive in a round."""

    kept: frozenset[str] = frozenset()
    """By registry id."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why it could not be done."""
    left_out: frozenset[str] = frozenset()
    """Those that the day's limit left no room for."""


def is_to_stay(voice: Voice, rules: Sequence[VoiceRule]) -> bool:
    """Whether a voice is pinned, or one of those that a rule names."""
    return voice.pinned or any(rule.fits(voice) for rule in rules)


def few_words(voice: Voice) -> str:
    """A few characters that a voice can say, in its own language."""
    sample = voice.preview_text or voice.prompt or ""
    is_chinese = any("\u4e00" <= character <= "\u9fff" for character in sample)
    if voice.language == "zh" or (voice.language is None and is_chinese):
        return "你好。"
    return "Hello."
