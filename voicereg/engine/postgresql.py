"""PostgreSQL: connections, time-outs, and what its errors mean.

Everything here works through PgBouncer in transaction mode too, where each transaction may meet
another connection of the server: nothing is set for longer than a transaction, nothing is sent
with the start of a connection that PgBouncer would refuse, and no statement is prepared.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from voicereg.domain.errors import DatabaseUnusable
from voicereg.engine.kinds import URLS, Mode
from voicereg.settings import PostgresqlSettings

_MIGRATION_LOCK = 0x766F6963
"""Any number that nothing else on the server locks."""
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
"""The codes with which a server ends a connection; those that begin with 08 do so, too."""
_FULL = ("too many", "connection slots are reserved", "no more connections allowed")
_PASSING = (
    *_FULL,
    "the database system is",  # starting up, shutting down, in recovery mode
    "terminating connection",
    "server login has been failing",  # this and the others are PgBouncer's
    "server conn crashed",
    "pgbouncer cannot connect",
    "query_wait_timeout",
)
"""A server that is coming or full. While one connects, there is no code to go by; a server that
speaks another language than English is waited for only where it could be reached before."""
_ALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A host that went away without a word is noticed within a minute, and not in a quarter of an
hour. A statement that takes long is not disturbed: its host answers for it."""
_ADVICE = {
    "25006": "the server is a standby, or set to read only: name the primary in the database URL",
    "42501": "let the owner of the tables run voicereg db upgrade; for anything else voicereg "
    "doctor says which rights this user lacks",
    "42P01": "somebody has changed the tables by hand: voicereg db check says what is wrong; put "
    "a backup in their place",
    "42703": "somebody has changed the tables by hand: voicereg db check says what is wrong; put "
    "a backup in their place",
    "53100": "the disk of the server is full: make room there, and try again",
    "53300": "the server has no connection left: raise its max_connections, lower pool_size and "
    "pool_overflow under [postgresql], or put PgBouncer before it",
    "57014": "try again when the server is less busy, or raise statement_timeout under "
    "[postgresql]",
    "58030": "see whether the disk of the server is full or broken, and try again",
    "XX001": "what the server keeps is damaged: put a backup in its place",
    "XX002": "an index of the server is damaged: REINDEX DATABASE makes it anew",
}
"""What to do, by SQLSTATE."""
_REACH = "check that the server runs and that this user may use the database"


