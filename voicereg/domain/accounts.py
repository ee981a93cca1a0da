"""Accounts: ways into the provider, and the quota groups that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import LimitMissing
from voicereg.domain.families import Family

DEFAULT_ACCOUNT = "default"
DEFAULT_KEY_VARIABLE = "DASHSCOPE_API_KEY"


@dataclass(frozen=True, slots=True)
class Account:
    """One way into the provider, as the registry knows it."""

    id: int
    name: str
    """What it is called."""
    region: str
    """Where the provider is asked: ``cn-beijing`` or ``ap-southeast-1``."""
    workspace: str | None
    """The provider's workspace; None: none."""
    base_url: str | None
    """Overrides the HTTP base that follows from region and workspace; ends in ``/api/v1``."""
    api_key_env: str
    """The name of the environment variable that holds the key; the key itself is never stored."""
    quota_group_id: int
    quota_group: str
    """The group whose quotas it draws on."""
    limits: Mapping[Family, int]
    """Slots of the quota group, per family; of every family, unless somebody has changed the
    database by hand."""
    created_at: datetime
    """When it was added."""
    updated_at: datetime
    """When it was last changed."""

    def require_limits(self) -> None:
        """Make sure that there is a limit for every family.

        Raises:
            LimitMissing: there is not.
        """
        missing = [family for family in Family if family not in self.limits]
        if missing:
            raise LimitMissing(self.name, missing)

    def as_dict(self) -> dict[str, Any]:
        """The account with the keys that JSON output shows."""
        return {
            "name": self.name,
            "region": self.region,
            "workspace": self.workspace,
            "base_url": self.base_url,
            "api_key_env": self.api_key_env,
            "quota_group": self.quota_group,
            "limits": {family.value: limit for family, limit in self.limits.items()},
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        }


ACCOUNT_KEYS = (
    "name",
    "region",
    "workspace",
    "base_url",
    "api_key_env",
    "quota_group",
    "limits",
    "created_at",
    "updated_at",
)
"""The keys of :meth:`Account.as_dict`, in order."""
