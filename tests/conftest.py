"""Fixtures for all tests: databases of both kinds, a sandbox, a clock, a registry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import quicker, scratch
from tests.databases import (
    Fill,
    PostgresServer,
    SqliteTemplate,
    migrated_database,
    postgres_server,
)
from tests.fakes import FakeClock
from tests.schema import frozen
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox

scratch.choose()
quicker.share_compiled_statements()
quicker.share_certificates()
quicker.keep_compiled_modules()

_SERVER_OF_THE_RUN = ExitStack()
_URI = "postgresql_uri"

OpenRegistry = Callable[..., Registry]


def pytest_collection_finish() -> None:
    quicker.look_for_garbage_less_often()


def pytest_configure_node(node: Any) -> None:
    """Give every worker the one PostgreSQL server of the run."""
    config = node.config
    if not hasattr(config, "_postgres_server"):
        config._postgres_server = _SERVER_OF_THE_RUN.enter_context(postgres_server())
    node.workerinput[_URI] = config._postgres_server.uri


def pytest_unconfigure(config: pytest.Config) -> None:
    _SERVER_OF_THE_RUN.close()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings, the keys or the registry of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("VOICEREG_", "DASHSCOPE_", "PG")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The PostgreSQL server of the run."""
    given = getattr(request.config, "workerinput", {}).get(_URI)
    if given is not None:
        with closing(PostgresServer(given)) as server:
            yield server
        return
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database: every test that uses it runs on both."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: SqliteTemplate
) -> Iterator[str]:
    """A database with the current schema, of each kind in turn."""
    if backend == "sqlite":
        yield sqlite_template.copy_to(tmp_path / "voicereg.db")
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.lending.lend()
    yield url
    server.lending.take_back(url)


@pytest.fixture
def empty_database_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """A database with nothing in it, of each kind in turn."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'voicereg.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture(params=frozen.RELEASED)
def released(request: pytest.FixtureRequest) -> str:
    """The revision of each released version that is not the newest."""
    revision: str = request.param
    return revision


@pytest.fixture(scope="session")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SqliteTemplate]:
    """Files that were made of those of released versions, by their names."""
    return {}


CopyOf = Callable[[str, Fill], str]


@pytest.fixture
def copy_of(
    backend: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kept_sqlite: dict[str, SqliteTemplate],
) -> Iterator[CopyOf]:
    """Makes a database like the one of a name, which is filled once, of each kind in turn."""
    with ExitStack() as made:

        def copy(name: str, fill: Fill) -> str:
            if backend == "sqlite":
                if name not in kept_sqlite:
                    kept_sqlite[name] = SqliteTemplate(tmp_path_factory.mktemp("kept"), fill)
                return kept_sqlite[name].copy_to(tmp_path / f"{name}.db")
            server: PostgresServer = request.getfixturevalue("postgresql")
            url = server.copy_of(name, fill)
            made.callback(server.drop, url)
            return url

        yield copy


@pytest.fixture
def released_url(released: str, copy_of: CopyOf) -> str:
    """A database as a released version left it, of each kind in turn."""
    return copy_of(released, lambda url: frozen.load(url, released))


@pytest.fixture
def upgraded_url(released: str, copy_of: CopyOf) -> str:
    """A database of a released version that was brought up to date."""

    def fill(url: str) -> None:
        frozen.load(url, released)
        migrated_database(url)

    return copy_of(f"{released}-upgraded", fill)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The provider, on loopback; voices are reviewed at once."""
    with Sandbox.start(review_time=timedelta(0)) as sandbox:
        yield sandbox


@pytest.fixture
def open_registry(database_url: str, clock: FakeClock, sandbox: Sandbox) -> Iterator[OpenRegistry]:
    """Opens registries on the test's database, and closes them at the end."""
    with ExitStack() as opened:

        def open_one(**changed: Any) -> Registry:
            options: dict[str, Any] = {
                "settings": Settings(base_url=sandbox.base_url),
                "actor": "tester",
                "clock": clock,
                "sleep": clock.sleep,
                "environment": {DEFAULT_KEY_VARIABLE: sandbox.api_key},
            }
            return opened.enter_context(Registry.open(database_url, **(options | changed)))

        yield open_one


@pytest.fixture
def registry(open_registry: OpenRegistry) -> Registry:
    """A registry on the test's database, speaking to the sandbox, by the test's clock."""
    return open_registry()
