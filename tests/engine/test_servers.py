"""PostgreSQL: time-outs, the pool, and connections that break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.databases import PostgresServer
from tests.engine.waiting import LONG, until
from voicereg import DatabaseBusy, DatabaseLost, DatabaseUnusable
from voicereg.engine import Database
from voicereg.settings import PostgresqlSettings
from voicereg.tables import quota_limits

SECOND = timedelta(seconds=1)
BRIEF = timedelta(milliseconds=200)


@pytest.fixture
def url(postgresql: PostgresServer) -> Iterator[str]:
    made = postgresql.create(migrated=True)
    yield made
    postgresql.drop(made)


class Sleeper:
    """Notes for how long it was to sleep, and wakes at once."""

    def __init__(self) -> None:
        self.slept: list[timedelta] = []

    def __call__(self, duration: timedelta) -> None:
        self.slept.append(duration)


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def database(url: str, sleeper: Sleeper, opened: ExitStack) -> Database:
    made = Database.open(url, sleep=sleeper)
    opened.callback(made.close)
    return made


def _backend(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _terminate(postgresql: PostgresServer, pid: int) -> None:
    """End a connection at the server, and wait until it is gone."""
    with psycopg.connect(postgresql.uri, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def _slots(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.execute(sa.select(quota_limits.c.slots)).scalars())


def _set(connection: sa.Connection, slots: int) -> None:
    connection.execute(sa.update(quota_limits).values(slots=slots))


def test_a_connection_that_broke_while_nobody_used_it(
    database: Database, postgresql: PostgresServer, sleeper: Sleeper
) -> None:
    for mode in (database.read, database.write, database.snapshot, database.migrating):
        with database.read() as connection:
            pid = _backend(connection)
        _terminate(postgresql, pid)
        with mode() as connection:
            assert _backend(connection) != pid
    assert sleeper.slept == []


def test_one_that_breaks_in_the_middle(database: Database, postgresql: PostgresServer) -> None:
    def write() -> None:
        with database.write() as connection:
            _set(connection, 5)
            _terminate(postgresql, _backend(connection))
            _set(connection, 6)

    with pytest.raises(DatabaseLost) as caught:
        write()

    assert caught.value.is_known
    assert "this was not written" in str(caught.value)
    assert caught.value.advice == "try again"
    assert _slots(database) == {1000}


def test_one_that_breaks_at_the_end(database: Database, postgresql: PostgresServer) -> None:
    def write() -> None:
        with database.write() as connection:
            _set(connection, 5)
            _terminate(postgresql, _backend(connection))

    with pytest.raises(DatabaseLost) as caught:
        write()

    assert not caught.value.is_known
    assert "whether this was written is not known" in str(caught.value)
    assert _slots(database) == {1000}


def test_what_was_read_is_read(database: Database, postgresql: PostgresServer) -> None:
    with database.read() as connection:
        found = connection.execute(sa.select(quota_limits.c.slots)).scalars().all()
        _terminate(postgresql, _backend(connection))

    assert set(found) == {1000}


def test_an_error_of_the_body_is_not_hidden(database: Database, postgresql: PostgresServer) -> None:
    def write() -> None:
        with database.write() as connection:
            _terminate(postgresql, _backend(connection))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert _slots(database) == {1000}


def _let_in(postgresql: PostgresServer, url: str, *, anybody: bool) -> None:
    """A role that is not a superuser's feels the limit of a database."""
    most = -1 if anybody else 0
    postgresql.execute(f"ALTER DATABASE {make_url(url).database} CONNECTION LIMIT {most}")


def test_a_server_that_was_there_is_waited_for(
    postgresql: PostgresServer, url: str, opened: ExitStack
) -> None:
    """It lets nobody in; while one waits, it does again."""
    name = f"plain_{make_url(url).database}"
    postgresql.execute(f"CREATE ROLE {name} LOGIN")
    opened.callback(postgresql.execute, f"DROP ROLE {name}")
    slept: list[timedelta] = []

    def sleep(duration: timedelta) -> None:
        slept.append(duration)
        if len(slept) == 3:
            _let_in(postgresql, url, anybody=True)

    plain = make_url(url).set(username=name).render_as_string(hide_password=False)
    database = Database.open(plain, sleep=sleep)
    opened.callback(database.close)
    _let_in(postgresql, url, anybody=False)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    assert slept == [timedelta(milliseconds=ms) for ms in (50, 100, 200)]

    database.close()
    _let_in(postgresql, url, anybody=False)
    slept[:] = [timedelta(0)] * 3
    refused = pytest.raises(DatabaseUnusable, match="too many connections")
    with refused as caught, database.read():
        pass
    assert "max_connections" in (caught.value.advice or "")
    assert sum(slept, timedelta(0)) >= PostgresqlSettings().restart_wait
    slept.clear()
    with pytest.raises(DatabaseUnusable), database.read(patient=False):
        pass
    assert slept == []
    _let_in(postgresql, url, anybody=True)
    with database.read():
        pass


