"""A provider by the test's clock."""

from __future__ import annotations

from tests.registry.syncs.conftest import sandbox

__all__ = ["sandbox"]
