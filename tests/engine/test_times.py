"""Times: aware, in UTC, and by the right clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa

from tests.fakes import START, FakeClock
from tests.schema.rows import voice_row
from voicereg.domain.clock import SystemClock
from voicereg.engine import Database
from voicereg.tables import UtcDateTime, voices

AHEAD = timezone(timedelta(hours=2))


@pytest.fixture
def database(database_url: str, backend: str) -> Iterator[Database]:
    """A server elsewhere in the world must make no difference."""
    if backend == "postgresql":
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} SET timezone TO 'Asia/Shanghai'".encode())
    opened = Database.open(database_url)
    yield opened
    opened.close()


def _kept(database: Database, moment: datetime) -> datetime:
    with database.write() as connection:
        connection.execute(sa.insert(voices).values(**voice_row(last_used_at=moment)))
    with database.read() as connection:
        kept: datetime = connection.execute(sa.select(voices.c.last_used_at)).scalar_one()
        found = connection.execute(
            sa.select(voices.c.id).where(voices.c.last_used_at == moment)
        ).all()
    assert len(found) == 1, "it is found by the same instant"
    return kept


@pytest.mark.parametrize(
    "moment",
    [
        START,
        datetime(2026, 11, 23, 12, 0, tzinfo=AHEAD),
        datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=ZoneInfo("Asia/Shanghai")),
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=0),
        datetime(1970, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_as_the_same_instant_in_utc(database: Database, moment: datetime) -> None:
    kept = _kept(database, moment)

    assert kept - moment.astimezone(UTC) == timedelta(0)
    assert kept.tzinfo is UTC


def test_no_time_stays_none(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(voices).values(**voice_row()))
        assert connection.execute(sa.select(voices.c.last_used_at)).scalar_one() is None


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - what the test is about
    with (
        pytest.raises(sa.exc.StatementError, match="a time without a zone is not stored"),
        database.write() as connection,
    ):
        connection.execute(sa.insert(voices).values(**voice_row(last_used_at=naive)))

    with database.read() as connection:
        assert connection.execute(sa.select(voices.c.id)).all() == []


def test_times_are_ordered_by_instant(database: Database) -> None:
    earlier = datetime(2026, 11, 23, 12, 0, tzinfo=AHEAD)
    later = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
    with database.write() as connection:
        for moment, name in ((later, "later"), (earlier, "earlier")):
            connection.execute(
                sa.insert(voices).values(**voice_row(id=name, voice_id=name, last_used_at=moment))
            )
        ordered = connection.execute(sa.select(voices.c.id).order_by(voices.c.last_used_at))
        assert ordered.scalars().all() == ["earlier", "later"]


def test_a_time_is_never_written_into_a_statement(database: Database) -> None:
    literal = sa.literal(START, UtcDateTime())
    with database.read() as connection, pytest.raises((NotImplementedError, sa.exc.CompileError)):
        sa.select(literal).compile(connection, compile_kwargs={"literal_binds": True})


def test_a_clock_that_was_passed_in_is_the_one_asked(database_url: str, clock: FakeClock) -> None:
    database = Database.open(database_url, clock=clock)
    clock.advance(timedelta(days=1))

    with database.read() as connection:
        assert database.now(connection) == START + timedelta(days=1)
    database.close()


@pytest.mark.parametrize("given", [SystemClock(), None])
def test_the_servers_clock_is_asked_where_there_is_one(
    database: Database,
    database_url: str,
    given: SystemClock | None,
    backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine's clock is made to be wrong: only SQLite may go by it."""
    wrong = datetime(2001, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(SystemClock, "now", lambda clock: wrong)
    opened = Database.open(database_url, clock=given)

    with opened.read() as connection:
        told = opened.now(connection)
        if backend == "sqlite":
            assert told == wrong
        else:
            asked = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            assert timedelta(0) <= asked - told < timedelta(minutes=1)
            assert told != wrong
    assert told.utcoffset() == timedelta(0)
    opened.close()


def test_the_servers_clock_goes_on_within_a_transaction(database_url: str, backend: str) -> None:
    """The time that a transaction began is too early for one that has waited for a lock."""
    database = Database.open(database_url)
    with database.read() as connection:
        first = database.now(connection)
        if backend == "postgresql":
            connection.exec_driver_sql("SELECT pg_sleep(0.01)")
            assert database.now(connection) > first
        else:
            assert database.now(connection) >= first
    database.close()
