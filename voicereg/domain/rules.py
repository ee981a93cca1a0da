"""What each family allows in a design, and how a model tells its family.

The figures are those of the provider's API reference for voice design (November 2026). They may
change, which is why every check on them can be overridden by the user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voicereg.domain.families import Family, Region
from voicereg.domain.voices import Origin


@dataclass(frozen=True, slots=True)
class FamilyRules:
    """What the provider's API reference allows in a design of one family.

    Patterns are regular expressions, compiled when they are first needed.
    """

    family: Family
    model_pattern: str
    """Models whose name begins like this belong to the family."""
    known_models: frozenset[str]
    """Documented models that can be designed for; a new one of the pattern is taken as well."""
    clone_only: str
    """Models that take clones only."""
    prompt_characters: int
    preview_characters: int
    preview_scripts: frozenset[str]
    """Scripts (by the first word of a letter's Unicode name) that the preview text may use."""
    name_characters: int
    name_pattern: str
    name_rule: str
    languages: frozenset[str]
    sample_rates: frozenset[int]
    response_formats: frozenset[str]
    design_regions: frozenset[Region]
    reviewed: bool
    """Whether a new voice is reviewed before it is usable."""
    queried: frozenset[Origin]
    """Voices that the provider can be asked for one by one."""
    design_price_fen: int
    """Of one design, in hundredths of a CNY. One that failed costs nothing, and the first ten of an
    account may be free."""


PROMPT_SCRIPTS = frozenset({"LATIN", "CJK"})
"""Both families take prompts in Chinese or English."""

RULES: dict[Family, FamilyRules] = {
    Family.COSYVOICE: FamilyRules(
        family=Family.COSYVOICE,
        model_pattern=r"cosyvoice-|qwen-audio-",
        known_models=frozenset(
            {
                "cosyvoice-v3.5-plus",
                "cosyvoice-v3.5-flash",
                "cosyvoice-v3-plus",
                "cosyvoice-v3-flash",
                "qwen-audio-3.0-tts-plus",
                "qwen-audio-3.0-tts-flash",
                "qwen-audio-3.1-tts-flash",
            }
        ),
        clone_only=r"cosyvoice-v[12](-|$)|qwen-audio-.*realtime",
        prompt_characters=500,
        preview_characters=200,
        preview_scripts=PROMPT_SCRIPTS,
        name_characters=10,
        name_pattern=r"[A-Za-z0-9]+",
        name_rule="letters and digits",
        languages=frozenset({"zh", "en"}),
        sample_rates=frozenset({16000, 24000, 48000}),
        response_formats=frozenset({"pcm", "wav", "mp3"}),
        design_regions=frozenset({Region.BEIJING}),
        reviewed=True,
        queried=frozenset(Origin),
        design_price_fen=0,
    ),
    Family.QWEN_TTS: FamilyRules(
        family=Family.QWEN_TTS,
        model_pattern=r"qwen\d*(\.\d+)?-tts-",
        known_models=frozenset(
            {
                "qwen3-tts-vd-2026-01-26",
                "qwen3-tts-vd-realtime-2026-01-15",
                "qwen3-tts-vd-realtime-2025-12-16",
            }
        ),
        clone_only=r"qwen\d*(\.\d+)?-tts-vc-",
        prompt_characters=2048,
        preview_characters=1024,
        preview_scripts=PROMPT_SCRIPTS | {"HIRAGANA", "KATAKANA", "HANGUL", "CYRILLIC"},
        name_characters=16,
        name_pattern=r"[A-Za-z0-9_]+",
        name_rule="letters, digits and underscores",
        languages=frozenset({"zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru"}),
        sample_rates=frozenset({8000, 16000, 24000, 48000}),
        response_formats=frozenset({"pcm", "wav", "mp3", "opus"}),
        design_regions=frozenset({Region.BEIJING, Region.SINGAPORE}),
        reviewed=False,
        queried=frozenset({Origin.DESIGNED}),
        design_price_fen=20,
    ),
}


def family_of_model(target_model: str) -> Family | None:
    """The family that ``target_model`` belongs to by the beginning of its name, or None."""
    for family, rules in RULES.items():
        if re.match(rules.model_pattern, target_model):
            return family
    return None
