"""The same databases as those of the registry's own tests, and a provider by the test's clock."""

from __future__ import annotations

from tests.registry.conftest import database_url, shared_postgresql_url
from tests.registry.syncs.conftest import sandbox

__all__ = ["database_url", "sandbox", "shared_postgresql_url"]
