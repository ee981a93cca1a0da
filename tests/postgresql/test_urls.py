"""Sockets and TLS: what a URL can ask for, and what is said where it does not come about."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused
from tests.postgresql.servers import OwnServer
from tests.postgresql.tls import make_authority, make_certificate, needs_openssl, tls_front
from voicereg.engine import Database

PASSWORD = "test-password"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture
def front(server: OwnServer, authority: Path, tmp_path: Path) -> Iterator[int]:
    """The port at which the server can be had as localhost, with TLS."""
    certificate = make_certificate(tmp_path, authority, "localhost")
    with tls_front(server.port, certificate) as port:
        yield port


@pytest.fixture
def name(server: OwnServer) -> Iterator[str]:
    made = f"t{uuid.uuid4().hex}"
    server.create(made)
    yield made
    server.execute(f"DROP DATABASE {made} WITH (FORCE)")


def test_a_socket(start: Callable[[str], Cli], server: OwnServer, name: str) -> None:
    cli = start(server.socket_url(name))
    cli.created()
    assert len(cli.done("list", "--json").json()) == 1


def test_a_socket_where_no_server_is(start: Callable[[str], Cli], tmp_path: Path) -> None:
    cli = start(f"postgresql://user:{PASSWORD}@/voicereg?host={tmp_path}")
    result = cli("list")

    assert_refused(result, 1, "No such file or directory", "check that the server runs")
    assert PASSWORD not in result.err


@needs_openssl
@pytest.mark.parametrize("how", ["require", "verify-ca", "verify-full"])
def test_tls(start: Callable[[str], Cli], front: int, name: str, authority: Path, how: str) -> None:
    cli = start(
        f"postgresql://postgres:{PASSWORD}@localhost:{front}/{name}"
        f"?sslmode={how}&sslrootcert={authority}"
    )
    cli.created()
    assert len(cli.done("list", "--json").json()) == 1
    database = Database.open(cli.database)
    with database.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.pgconn.ssl_in_use
    database.close()


@needs_openssl
def test_a_certificate_that_does_not_fit(
    start: Callable[[str], Cli], front: int, name: str, authority: Path, tmp_path: Path
) -> None:
    other = make_authority(tmp_path, "other")
    query = "sslmode=verify-full&sslrootcert"
    for host, rest, said in (
        ("127.0.0.1", f"{query}={authority}", "does not match host name"),
        ("localhost", f"{query}={other}", "certificate verify failed"),
        ("localhost", f"{query}={tmp_path}/none.crt", "none.crt"),
    ):
        cli = start(f"postgresql://postgres:{PASSWORD}@{host}:{front}/{name}?{rest}")
        result = cli("list")

        assert_refused(result, 1, said, "sslrootcert")
        assert PASSWORD not in result.err


def test_a_server_without_tls(start: Callable[[str], Cli], server: OwnServer, name: str) -> None:
    cli = start(server.url(name, more="?sslmode=require"))
    result = cli("list")

    assert_refused(result, 1, "server does not support SSL", "sslmode")
