"""How many voices each family has, and how many it may have."""

from __future__ import annotations

from collections.abc import Mapping

from voicereg.sandbox.errors import voice_quota_full
from voicereg.sandbox.models import FAMILIES, require_family

#: Custom voices per account and family, as documented.
DEFAULT_LIMIT = 1000


class Quotas:
    """The quotas of one provider account. Whoever uses it sees to the locking.

    Args:
        limits: voices per family; a family that is left out has 1,000.

    Raises:
        ValueError: an unknown family, or a limit below 0.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._counts = dict.fromkeys(FAMILIES, 0)
        self._limits = dict.fromkeys(FAMILIES, DEFAULT_LIMIT)
        for family, limit in limits.items():
            self.set_limit(family, limit)

    def set_limit(self, family: str, limit: int) -> None:
        """Set how many voices a family may have; those there already stay.

        Raises:
            ValueError: an unknown family, or a limit below 0.
        """
        require_family(family)
        if limit < 0:
            raise ValueError(f"a limit cannot be below 0: {limit}")
        self._limits[family] = limit

    def require_room(self, family: str) -> None:
        """Refuse a voice more where the family is full.

        Raises:
            ApiError: ``Throttling.AllocationQuota``.
        """
        limit = self._limits[family]
        if self._counts[family] >= limit:
            raise voice_quota_full(family, limit)

    def take(self, family: str) -> None:
        """Count a voice more, past the limit if need be."""
        self._counts[family] += 1

    def free(self, family: str) -> None:
        """Count a voice less."""
        self._counts[family] -= 1
