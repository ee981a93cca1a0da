"""A database opened so that nothing can be changed by looking at it, whatever state it is in."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from voicereg.domain.clock import Clock
from voicereg.engine import Database
from voicereg.settings import PostgresqlSettings

_WAIT = timedelta(seconds=10)
"""How long is waited for a file that somebody holds."""


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database; None: it is another one, or no file can be told."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return None
    name = parsed.database
    if parsed.get_backend_name() != "sqlite" or not name:
        return None
    return None if name == ":memory:" or name.startswith("file:") else Path(name)


def holds_nothing(path: Path) -> bool:
    """Whether a SQLite file is still to be made.

    Raises:
        OSError: that cannot be told.
    """
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True


def open_for_reading(url: str, clock: Clock, settings: PostgresqlSettings) -> Database:
    """Open a database for reading alone.

    A SQLite file must be there: it is neither made nor switched to another journal mode, as
    opening it for work would do.

    Raises:
        DatabaseUnusable: the URL is none.
    """
    path = sqlite_path(url)
    if path is not None:
        return _open_file(path, clock)
    return Database.open(url, clock=clock, settings=settings)


def _open_file(path: Path, clock: Clock) -> Database:
    def connect() -> sqlite3.Connection:
        # The last one to leave a file in WAL mode takes its log in and removes the side files;
        # one that may only read leaves them behind. So either way the files stay what they are.
        log_is_there = path.with_name(f"{path.name}-wal").exists()
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if log_is_there else 'rw'}",
            uri=True,
            timeout=_WAIT.total_seconds(),
            isolation_level=None,
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.QueuePool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return Database(engine, clock=clock, display=str(path), path=path)
