"""How speech is wanted: its format, rate and loudness, as a request may give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicereg.sandbox.errors import invalid_parameter
from voicereg.sandbox.fields import Fields

FORMATS = ("pcm", "wav", "mp3", "opus")
SAMPLE_RATES = (8000, 16000, 22050, 24000, 44100, 48000)
#: The languages that ``language_type`` may name.
LANGUAGES = (
    "Auto",
    "Chinese",
    "English",
    "German",
    "Italian",
    "Portuguese",
    "Spanish",
    "Japanese",
    "Korean",
    "French",
    "Russian",
)

# What the official SDK writes where its user chose neither.
_NO_FORMAT = "Default"
_NO_SAMPLE_RATE = 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How speech is wanted.

    Attributes:
        format: ``pcm``, ``wav``, ``mp3`` or ``opus``.
        sample_rate: in Hz.
        volume: 0 to 100; 50 is as loud as the voice's preview.
        rate: 0.5 to 2, of the usual speed.
        pitch: 0.5 to 2, of the voice's own.
    """

    format: str
    sample_rate: int
    volume: int = 50
    rate: float = 1.0
    pitch: float = 1.0


def read_manner(fields: Fields, default: Manner) -> Manner:
    """Return how speech is wanted, checked.

    Args:
        fields: ``format``, ``sample_rate``, ``volume``, ``rate`` and ``pitch``, all optional.
        default: what holds where nothing is given.

    Raises:
        ApiError: ``InvalidParameter``.
    """
    given = fields.optional_text("format")
    sample_rate = fields.integer("sample_rate", _NO_SAMPLE_RATE)
    return Manner(
        format=default.format
        if given in (None, _NO_FORMAT)
        else one_of(FORMATS, given, fields.name_of("format")),
        sample_rate=default.sample_rate
        if sample_rate == _NO_SAMPLE_RATE
        else one_of(SAMPLE_RATES, sample_rate, fields.name_of("sample_rate")),
        volume=round(read_number(fields, "volume", 0, 100, default.volume)),
        rate=read_number(fields, "rate", 0.5, 2, default.rate),
        pitch=read_number(fields, "pitch", 0.5, 2, default.pitch),
    )


def read_language_type(fields: Fields) -> str | None:
    """Return the ``language_type``, or None where there is none.

    Raises:
        ApiError: ``InvalidParameter``.
    """
    given = fields.optional_text("language_type")
    if given is not None:
        one_of(LANGUAGES, given, fields.name_of("language_type"))
    return given


def read_number(fields: Fields, field: str, low: float, high: float, default: float) -> float:
    """Return a number, sure to be within limits.

    Raises:
        ApiError: ``InvalidParameter``.
    """
    value = fields.number(field, default)
    if not low <= value <= high:
        raise invalid_parameter(f"{fields.name_of(field)} must be {low} to {high}.")
    return value


def one_of(allowed: tuple[Any, ...], given: Any, named: str) -> Any:
    """Return what is given, sure to be allowed. Raises ApiError ``InvalidParameter``."""
    if given not in allowed:
        raise invalid_parameter(f"{named} must be one of {', '.join(map(str, allowed))}.")
    return given
