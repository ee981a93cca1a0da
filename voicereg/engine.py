"""Engines: how a database is opened, how transactions begin, and what its errors mean.

SQLite runs in WAL mode with ``synchronous=FULL``, so that a committed reservation survives a power
cut; a writer takes its lock at BEGIN, because one that upgrades a read lock later fails at once
when another is writing, whatever the time-out.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.domain.errors import DatabaseBusy, DatabaseProblem, DatabaseUnusable

BUSY_TIMEOUT = timedelta(seconds=30)
"""How long a writer waits for others before it gives up."""
_URLS = "give sqlite:///PATH or postgresql://USER@HOST/NAME"
_MIGRATION_LOCK = 0x766F6963
"""Any number that nothing else on the server locks."""


class Database:
    """One database, and the only way to a connection.

    Safe to use from several threads, and after a fork.
    """

    def __init__(
        self, engine: sa.Engine, *, clock: Clock, display: str, path: Path | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self.display = display
        """The database as messages show it, without a password."""
        self.path = path
        """The file of a SQLite database."""
        if hasattr(os, "register_at_fork"):
            forget = weakref.WeakMethod(self._forget_connections)
            os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, sleep: Sleep = system_sleep) -> Database:
        """Prepare to use the database at ``url``. A SQLite file that is not there is made.

        Args:
            url: ``sqlite:///PATH`` or ``postgresql://…``.
            clock: tells the time, where the database has no clock of its own.
            sleep: waits for other programs while a new SQLite file is set up.

        Raises:
            DatabaseUnusable: the URL or the file cannot be used.
        """
        clock = clock or SystemClock()
        try:
            parsed = make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # a ValueError is about the port, and repeats it
            raise DatabaseUnusable("given", "it is not a URL", _URLS) from None
        if parsed.get_backend_name() == "sqlite":
            return cls._open_sqlite(parsed, clock, sleep)
        if parsed.get_backend_name() == "postgresql":
            return cls._open_postgresql(parsed, clock)
        raise DatabaseUnusable("given", "it is neither SQLite nor PostgreSQL", _URLS)

    @classmethod
    def _open_sqlite(cls, url: URL, clock: Clock, sleep: Sleep) -> Database:
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

        return cls(engine, clock=clock, display=str(path), path=path)

    @classmethod
    def _open_postgresql(cls, url: URL, clock: Clock) -> Database:
        if "@" in (url.host or ""):
            # The password was cut at its first @, and the rest of it would be shown as the host.
            raise DatabaseUnusable(
                "given", "it holds more than one @", "write one in a password %40"
            )
        display = url.set(
            query={name: "***" if "password" in name else url.query[name] for name in url.query}
        ).render_as_string(hide_password=True)
        try:
            engine = sa.create_engine(
                url,
                pool_pre_ping=True,
                pool_size=5,
                max_overflow=15,
                # Whatever the server's own is: what is counted under a lock must be what is there
                # once the lock is had, not what was there when the transaction began.
                isolation_level="READ COMMITTED",
            )
        except ModuleNotFoundError as error:
            raise DatabaseUnusable(
                display,
                f"the driver {error.name} is not installed",
                "install it with: pip install 'voicereg[postgres]'",
            ) from None
        except sa.exc.NoSuchModuleError:
            raise DatabaseUnusable(display, f"there is no {url.drivername}", _URLS) from None
        return cls(engine, clock=clock, display=display)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and sees one moment, however long it takes."""
        with self._translated(), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes, and is committed at the end."""
        with self._translated(), self._engine.connect() as connection:
            connection = connection.execution_options(sqlite_begin="IMMEDIATE")
            with connection.begin():
                if not self.is_sqlite:
                    connection.exec_driver_sql(
                        f"SET LOCAL lock_timeout = '{int(BUSY_TIMEOUT.total_seconds())}s'"
                    )
                yield connection

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A transaction that may change the schema; a second one waits until it has ended."""
        with self._translated(), self._engine.connect() as connection:
            if not self.is_sqlite:
                with connection.begin():
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
                    yield connection
                return
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - as is_sqlite says
            # Rebuilding a table would cascade into its children; inside a transaction the pragma
            # does nothing.
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                connection = connection.execution_options(sqlite_begin="EXCLUSIVE")
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise DatabaseUnusable(
                            self.display,
                            f"the migration would leave {len(broken)} broken references; "
                            "it was undone",
                        )
            finally:
                raw.execute("PRAGMA foreign_keys=ON")

    def now(self, connection: sa.Connection) -> datetime:
        """The time by the clock that all users of the database share.

        PostgreSQL tells it itself, unless a clock other than the machine's was passed in. SQLite
        is one machine, whose clock it is.
        """
        if self.is_sqlite or not isinstance(self._clock, SystemClock):
            return self._clock.now()
        moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return moment.astimezone(UTC)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _forget_connections(self) -> None:
        self._engine.dispose(close=False)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise self._problem(error) from error

    def _problem(self, error: Exception) -> DatabaseProblem:
        original: Any = getattr(error, "orig", None) or error
        if isinstance(original, sqlite3.Error):
            return self._sqlite_problem(original)
        state = getattr(original, "sqlstate", None)
        if state in {"55P03", "57014", "40P01"}:  # lock not to be had, cancelled, deadlock
            return DatabaseBusy(self.display, deadlock=state == "40P01")
        why = str(original).strip().splitlines()[0] if str(original).strip() else "no reason given"
        return DatabaseUnusable(
            self.display, why, "check that the server runs and that this user may use the database"
        )

    def _sqlite_problem(self, error: sqlite3.Error) -> DatabaseProblem:
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return DatabaseBusy(self.display)
        advice = {
            sqlite3.SQLITE_NOTADB: "it is not a SQLite file: give another with --database",
            sqlite3.SQLITE_CORRUPT: "it is damaged: put a backup in its place",
            sqlite3.SQLITE_READONLY: "make the file and its directory writable",
            sqlite3.SQLITE_CANTOPEN: "make the file and its directory readable and writable",
            sqlite3.SQLITE_FULL: "the disk is full: make room",
        }.get(primary)
        return DatabaseUnusable(self.display, str(error), advice)


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
