"""Many ids in few statements: databases have limits on the parameters of one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

Id = TypeVar("Id", str, int)
_AT_ONCE = 500


def batches(ids: Collection[Id]) -> Iterator[list[Id]]:
    """``ids`` in order, so many at a time as one statement takes."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
