"""The documented limits on what a request may hold.

Every number and list here is from the parameter tables of the provider's API reference.
Where those say nothing, nothing is checked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from voicereg.sandbox.errors import invalid_parameter
from voicereg.sandbox.fields import Fields

#: The scripts that Chinese and English are written in, as Unicode character names begin.
CHINESE_ENGLISH = ("LATIN", "FULLWIDTH LATIN", "CJK", "IDEOGRAPHIC")
#: The scripts of zh, en, de, it, pt, es, ja, ko, fr and ru.
TEN_LANGUAGES = (*CHINESE_ENGLISH, "HIRAGANA", "KATAKANA", "HALFWIDTH", "HANGUL", "CYRILLIC")

#: The size of a page where a request gives none, in voices.
DEFAULT_PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class FamilyRules:
    """What one family's API reference allows.

    Attributes:
        prompt_chars: the longest ``voice_prompt``, in characters.
        preview_chars: the longest ``preview_text``, in characters.
        preview_scripts: scripts that a ``preview_text`` may be written in.
        name_field: what the family calls a voice's name.
        name_pattern: what a name may look like.
        name_words: the same for a person.
        languages: the codes of the languages of a design; the first is the default.
        sample_rates: in Hz.
        formats: of the preview audio.
        last_page: the highest ``page_index``, or None where no limit is documented.
    """

    prompt_chars: int
    preview_chars: int
    preview_scripts: tuple[str, ...]
    name_field: str
    name_pattern: re.Pattern[str]
    name_words: str
    languages: tuple[str, ...]
    sample_rates: tuple[int, ...]
    formats: tuple[str, ...]
    last_page: int | None


COSYVOICE_RULES = FamilyRules(
    prompt_chars=500,
    preview_chars=200,
    preview_scripts=CHINESE_ENGLISH,
    name_field="prefix",
    name_pattern=re.compile(r"[A-Za-z0-9]{1,10}"),
    name_words="1 to 10 letters and digits",
    languages=("zh", "en"),
    sample_rates=(16000, 24000, 48000),
    formats=("pcm", "wav", "mp3"),
    last_page=None,
)

QWEN_RULES = FamilyRules(
    prompt_chars=2048,
    preview_chars=1024,
    preview_scripts=TEN_LANGUAGES,
    name_field="preferred_name",
    name_pattern=re.compile(r"[A-Za-z0-9_]{1,16}"),
    name_words="1 to 16 letters, digits and underscores",
    languages=("zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru"),
    sample_rates=(8000, 16000, 24000, 48000),
    formats=("pcm", "wav", "mp3", "opus"),
    last_page=200,
)

# The API reference gives these defaults for CosyVoice. For Qwen-TTS it is silent, and the
# sandbox takes the same.
_DEFAULT_SAMPLE_RATE = 24000
_DEFAULT_FORMAT = "wav"


@dataclass(frozen=True, slots=True)
class Sound:
    """How preview audio is wanted: ``sample_rate`` in Hz, and ``response_format``."""

    sample_rate: int
    response_format: str


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing is wanted: ``index`` from 0, and ``size`` in voices."""

    index: int
    size: int


def read_prompt(fields: Fields, rules: FamilyRules) -> str:
    """Return the ``voice_prompt``, checked. Raises ApiError ``InvalidParameter``."""
    return _read_wording(fields, "voice_prompt", rules.prompt_chars, CHINESE_ENGLISH)


def read_preview_text(fields: Fields, rules: FamilyRules) -> str:
    """Return the ``preview_text``, checked. Raises ApiError ``InvalidParameter``."""
    return _read_wording(fields, "preview_text", rules.preview_chars, rules.preview_scripts)


def read_name(fields: Fields, rules: FamilyRules) -> str:
    """Return the voice's name, checked. Raises ApiError ``InvalidParameter``."""
    name = fields.text(rules.name_field)
    if not rules.name_pattern.fullmatch(name):
        raise invalid_parameter(f"{fields.name_of(rules.name_field)} must be {rules.name_words}.")
    return name


def read_language(given: str | None, named: str, rules: FamilyRules) -> str:
    """Return the language code, the default where none is given.

    Args:
        given: the code, or None.
        named: how a message names the field.
        rules: the family's.

    Raises:
        ApiError: ``InvalidParameter`` for a language that is not on the list.
    """
    if given is None:
        return rules.languages[0]
    if given not in rules.languages:
        raise invalid_parameter(f"{named} must be one of {', '.join(rules.languages)}.")
    return given


def read_sound(parameters: Fields, rules: FamilyRules) -> Sound:
    """Return how the preview is wanted, checked. Raises ApiError ``InvalidParameter``."""
    sample_rate = parameters.integer("sample_rate", _DEFAULT_SAMPLE_RATE)
    if sample_rate not in rules.sample_rates:
        allowed = ", ".join(map(str, rules.sample_rates))
        raise invalid_parameter(f"{parameters.name_of('sample_rate')} must be one of {allowed}.")
    response_format = parameters.optional_text("response_format")
    if response_format is None:
        response_format = _DEFAULT_FORMAT
    if response_format not in rules.formats:
        raise invalid_parameter(
            f"{parameters.name_of('response_format')} must be one of {', '.join(rules.formats)}."
        )
    return Sound(sample_rate, response_format)


def read_page(fields: Fields, rules: FamilyRules) -> Page:
    """Return the page that is wanted, checked. Raises ApiError ``InvalidParameter``."""
    index = fields.integer("page_index", 0)
    if index < 0:
        raise invalid_parameter(f"{fields.name_of('page_index')} must not be below 0.")
    if rules.last_page is not None and index > rules.last_page:
        raise invalid_parameter(
            f"{fields.name_of('page_index')} must not be above {rules.last_page}."
        )
    size = fields.integer("page_size", DEFAULT_PAGE_SIZE)
    if size < 1:
        raise invalid_parameter(f"{fields.name_of('page_size')} must be above 0.")
    return Page(index, size)


def _read_wording(fields: Fields, field: str, longest: int, scripts: tuple[str, ...]) -> str:
    text = fields.text(field)
    if not 1 <= len(text) <= longest:
        raise invalid_parameter(f"{fields.name_of(field)} must be 1 to {longest} characters long.")
    if _is_foreign(text, scripts):
        raise invalid_parameter(f"{fields.name_of(field)} is not in a supported language.")
    return text


def _is_foreign(text: str, scripts: tuple[str, ...]) -> bool:
    """Return whether the text has letters and not one of them is of the given scripts.

    No script tells English from Dutch, so only what is plain is refused: a stray Greek
    letter in an English prompt is none of the sandbox's business.
    """
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and not any(
        unicodedata.name(letter, "").startswith(scripts) for letter in letters
    )
