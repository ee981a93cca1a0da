"""Worlds on databases of both kinds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.agreement.world import World
from tests.databases import PostgresServer, SqliteTemplate
from tests.registry.rows import begun
from voicereg.tables import accounts, metadata, quota_groups, quota_limits

_MADE_WITH_THE_DATABASE = {quota_groups, quota_limits, accounts}

MakeWorld = Callable[..., World]
NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def agreement_postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create(migrated=True)
    yield url
    server.drop(url)


def emptied(url: str) -> str:
    """A PostgreSQL database as it was when it was new, as far as these tests change it."""
    with begun(url) as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
        for table in reversed(metadata.sorted_tables):
            if table not in _MADE_WITH_THE_DATABASE:
                connection.execute(sa.delete(table))
        connection.execute(
            sa.update(quota_limits).values(slots=1000, unseen=0, refused_at=None, surplus=0)
        )
    return url


@pytest.fixture
def new_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: SqliteTemplate
) -> NewUrl:
    """A new database whenever it is asked for; only the last one is of use."""
    if backend == "sqlite":
        numbers = itertools.count()
        return lambda: sqlite_template.copy_to(tmp_path / f"{next(numbers)}.db")
    url: str = request.getfixturevalue("agreement_postgresql_url")
    return lambda: emptied(url)


@pytest.fixture
def make_world(new_url: NewUrl) -> Iterator[MakeWorld]:
    with ExitStack() as made:

        def make(**options: Any) -> World:
            world = World(new_url(), **options)
            made.callback(world.close)
            return world

        yield make
