"""The command line of its own tests."""

from __future__ import annotations

from tests.cli.conftest import _logging_as_before, cli, sqlite_url, start

__all__ = ["_logging_as_before", "cli", "sqlite_url", "start"]
