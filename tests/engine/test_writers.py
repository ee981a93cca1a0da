"""Writers wait for one another, and readers for nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.engine.waiting import LONG, Asked
from voicereg import DatabaseBusy
from voicereg.engine import Database, sqlite
from voicereg.settings import PostgresqlSettings
from voicereg.tables import quota_limits

_COSYVOICE = quota_limits.c.family == "cosyvoice"


@pytest.fixture
def two(database_url: str) -> Iterator[tuple[Database, Database]]:
    """The same database, twice: as two programs have it."""
    first, second = Database.open(database_url), Database.open(database_url)
    yield first, second
    first.close()
    second.close()


def _locked(connection: sa.Connection) -> int:
    """The limit, locked as a create does."""
    return int(
        connection.execute(
            sa.select(quota_limits.c.slots).where(_COSYVOICE).with_for_update()
        ).scalar_one()
    )


def _set(connection: sa.Connection, slots: int) -> None:
    connection.execute(sa.update(quota_limits).where(_COSYVOICE).values(slots=slots))


def _seen(database: Database) -> int:
    with database.read() as connection:
        return int(
            connection.execute(sa.select(quota_limits.c.slots).where(_COSYVOICE)).scalar_one()
        )


def test_a_writer_waits_for_another_and_sees_what_it_wrote(
    two: tuple[Database, Database], backend: str
) -> None:
    first, second = two
    got: list[int] = []
    done = threading.Event()

    def write() -> None:
        with second.write() as connection:
            got.append(_locked(connection))
            _set(connection, 7)
        done.set()

    # SQLite takes the lock at BEGIN, before anything is read; PostgreSQL at the row.
    lock = "BEGIN IMMEDIATE" if backend == "sqlite" else "FOR UPDATE"
    thread = threading.Thread(target=write, name="second")
    with Asked("second", lock) as asked:
        with first.write() as connection:
            _locked(connection)
            _set(connection, 5)
            thread.start()
            asked.wait()
            assert not done.wait(0.2), "the second did not wait"
            assert got == []
        thread.join(LONG)

    assert got == [5]
    assert _seen(first) == 7


def test_a_reader_sees_the_state_before_an_open_write(two: tuple[Database, Database]) -> None:
    first, second = two
    with first.write() as connection:
        _set(connection, 5)
        assert _seen(second) == 1000
        assert _seen(first) == 1000

    assert _seen(second) == 5


def test_a_reader_keeps_no_writer_waiting(two: tuple[Database, Database]) -> None:
    first, second = two
    with first.read() as reading:
        reading.execute(sa.select(quota_limits)).all()
        with second.write() as connection:
            _set(connection, 5)

    assert _seen(first) == 5


def test_an_error_inside_undoes_the_write(two: tuple[Database, Database]) -> None:
    first, second = two

    def write_and_fail() -> None:
        with first.write() as connection:
            _set(connection, 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert _seen(second) == 1000
    with second.write() as connection:
        _set(connection, 6)
    assert _seen(first) == 6


def test_many_that_read_and_then_write_lose_nothing(database_url: str) -> None:
    databases = [Database.open(database_url) for _ in range(4)]
    together = threading.Barrier(len(databases))

    def count_up(database: Database) -> None:
        together.wait(LONG)
        for _ in range(50):
            with database.write() as connection:
                _set(connection, _locked(connection) + 1)

    with ThreadPoolExecutor(len(databases)) as pool:
        for future in [pool.submit(count_up, database) for database in databases]:
            future.result(LONG * 2)

    assert _seen(databases[0]) == 1000 + 4 * 50
    for database in databases:
        database.close()


def test_one_database_serves_many_threads(database_url: str) -> None:
    database = Database.open(database_url)
    together = threading.Barrier(8)

    def count_up(_: int) -> None:
        together.wait(LONG)
        for _ in range(10):
            with database.write() as connection:
                _set(connection, _locked(connection) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(8)))

    assert _seen(database) == 1000 + 80
    database.close()


def test_a_lock_that_is_held_for_too_long_is_reported(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", timedelta(seconds=1))
    brief = PostgresqlSettings(lock_timeout=timedelta(seconds=1))
    first, second = Database.open(database_url), Database.open(database_url, settings=brief)
    with first.write() as holding:
        _set(holding, 5)

        with pytest.raises(DatabaseBusy) as caught, second.write() as connection:
            _set(connection, _locked(connection) + 1)

    assert caught.value.database == second.display
    assert "held by another program; this was not written" in str(caught.value)
    assert caught.value.advice == "try again when the other program has finished"
    with second.write() as connection:
        _set(connection, _locked(connection) + 1)
    assert _seen(first) == 6
    first.close()
    second.close()
