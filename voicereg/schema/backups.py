"""Copies of a SQLite file: made before its schema is changed, or when somebody asks for one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

from voicereg.domain.errors import BackupFailed, DatabaseUnusable
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
        _fill_or_remove(copy, database)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusable(
            database.display,
            "no backup could be made before the upgrade "
            f"({getattr(error, 'strerror', None) or error}); nothing was changed",
            f"make room in {database.path.absolute().parent}, and make it writable",
        ) from error
    return copy


def back_up_to(database: Database, path: Path) -> None:
    """Copy a SQLite file, readable by its owner alone, and look whether the copy is sound.

    The copy is what was last committed, also while others use the file.

    Args:
        database: a SQLite file.
        path: where the copy is to be; nothing is overwritten.

    Raises:
        BackupFailed: there can be none; nothing is left of it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _fill_or_remove(path, database)
    except FileExistsError:
        raise BackupFailed(
            str(path), "there is such a file already", "give another name: nothing is overwritten"
        ) from None
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a null byte
        raise BackupFailed(
            str(path),
            getattr(error, "strerror", None) or str(error),
            "give a place with room that you may write to",
        ) from error


def _fill_or_remove(copy: Path, database: Database) -> None:
    try:
        _fill(copy, database)
    except BaseException:
        copy.unlink()
        raise


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
        (found,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged as the file is: {found}")


def _refuse_to_wait(status: int, remaining: int, total: int) -> None:
    """End what sqlite3 would try for ever; by now SQLite has waited for its time-out."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("another program holds the database")
