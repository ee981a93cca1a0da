"""Text on its way to a terminal: nothing in it may move the cursor, colour, or mislead."""

from __future__ import annotations

import re
import sys
from datetime import datetime

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, C1 among them
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # unseen, bidi
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNPRINTABLE_BUT_LINES = re.compile(_UNPRINTABLE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


def printable(text: str, *, keep_lines: bool = False) -> str:
    """``text`` with everything unseen or dangerous spelled out, such as ``\\e`` for an escape.

    Args:
        text: anything, from a user or the provider.
        keep_lines: leave line feeds as they are.
    """
    if text.isprintable():
        return text  # which is the rule, and quick to see
    return (_UNPRINTABLE_BUT_LINES if keep_lines else _UNPRINTABLE).sub(_spelled, text)


def escaped_json(text: str) -> str:
    """JSON text in which what :func:`printable` spells out is written as ``\\uXXXX``."""
    if text.isprintable():
        return text
    return _UNPRINTABLE_BUT_LINES.sub(_as_json_escape, text)


def local_time(moment: datetime | None) -> str:
    """A time as people read it, in the local zone; empty for None."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def local_date(moment: datetime | None) -> str:
    """A date as people read it, in the local zone; empty for None."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d}"


def fitted(line: str) -> str:
    """A line for stderr: one that a terminal would break in the middle of a word, broken between.

    Further lines are indented.
    """
    if not sys.stderr.isatty():
        return line
    import shutil
    import textwrap

    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False)


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    return _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def _as_json_escape(match: re.Match[str]) -> str:
    encoded = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(
        f"\\u{encoded[place]:02x}{encoded[place + 1]:02x}" for place in range(0, len(encoded), 2)
    )