def _nobody(sleeper: Sleeper, **settings: Any) -> Database:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    limits = PostgresqlSettings(**settings)
    return Database.open(
        f"postgresql://user@127.0.0.1:{port}/voicereg", sleep=sleeper, settings=limits
    )


def test_one_that_was_never_there_is_not_waited_for(sleeper: Sleeper) -> None:
    database = _nobody(sleeper)
    with pytest.raises(DatabaseUnusable, match="refused"), database.read():
        pass
    assert sleeper.slept == []


def test_a_host_that_does_not_answer() -> None:
    """It takes the connection, and says nothing. What the URL says goes before the settings."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as threads:
        url = f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/voicereg"

        def ask(url: str, timeout: timedelta) -> str:
            database = Database.open(url, settings=PostgresqlSettings(connect_timeout=timeout))
            with pytest.raises(DatabaseUnusable) as caught, database.read():
                pass
            return str(caught.value)

        asked = [
            threads.submit(ask, url, 2 * SECOND),
            threads.submit(ask, f"{url}?connect_timeout=2", timedelta(hours=1)),
        ]
        for one in asked:
            assert "timeout" in one.result(LONG)


def _limits(connection: sa.Connection) -> tuple[str, ...]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return tuple(str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names)


def test_the_limits_of_each_kind_of_transaction(url: str, opened: ExitStack) -> None:
    settings = PostgresqlSettings(statement_timeout=7 * SECOND, lock_timeout=3 * SECOND)
    database = Database.open(url, settings=settings)
    opened.callback(database.close)
    for mode, limits in (
        (database.read, ("7s", "3s", "0")),
        (database.write, ("7s", "3s", "7s")),
        (database.snapshot, ("0", "3s", "0")),
        (database.migrating, ("0", "3s", "0")),
    ):
        with mode() as connection:
            assert _limits(connection) == limits


def test_a_statement_that_takes_too_long(url: str, opened: ExitStack) -> None:
    database = Database.open(url, settings=PostgresqlSettings(statement_timeout=BRIEF))
    opened.callback(database.close)

    def dawdle() -> None:
        with database.write() as connection:
            _set(connection, 5)
            connection.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(DatabaseUnusable, match="statement timeout") as caught:
        dawdle()

    assert "statement_timeout" in (caught.value.advice or "")
    assert _slots(database) == {1000}
    with database.migrating() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.3)")


def test_a_host_that_is_cut_off_in_a_write_holds_nothing_for_long(
    url: str, opened: ExitStack
) -> None:
    settings = PostgresqlSettings(statement_timeout=BRIEF)
    cut_off, other = Database.open(url, settings=settings), Database.open(url)
    for one in (cut_off, other):
        opened.callback(one.close)
    free = threading.Event()

    def hang() -> None:
        with cut_off.write() as connection:
            _set(connection, 5)
            free.wait(LONG)
            _set(connection, 6)

    def write() -> None:
        with other.write() as connection:
            _set(connection, 7)
        free.set()

    writing = threading.Thread(target=write)

    def start() -> None:
        until(lambda: bool(_locks(other)))
        writing.start()

    starting = threading.Thread(target=start)
    starting.start()
    with pytest.raises(DatabaseLost):
        hang()
    starting.join(LONG)
    writing.join(LONG)

    assert _slots(other) == {7}


def _locks(database: Database) -> int:
    with database.read() as connection:
        held = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
            " WHERE c.relname = 'quota_limits' AND l.mode = 'RowExclusiveLock' AND l.granted"
        )
        return int(held.scalar_one())


def test_an_upgrade_keeps_nobody_waiting_for_long(url: str, opened: ExitStack) -> None:
    """While it waits for a table that somebody reads for hours, all others would wait behind it."""
    database = Database.open(url, settings=PostgresqlSettings(lock_timeout=BRIEF))
    opened.callback(database.close)
    with database.snapshot() as reading:
        reading.execute(sa.select(quota_limits)).all()
        with pytest.raises(DatabaseBusy), database.migrating() as connection:
            connection.exec_driver_sql("ALTER TABLE quota_limits ADD COLUMN colour text")
    with database.migrating() as connection:
        connection.exec_driver_sql("ALTER TABLE quota_limits ADD COLUMN colour text")


def test_more_threads_than_connections(url: str, opened: ExitStack) -> None:
    settings = PostgresqlSettings(pool_size=1, pool_overflow=1, pool_timeout=BRIEF)
    database = Database.open(url, settings=settings)
    opened.callback(database.close)
    with database.read(), database.read():
        with pytest.raises(DatabaseUnusable, match="no connection became free") as caught:
            opened.enter_context(database.read())
        assert "pool_size" in (caught.value.advice or "")
    with database.read():
        pass


def test_nothing_is_prepared(database: Database) -> None:
    """PgBouncer before 1.21 gives the next transaction to a connection that knows none of it."""
    with database.read() as connection:
        for number in range(20):
            connection.execute(sa.text("SELECT :n + 1"), {"n": number})
        assert connection.exec_driver_sql("SELECT * FROM pg_prepared_statements").all() == []
