"""Fixtures: a server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import _in_a_directory_of_its_own, _logging_as_before, start
from tests.databases import PostgresServer
from tests.postgresql.servers import OwnServer, own_server

__all__ = ["_in_a_directory_of_its_own", "_logging_as_before", "start"]


@pytest.fixture(scope="session")
def the_own_server(postgresql: PostgresServer) -> Iterator[OwnServer]:
    """Beside that of the run, which no test may kill; it has made the user to run as."""
    with own_server() as server:
        yield server


@pytest.fixture
def server(the_own_server: OwnServer) -> OwnServer:
    """A server that the test may kill; it runs again for the next one."""
    if not the_own_server.is_running:
        the_own_server.start()
    return the_own_server
