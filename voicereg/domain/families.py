"""The two families of voices, and the regions that they live in."""

from __future__ import annotations

from enum import StrEnum

from voicereg.domain.errors import InvalidInput, Problem


class Family(StrEnum):
    """One of the provider's two quotas of custom voices."""

    COSYVOICE = "cosyvoice"
    QWEN_TTS = "qwen-tts"


class Region(StrEnum):
    """Where an account is; keys of one region are refused in the other."""

    BEIJING = "cn-beijing"
    SINGAPORE = "ap-southeast-1"


DEFAULT_LIMIT = 1000
"""Custom voices that an account may keep per family (provider's API reference)."""


def parse_family(value: Family | str) -> Family:
    """The family of that name.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return Family(value)
    except ValueError:
        known = ", ".join(family.value for family in Family)
        raise InvalidInput(Problem("family", str(value), f"it must be one of {known}")) from None
