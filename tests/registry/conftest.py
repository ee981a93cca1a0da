"""One PostgreSQL database for all of these tests, emptied after each: they are many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.databases import PostgresServer, SqliteTemplate
from tests.registry.rows import begun
from voicereg.tables import accounts, metadata, quota_groups, quota_limits

_MADE_WITH_THE_DATABASE = (quota_groups, quota_limits, accounts)


@pytest.fixture(scope="session")
def shared_postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create(migrated=True)
    yield url
    server.drop(url)


@pytest.fixture
def database_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: SqliteTemplate
) -> Iterator[str]:
    """A database as it is when it is new, of each kind in turn."""
    if backend == "sqlite":
        yield sqlite_template.copy_to(tmp_path / "voicereg.db")
        return
    url: str = request.getfixturevalue("shared_postgresql_url")
    with begun(url) as connection:
        at_first = {
            table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in _MADE_WITH_THE_DATABASE
        }
    yield url
    with begun(url) as connection:
        # A test that left a transaction open fails here, rather than hanging the next one.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        for table, rows in at_first.items():
            connection.execute(sa.insert(table), rows)
