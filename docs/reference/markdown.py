"""Markdown of the reference: tables, and docstrings as it writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":(?:\w+:)*\w+:`~?\.?([^`]+)`")
_SPECIAL = re.compile(r"([\\*_<>\[\]|])")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown, in which a bar is escaped here."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def code(text: str) -> str:
    """Text that is shown as it is; nothing for nothing."""
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """Plain text of the program, with its options shown as code."""
    parts = re.split(r"((?<![\w-])--?[a-z][\w-]*|\"voicereg [^\"]+\"|VOICEREG_\w+)", text)
    return "".join(
        _shown(part) if number % 2 else _SPECIAL.sub(r"\\\1", part)
        for number, part in enumerate(parts)
    )


def docstring(text: str, *, none: str = "none") -> str:
    """A docstring, whose marks are those of reStructuredText, on one line.

    Args:
        text: the docstring.
        none: what Python's ``None`` is called where it is read.
    """
    text = re.sub(r"\bNone\b", none, text)
    text = _ROLE.sub(r"``\1``", " ".join(text.split()))
    parts = text.split("``")
    return "".join(
        code(part) if number % 2 else _SPECIAL.sub(r"\\\1", part)
        for number, part in enumerate(parts)
    )


def first_sentence(text: str) -> str:
    """The first line of a docstring, which sums it up."""
    return text.strip().partition("\n\n")[0]


def _shown(part: str) -> str:
    if part.startswith('"'):
        return code(part.strip('"'))
    return code(part)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", text.replace("\n", " ")).strip()
