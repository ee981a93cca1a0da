"""Copies of a SQLite file, made before its schema is changed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

from voicereg.domain.errors import DatabaseUnusable
from voicereg.engine import Database


def back_up(database: Database, revision: str, at: datetime) -> Path:
    """Copy a SQLite file beside itself, readable by its owner alone; nothing is overwritten.

    The copy is what was last committed, also while others use the file. Whoever holds the lock of
    :meth:`Database.migrating` may call this: in WAL mode it keeps no reader away.

    Args:
        database: a SQLite file.
        revision: the revision it has, for the name of the copy.
        at: when, in UTC, likewise.

    Returns:
        Where the copy is.

    Raises:
        DatabaseUnusable: there can be none.
    """
    assert database.path is not None  # noqa: S101 - SQLite has a file
    try:
        copy = _make_file(database.path, f"{revision}-{at:%Y%m%dT%H%M%SZ}")
        try:
            _fill(copy, database)
        except BaseException:
            copy.unlink()
            raise
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusable(
            database.display,
            "no backup could be made before the upgrade "
            f"({getattr(error, 'strerror', None) or error}); nothing was changed",
            f"make room in {database.path.absolute().parent}, and make it writable",
        ) from error
    return copy


def _make_file(path: Path, what: str) -> Path:
    """An empty file that was not there before, however many upgrades were tried in this second."""
    for number in count(1):
        again = "" if number == 1 else f"-{number}"
        copy = path.with_name(f"{path.name}.{what}{again}.backup")
        try:
            os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return copy
    raise AssertionError  # count() does not end


def _fill(copy: Path, database: Database) -> None:
    with database.read() as connection, closing(sqlite3.connect(copy)) as target:
        source = connection.connection.dbapi_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101 - as its file says
        source.backup(target, progress=_refuse_to_wait)


def _refuse_to_wait(status: int, remaining: int, total: int) -> None:
    """End what sqlite3 would try for ever; by now SQLite has waited for its time-out."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("another program holds the database")
