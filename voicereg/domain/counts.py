"""Numbers of things, in English."""

from __future__ import annotations


def many(count: int, one: str) -> str:
    """How many there are of something: ``1 voice``, ``1,200 voices``."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
