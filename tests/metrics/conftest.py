"""The databases of the registry's own tests, and the command line of its."""

from __future__ import annotations

from tests.cli.conftest import _logging_as_before, cli, sqlite_url, start
from tests.registry.conftest import database_url, shared_postgresql_url

__all__ = [
    "_logging_as_before",
    "cli",
    "database_url",
    "shared_postgresql_url",
    "sqlite_url",
    "start",
]
