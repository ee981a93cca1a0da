"""A database that goes away under load, and comes back."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import OpenRegistry
from tests.databases import PostgresServer
from tests.engine.waiting import LONG
from tests.registry.rows import insert_voice
from tests.uses.support import total
from voicereg import DatabaseProblem, Registry
from voicereg.engine import sqlite


@contextmanager
def _away(url: str, request: pytest.FixtureRequest) -> Iterator[None]:
    name = make_url(url).database
    if url.startswith("sqlite"):
        holder = sqlite3.connect(Path(str(name)), isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    with psycopg.connect(server.uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    yield
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_nothing_is_lost_and_nobody_waits(
    open_registry: OpenRegistry,
    database_url: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", timedelta(milliseconds=200))
    _lose_nothing(open_registry(), database_url, request, absences=2, lasting=timedelta(0))


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_nothing_is_lost_in_a_minute(
    open_registry: OpenRegistry, database_url: str, request: pytest.FixtureRequest
) -> None:
    _lose_nothing(open_registry(), database_url, request, absences=1, lasting=timedelta(minutes=1))


def _lose_nothing(
    registry: Registry,
    database_url: str,
    request: pytest.FixtureRequest,
    *,
    absences: int,
    lasting: timedelta,
) -> None:
    """Record from two threads while the database goes away, and look what was counted."""
    voice = insert_voice(database_url)
    registry.record_use(voice)
    registry.flush()
    done = threading.Event()

    def work(_: int) -> int:
        recorded = 0
        while not done.is_set() or recorded < 1000:
            registry.record_use(voice)
            recorded += 1
        return recorded

    with ThreadPoolExecutor(2) as threads:
        working = [threads.submit(work, number) for number in range(2)]
        for _ in range(absences):
            with _away(database_url, request):
                end = time.monotonic() + lasting.total_seconds()
                tries = 0
                while tries < 3 or time.monotonic() < end:
                    tries += 1
                    with pytest.raises(DatabaseProblem):
                        registry.flush()
            registry.flush()
        done.set()
        recorded = sum(future.result(LONG) for future in working)
    registry.flush()

    assert total(database_url, voice) == 1 + recorded
