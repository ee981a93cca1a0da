"""Texts that no database holds: with a NUL, or with half of a surrogate pair."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether the database can hold ``text``, and so whether it can be in there."""
    return _UNSTORABLE.search(text) is None


def mended(text: str) -> str:
    """``text`` with U+FFFD for what the database cannot hold.

    For what others said, which must not keep a change from being noted.
    """
    return _UNSTORABLE.sub("\ufffd", text)
