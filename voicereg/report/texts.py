"""Other people's texts on the page: what would not be seen, or would mislead, is spelled out.

That nothing in them is taken for markup is the template's concern, which escapes everything.
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but for white space
    "\u00ad\u061c\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # nothing to be seen
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing for more than a word
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # halves of characters, and unseen tags
)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")


def visible(text: object) -> str:
    """``text`` with everything unseen spelled out, such as ``\\u202e``.

    What joins emoji, and what marks single words as written from right to left, stays: the
    template isolates every text, so that it turns nothing beside it.
    """
    return _HIDDEN.sub(_spelled, str(text))


def clipped(text: object, limit: int) -> str:
    """``text``, visible, and its beginning only where it is longer than ``limit``."""
    shown = visible(text)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def is_chinese(text: object) -> bool:
    """Whether a text is Chinese, so that a browser takes the right form of its characters."""
    found = str(text)
    return bool(_HAN.search(found)) and not _KANA_OR_HANGUL.search(found)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
