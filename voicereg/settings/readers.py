"""How single values are read: each reader takes the place and what stands there.

Each raises :class:`InvalidInput` with the place and the rule, where the value does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.routes import TagFilter

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)
Reader = Callable[[str, Any], Value]


def shown(value: Any) -> str:
    """What an error may say of ``value``: nothing, where that could be a URL with its password."""
    if isinstance(value, dict | list) or "://" in str(value):
        return ""
    return str(value)


def refusal(where: str, value: Any, rule: str) -> InvalidInput:
    """The error for a value that does not fit."""
    return InvalidInput(Problem(where, shown(value), rule))


def text(where: str, value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise refusal(where, value, "it must be a text")
    return value


def filled_text(where: str, value: Any) -> str:
    """A text that says something, and that a database can compare with its own."""
    if not text(where, value).strip():
        raise refusal(where, value, "it must not be empty")
    if "\x00" in value:
        raise refusal(where, value, "it holds a NUL character")
    return str(value)


def secret_text(where: str, value: Any) -> str:
    """A text that says something, and of which nothing is ever shown."""
    if not isinstance(value, str) or not value.strip():
        raise refusal(where, "", "it must be a text, and not be empty")
    return value


def flag(where: str, value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise refusal(where, value, "it must be true or false")
    return value


def share(where: str, value: Any) -> float:
    """A part of a whole, or all of it."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise refusal(where, value, "it must be a share between 0 and 1")
    return float(value)


def whole(lowest: int, highest: int) -> Reader[int]:
    """Whole numbers between the two, both included."""

    def read(where: str, value: Any) -> int:
        # TOML's true and false would pass for 1 and 0.
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise refusal(where, value, f"it must be a whole number from {lowest} to {highest}")
        return value

    return read


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(where: str, value: Any) -> timedelta:
    """A number above 0 and its unit."""
    lasts = duration_or_none(where, value)
    if not lasts:
        raise _no_duration(where, value)
    return lasts


def duration_or_none(where: str, value: Any) -> timedelta:
    """A number and its unit; 0 stands for none."""
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise _no_duration(where, value)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _no_duration(where: str, value: Any) -> InvalidInput:
    return refusal(where, value, 'it must be a duration such as "15m"')


def days(fewest: int, most: int) -> Reader[timedelta]:
    """Durations of so many days, both included."""

    def read(where: str, value: Any) -> timedelta:
        lasts = duration(where, value)
        if not timedelta(days=fewest) <= lasts <= timedelta(days=most):
            raise refusal(where, value, f'it must be from "{fewest}d" to "{most}d"')
        return lasts

    return read


def up_to(longest: timedelta) -> Reader[timedelta]:
    """Durations that end some day."""

    def read(where: str, value: Any) -> timedelta:
        lasts = duration(where, value)
        if lasts > longest:
            raise refusal(where, value, f'it must be at most "{longest.days}d"')
        return lasts

    return read


def day(where: str, value: Any) -> date:
    """A date, as TOML writes it or in quotes."""
    # A moment is a date to Python; here it would lose its time without a word.
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise refusal(where, value, "it must be a date such as 2027-03-01") from None


def one_of(kind: type[Choice]) -> Reader[Choice]:
    """The names of an enumeration."""

    def read(where: str, value: Any) -> Choice:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(member.value for member in kind)
            raise refusal(where, value, f"it must be one of {known}") from None

    return read


def tag(where: str, value: Any) -> TagFilter:
    """A tag with its value, or with any."""
    meant = TagFilter.parse(filled_text(where, value))
    if not meant.key or meant.key != meant.key.strip():
        raise refusal(
            where,
            value,
            "it must be KEY or KEY=VALUE, where KEY is not empty and has no space around it",
        )
    return meant


def path(where: str, value: Any) -> Path:
    """A path, in which ``~`` is the home directory."""
    try:
        return Path(filled_text(where, value)).expanduser()
    except RuntimeError:
        raise refusal(
            where, value, "the home directory that it begins with cannot be found"
        ) from None