class Postgresql:
    """How transactions begin on a server, and what its errors mean."""

    def __init__(self, settings: PostgresqlSettings) -> None:
        lock, statement = settings.lock_timeout, settings.statement_timeout
        unlimited = timedelta(0)
        self._set = {
            Mode.READ: _setting(lock_timeout=lock, statement_timeout=statement),
            # Whoever copies a registry takes as long as that takes.
            Mode.SNAPSHOT: _setting(lock_timeout=lock, statement_timeout=unlimited),
            Mode.WRITE: _setting(
                lock_timeout=lock,
                statement_timeout=statement,
                # A host that was cut off would hold its locks, and the quota, for hours.
                idle_in_transaction_session_timeout=statement,
            ),
            # The one before it takes its time, too.
            Mode.MIGRATE: _setting(lock_timeout=unlimited, statement_timeout=unlimited),
        }
        # While it waits for a table, everybody else waits behind it.
        self._migrating = _setting(lock_timeout=lock)
        self._pool_timeout = settings.pool_timeout

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin a transaction. Setting its time-outs shows whether the connection still works."""
        if mode is Mode.SNAPSHOT:
            connection.execution_options(isolation_level="REPEATABLE READ")
        connection.begin()
        connection.exec_driver_sql(self._set[mode]).close()
        if mode is Mode.MIGRATE:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})").close()
            connection.exec_driver_sql(self._migrating).close()

    def check(self, connection: sa.Connection, mode: Mode) -> str | None:
        """Why the transaction must not be committed; None: the server sees to it itself."""
        return None

    def is_lost(self, error: Exception) -> bool:
        """Whether the connection is gone, and with it what was not committed."""
        return bool(getattr(error, "connection_invalidated", False))

    def may_pass(self, error: Exception, *, known: bool) -> bool:
        """Whether what keeps a transaction from beginning is likely to pass in some seconds."""
        if isinstance(error, sa.exc.TimeoutError):
            return False  # that was the wait for a connection
        if any(hint in str(error) for hint in _PASSING) or _state(error) == "53300":
            return True
        if not known:
            return False  # more likely a wrong address than a bad moment
        return self.is_lost(error) or (_state(error) is None and "FATAL" not in str(error))

    def is_busy(self, error: Exception) -> bool:
        """Whether others held for too long what was needed."""
        return _state(error) in {"55P03", "40P01"}

    def is_deadlock(self, error: Exception) -> bool:
        """Whether two transactions waited for each other."""
        return _state(error) == "40P01"

    def told(self, error: Exception) -> tuple[str, str | None]:
        """What is wrong, and what to do about it."""
        if isinstance(error, sa.exc.TimeoutError):
            return (
                f"no connection became free within {self._pool_timeout.total_seconds():.0f} s",
                "raise pool_size or pool_overflow under [postgresql], or use fewer threads",
            )
        said = str(getattr(error, "orig", None) or error).strip()
        why = said.splitlines()[0] if said else "no reason given"
        advice = _ADVICE.get(_state(error) or "")
        if advice is None and any(hint in said for hint in _FULL):
            advice = _ADVICE["53300"]
        if advice is None and ("SSL" in said or "certificate" in said):
            advice = "see sslmode, sslrootcert and the host in the database URL"
        return why, advice or _REACH


def _state(error: Exception) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def _setting(**limits: timedelta) -> str:
    """Sets time-outs for one transaction, in one statement."""
    calls = (
        f"set_config('{name}', '{int(limit.total_seconds() * 1000)}', true)"
        for name, limit in limits.items()
    )
    return "SELECT " + ", ".join(calls)


def open_engine(url: URL, settings: PostgresqlSettings) -> tuple[sa.Engine, str]:
    """An engine for a server, and how messages show its URL.

    Raises:
        DatabaseUnusable: the URL cannot be one, or the driver is not installed.
    """
    if "@" in (url.host or ""):
        # The password was cut at its first @, and the rest of it would be shown as the host.
        raise DatabaseUnusable("given", "it holds more than one @", "write one in a password %40")
    display = url.set(
        query={name: "***" if "password" in name else url.query[name] for name in url.query}
    ).render_as_string(hide_password=True)
    connecting: dict[str, Any] = {
        "connect_timeout": int(settings.connect_timeout.total_seconds()),
        "fallback_application_name": "voicereg",
        **_ALIVE,
    }
    try:
        engine = sa.create_engine(
            url,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_overflow,
            pool_timeout=settings.pool_timeout.total_seconds(),
            # Whatever the server's own is: what is counted under a lock must be what is there
            # once the lock is had, not what was there when the transaction began.
            isolation_level="READ COMMITTED",
            connect_args={
                # Prepared statements belong to a connection of the server. PgBouncer carries them
                # along from 1.21 on only, and only where it is told to.
                "prepare_threshold": None,
                **{name: value for name, value in connecting.items() if name not in url.query},
            },
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnusable(
            display,
            f"the driver {error.name} is not installed",
            "install it with: pip install 'voicereg[postgres]'",
        ) from None
    except sa.exc.NoSuchModuleError:
        raise DatabaseUnusable(display, f"there is no {url.drivername}", URLS) from None

    @sa.event.listens_for(engine, "handle_error")
    def notice(context: sa.engine.ExceptionContext) -> None:
        # The driver may not have seen yet that the line is closed. All other connections are as
        # dead as this one, and SQLAlchemy opens them anew.
        state = getattr(context.original_exception, "sqlstate", None) or ""
        if state in _LOST or state.startswith("08"):
            context.is_disconnect = True

    return engine, display
