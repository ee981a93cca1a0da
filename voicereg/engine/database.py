"""A database, and the only way to a connection, whatever its kind."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.domain.errors import DatabaseBusy, DatabaseLost, DatabaseProblem, DatabaseUnusable
from voicereg.engine import postgresql, sqlite
from voicereg.engine.kinds import URLS, Kind, Mode
from voicereg.settings import PostgresqlSettings

_FIRST_PAUSE = timedelta(milliseconds=50)
_LONGEST_PAUSE = timedelta(seconds=1)
_logger = logging.getLogger(__name__)
_FAILURES = (sa.exc.DBAPIError, sa.exc.TimeoutError)


class Database:
    """One database, and the only way to a connection.

    Safe to use from several threads, and after a fork. A server that is being restarted is waited
    for wherever a transaction begins. A connection that breaks in the middle of one raises
    :class:`~voicereg.DatabaseLost`: what was to be done in it is not known here, and only who
    knows may do it again.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        clock: Clock,
        display: str,
        path: Path | None = None,
        kind: Kind | None = None,
        sleep: Sleep = system_sleep,
        restart_wait: timedelta = timedelta(0),
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._kind = kind or sqlite.Sqlite()
        self._sleep = sleep
        self._restart_wait = restart_wait
        self._was_usable = False
        self.display = display
        """The database as messages show it, without a password."""
        self.path = path
        """The file of a SQLite database."""
        if hasattr(os, "register_at_fork"):
            forget = weakref.WeakMethod(self._forget_connections)
            os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        sleep: Sleep = system_sleep,
        settings: PostgresqlSettings | None = None,
    ) -> Database:
        """Prepare to use the database at ``url``. A SQLite file that is not there is made.

        Args:
            url: ``sqlite:///PATH`` or ``postgresql://…``.
            clock: tells the time, where the database has no clock of its own.
            sleep: waits for other programs while a new SQLite file is set up, and for a server
                that is being restarted.
            settings: connections and time-outs of PostgreSQL; None: the defaults.

        Raises:
            DatabaseUnusable: the URL or the file cannot be used.
        """
        clock = clock or SystemClock()
        try:
            parsed = make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # a ValueError is about the port, and repeats it
            raise DatabaseUnusable("given", "it is not a URL", URLS) from None
        if parsed.get_backend_name() == "sqlite":
            engine, path = sqlite.open_engine(parsed, clock, sleep)
            return cls(engine, clock=clock, display=str(path), path=path)
        if parsed.get_backend_name() == "postgresql":
            settings = settings or PostgresqlSettings()
            engine, display = postgresql.open_engine(parsed, settings)
            return cls(
                engine,
                clock=clock,
                display=display,
                kind=postgresql.Postgresql(settings),
                sleep=sleep,
                restart_wait=settings.restart_wait,
            )
        raise DatabaseUnusable("given", "it is neither SQLite nor PostgreSQL", URLS)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self, *, patient: bool = True) -> Iterator[sa.Connection]:
        """A transaction that only reads.

        Args:
            patient: whether a server that is being restarted is waited for.
        """
        with self._transaction(Mode.READ, patient=patient) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and sees one moment, however long it takes."""
        with self._transaction(Mode.SNAPSHOT) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes, and is committed at the end."""
        with self._transaction(Mode.WRITE) as connection:
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A transaction that may change the schema; a second one waits until it has ended."""
        with self._transaction(Mode.MIGRATE) as connection:
            yield connection

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
    def _transaction(self, mode: Mode, *, patient: bool = True) -> Iterator[sa.Connection]:
        connection = self._begun(mode, patient=patient)
        committing = False
        try:
            yield connection
            if why_not := self._kind.check(connection, mode):
                raise DatabaseUnusable(self.display, why_not)
            committing = True
            connection.commit()
        except _FAILURES as error:
            if not self._kind.is_lost(error):
                raise self._problem(error) from error
            connection.invalidate()
            if mode.writes or not committing:  # else everything is read already
                raise DatabaseLost(
                    self.display, self._kind.told(error)[0], is_known=not committing
                ) from error
        finally:
            _let_go(connection)

    def _begun(self, mode: Mode, *, patient: bool) -> sa.Connection:
        """A connection on which a transaction has begun."""
        left = self._restart_wait if patient else timedelta(0)
        give_up_at = self._clock.monotonic() + left
        pause = _FIRST_PAUSE
        is_first = True
        while True:
            try:
                connection = self._engine.connect()
                try:
                    self._kind.begin(connection, mode)
                except BaseException:
                    _let_go(connection)
                    raise
            except _FAILURES as error:
                if is_first and self._kind.is_lost(error):
                    is_first = False  # it broke while nobody used it
                    continue
                passes = self._kind.may_pass(error, known=self._was_usable)
                over = left <= timedelta(0) or self._clock.monotonic() >= give_up_at
                if not passes or over:
                    if passes and patient:
                        self._was_usable = False  # no need for others to wait as well
                    raise self._problem(error) from error
                _logger.info("%s; it is waited for", self._problem(error))
                self._sleep(pause)
                left -= pause
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._was_usable = True
                return connection

    def _problem(self, error: Exception) -> DatabaseProblem:
        if self._kind.is_busy(error):
            return DatabaseBusy(self.display, deadlock=self._kind.is_deadlock(error))
        why, advice = self._kind.told(error)
        return DatabaseUnusable(self.display, why, advice)


def _let_go(connection: sa.Connection) -> None:
    """Undo what was not committed, and give the connection back; a broken one is thrown away."""
    try:
        connection.rollback()
    except sa.exc.DBAPIError:
        connection.invalidate()
    connection.close()
