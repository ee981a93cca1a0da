"""Worlds on databases of both kinds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.agreement.world import World
from tests.databases import PostgresServer, SqliteTemplate

MakeWorld = Callable[..., World]
NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def agreement_postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.lending.lend()
    yield url
    server.lending.take_back(url)


@pytest.fixture
def new_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: SqliteTemplate
) -> NewUrl:
    """A new database whenever it is asked for; only the last one is of use."""
    if backend == "sqlite":
        numbers = itertools.count()
        return lambda: sqlite_template.copy_to(tmp_path / f"{next(numbers)}.db")
    url: str = request.getfixturevalue("agreement_postgresql_url")
    server: PostgresServer = request.getfixturevalue("postgresql")

    def emptied() -> str:
        server.lending.empty(url)
        return url

    return emptied


@pytest.fixture
def make_world(new_url: NewUrl) -> Iterator[MakeWorld]:
    with ExitStack() as made:

        def make(**options: Any) -> World:
            world = World(new_url(), **options)
            made.callback(world.close)
            return world

        yield make
