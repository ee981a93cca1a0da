"""Quotas: how many slots of a family are held, and how many remain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.families import Family


class QuotaLevel(StrEnum):
    """How near a family is to its limit."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    FULL = "full"


FRESH_FOR = timedelta(days=1)
"""For how long a complete sync vouches for the figures."""


@dataclass(frozen=True, slots=True)
class QuotaThresholds:
    """The shares of a limit from which a quota's level is raised."""

    warning: float = 0.80
    """The share of the limit from which the level is ``warning``."""
    critical: float = 0.95
    """The share from which it is ``critical``."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The slots of one family in one quota group."""

    account: str
    """The account that was asked about."""
    quota_group: str
    """The group whose quota it is; its accounts share it."""
    family: Family
    """The family whose quota it is."""
    limit: int
    """Slots that there are in all."""
    used: int
    """Slots held, those of creates under way and of unresolved creates included."""
    creating: int
    """Slots of creates that are under way."""
    unresolved: int
    """Slots of creates whose outcome is unknown."""
    unseen: int
    """Slots that the provider says are taken, and that no voice on record stands for."""
    synced_at: datetime | None
    """When the registry was last compared with the provider's complete listings; None: never."""
    stale: bool
    """Whether the figures may well differ from the provider's: never compared, not for a day, or
    since then a create was refused for a full quota."""
    thresholds: QuotaThresholds = QuotaThresholds()

    @property
    def remaining(self) -> int:
        """Slots that may still be taken; 0 where more are held than the limit allows."""
        return max(0, self.limit - self.used - self.unseen)

    @property
    def level(self) -> QuotaLevel:
        """How near the family is to its limit."""
        if self.remaining == 0:
            return QuotaLevel.FULL
        share = (self.used + self.unseen) / self.limit
        if share >= self.thresholds.critical:
            return QuotaLevel.CRITICAL
        if share >= self.thresholds.warning:
            return QuotaLevel.WARNING
        return QuotaLevel.OK

    def as_dict(self) -> dict[str, Any]:
        """The quota with the keys that JSON output shows."""
        return {
            "account": self.account,
            "quota_group": self.quota_group,
            "family": self.family.value,
            "limit": self.limit,
            "used": self.used,
            "creating": self.creating,
            "unresolved": self.unresolved,
            "unseen": self.unseen,
            "remaining": self.remaining,
            "level": self.level.value,
            "synced_at": rfc3339(self.synced_at),
            "stale": self.stale,
        }


QUOTA_KEYS = (
    "account",
    "quota_group",
    "family",
    "limit",
    "used",
    "creating",
    "unresolved",
    "unseen",
    "remaining",
    "level",
    "synced_at",
    "stale",
)
"""The keys of :meth:`Quota.as_dict`, in order."""
