"""The command line of its own tests."""

from __future__ import annotations

from tests.cli.conftest import (
    _in_a_directory_of_its_own,
    _logging_as_before,
    cli,
    cli_on_each,
    sqlite_url,
    start,
)

__all__ = [
    "_in_a_directory_of_its_own",
    "_logging_as_before",
    "cli",
    "cli_on_each",
    "sqlite_url",
    "start",
]
