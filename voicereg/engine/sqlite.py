"""SQLite: a file in WAL mode, whose writers take their lock at BEGIN.

``synchronous=FULL``, so that a committed reservation survives a power cut. One that upgrades a
read lock later fails at once when another is writing, whatever the time-out.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from voicereg.domain.clock import Clock, Sleep
from voicereg.domain.errors import DatabaseUnusable
from voicereg.engine.kinds import Mode

BUSY_TIMEOUT = timedelta(seconds=30)
"""How long a writer waits for others before it gives up."""
_BEGIN = {Mode.WRITE: "IMMEDIATE", Mode.MIGRATE: "EXCLUSIVE"}
_ADVICE = {
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file: give another with --database",
    sqlite3.SQLITE_CORRUPT: "it is damaged: put a backup in its place",
    sqlite3.SQLITE_READONLY: "make the file and its directory writable",
    sqlite3.SQLITE_CANTOPEN: "make the file and its directory readable and writable",
    sqlite3.SQLITE_FULL: "the disk is full: make room",
    sqlite3.SQLITE_IOERR: "see whether the disk is full or broken, and try again",
}
_NO_TABLE = (
    "somebody has changed the tables by hand: voicereg db check says what is wrong; put a backup "
    "in its place"
)


class Sqlite:
    """How transactions begin in a SQLite file, and what its errors mean."""

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin a transaction."""
        if mode is Mode.MIGRATE:
            # Rebuilding a table would cascade into its children; inside a transaction the pragma
            # does nothing. Nobody else is given this connection.
            connection.detach()
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - it is SQLite
            raw.execute("PRAGMA foreign_keys=OFF")
        connection.execution_options(sqlite_begin=_BEGIN.get(mode, "DEFERRED")).begin()

    def check(self, connection: sa.Connection, mode: Mode) -> str | None:
        """Why the transaction must not be committed; None: it may."""
        if mode is not Mode.MIGRATE:
            return None
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if not broken:
            return None
        return f"the migration would leave {len(broken)} broken references; it was undone"

    def is_lost(self, error: Exception) -> bool:
        """A file is there or not: no connection to it gets lost."""
        return False

    def may_pass(self, error: Exception, *, known: bool) -> bool:
        """Locks were waited for already, and nothing else passes by itself."""
        return False

    def is_busy(self, error: Exception) -> bool:
        """Whether others held the file for too long."""
        return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

    def is_deadlock(self, error: Exception) -> bool:
        """There is one lock, so no two can wait for each other."""
        return False

    def told(self, error: Exception) -> tuple[str, str | None]:
        """What is wrong, and what to do about it."""
        said = str(getattr(error, "orig", None) or error)
        missing = said.startswith(("no such table", "no such column"))
        return said, _NO_TABLE if missing else _ADVICE.get(_code(error))


def _code(error: Exception) -> int:
    original = getattr(error, "orig", None)
    return int(getattr(original, "sqlite_errorcode", 0)) & 0xFF


def open_engine(url: URL, clock: Clock, sleep: Sleep) -> tuple[sa.Engine, Path]:
    """An engine for a file, which is made where it is not there.

    Raises:
        DatabaseUnusable: there can be no such file.
    """
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise DatabaseUnusable(
            "in memory", "a registry must outlive the program", "give the path of a file"
        )
    path = Path(url.database)
    _make_private_file(path)
    engine = sa.create_engine(
        url.set(drivername="sqlite"),
        # Connections cost nothing here: no thread waits for one.
        pool_size=4,
        max_overflow=-1,
        connect_args={"timeout": BUSY_TIMEOUT.total_seconds()},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # sqlite3 itself emits no BEGIN; `begin` below does
        # SQLite's own knows ASCII alone, and a search must find the same on both databases.
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        _into_wal_mode(cursor, clock, sleep)
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine, path


def _make_private_file(path: Path) -> None:
    """Make the file, readable by its owner alone; SQLite's side files take its mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise DatabaseUnusable(
            str(path),
            getattr(error, "strerror", None) or str(error),
            "make the file and its directory readable and writable, or give another --database",
        ) from error


def _into_wal_mode(cursor: sqlite3.Cursor, clock: Clock, sleep: Sleep) -> None:
    """Switch to WAL mode; the busy time-out does not cover two programs that both do so first.

    The mode is written into the file: one that is of another program is left as it is.
    """
    cursor.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    names = {name for (name,) in cursor.fetchall()}
    if names - {"alembic_version"} and "voices" not in names:
        return
    give_up_at = clock.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or clock.monotonic() > give_up_at:
                raise
            sleep(timedelta(milliseconds=20))
        else:
            return


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
