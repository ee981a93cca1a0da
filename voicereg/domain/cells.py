"""Values as files give them, read one by one; a ValueError says what cannot be read, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from voicereg.domain.aliases import checked_alias
from voicereg.domain.designs import checked_text
from voicereg.domain.voice_ids import is_voice_id

Kind = TypeVar("Kind", bound=StrEnum)
LONGEST_TEXT = 10_000
"""In characters."""
_MOST_BITS = 200
"""Python refuses to write out a number of thousands of digits."""


def shown(given: Any) -> str:
    """What was given, as a problem shows it; nothing of what may be large without end."""
    if isinstance(given, str):
        return given
    if isinstance(given, int) and given.bit_length() > _MOST_BITS:
        return ""
    return str(given) if isinstance(given, int | float | date) else ""


def text(given: Any) -> str:
    """A text that the database can hold."""
    if not isinstance(given, str):
        raise ValueError("it is not a text")
    problems = checked_text(given, "", longest=LONGEST_TEXT)
    if problems:
        raise ValueError(problems[0].rule)
    return given


def voice_id(given: Any) -> str:
    """The provider's id of a voice."""
    if not isinstance(given, str) or not is_voice_id(given):
        raise ValueError("it is no id of a voice")
    return given


def registry_id(given: Any) -> str:
    """The registry's id of a voice."""
    found = text(given)
    if not (found.isascii() and found.isalnum()) or len(found) > 40:
        raise ValueError("an id of the registry has letters and digits only")
    return found


def moment(given: Any) -> datetime:
    """A time with a zone, in UTC."""
    try:
        found = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError("it is no time such as 2026-11-23T09:00:00Z") from None
    if found.utcoffset() is None:
        raise ValueError("a time needs a zone, such as Z or +08:00")
    return found.astimezone(UTC)


def number(given: Any) -> int:
    """A number above zero, or the text of one."""
    found = given
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        found = int(given)
    if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**31:
        return found
    raise ValueError("it is no number above zero")


_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}


def truth(given: Any) -> bool:
    """True or false, or a text that says so."""
    if isinstance(given, bool):
        return given
    if isinstance(given, int) and given in (0, 1):
        return bool(given)
    found = _TRUTHS.get(given.lower()) if isinstance(given, str) else None
    if found is None:
        raise ValueError("it is true or false")
    return found


def tags(given: Any) -> dict[str, str]:
    """Texts by key; or one text, as people type it: ``team=news; use=ads``."""
    if isinstance(given, str):
        pairs = [part.partition("=") for part in given.split(";") if part.strip()]
        return {key.strip(): value.strip() for key, _, value in pairs}
    if not isinstance(given, Mapping):
        raise ValueError('they are written as {"team": "news"}, or as team=news; use=ads')
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ValueError(f"the tag {shown(key)} is no text: put it in quotes")
    return dict(given)


def aliases(given: Any) -> tuple[str, ...]:
    """Names that services may resolve to a voice."""
    if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
        raise ValueError("it is no JSON array of texts")
    return tuple(checked_alias(name) for name in given)


def one_of(kind: type[Kind]) -> Callable[[Any], Kind]:
    """What reads a member of an enumeration."""

    def read(given: Any) -> Kind:
        # Only a text: an enumeration that refuses another value writes out all of it.
        if isinstance(given, str) and given in tuple(kind):
            return kind(given)
        raise ValueError(f"it is one of {', '.join(kind)}")

    return read


def unknown(key: object, known: Collection[str], what: str) -> str:
    """What is said of a key that there is not.

    Args:
        key: what was given.
        known: those that there are.
        what: what a key is called: ``column``, say.
    """
    near = get_close_matches(str(key).strip().lower().replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(known)}"
    return f"there is no such {what}; {hint}"
