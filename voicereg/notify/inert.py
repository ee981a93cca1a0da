"""Other people's texts, made harmless: a name may not become a link, a mention or a line."""

from __future__ import annotations

import re

_LOOK_ALIKES = str.maketrans(
    {
        "@": "＠",  # @everyone
        "<": "＜",  # <!channel>, HTML
        ">": "＞",
        "[": "［",  # links and images
        "]": "］",
        "`": "ˋ",
    }
)
_SCHEME = re.compile("://")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^\w. -]")
_LONGEST_WORD = 80
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


def one_line(text: str, limit: int) -> str:
    """``text`` on one line, with nothing unseen in it, and not longer than ``limit``.

    White space of any kind becomes one space; what cannot be seen (control characters, those
    that turn the direction of writing, halves of characters) becomes a replacement character.
    """
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else " " if character.isspace() else "\ufffd"
            for character in text
        )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def inert(text: str, limit: int) -> str:
    """``text`` on one line, with nothing in it that a chat program acts upon.

    Chat programs read mentions and links out of plain text as well, and not all of them know an
    escape; so the characters that begin them are replaced by others that look alike.
    """
    text = one_line(text, limit).translate(_LOOK_ALIKES)
    return _WWW.sub("www．", _SCHEME.sub(":／／", text))


def word(text: str, instead: str) -> str:
    """``text`` where a shell takes it as one harmless word, else a placeholder for it."""
    harmless = _WORD.fullmatch(text) is not None and inert(text, _LONGEST_WORD) == text
    return text if harmless else instead


def plain_words(text: str, limit: int) -> str:
    """``text`` for a title, which goes to a service unescaped: letters, digits, and ``. _ -``."""
    return _NOT_PLAIN.sub("?", inert(text, limit))
