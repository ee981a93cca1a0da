"""Figures over HTTP: what is answered, what is refused, and what a fault does not do."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.databases import PostgresServer
from tests.fakes import FakeClock
from tests.metrics.linting import problems
from tests.metrics.reading import Scrape
from tests.registry.rows import QWEN, begun, insert_voices
from voicereg import InvalidInput, Registry
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.metrics import answers
from voicereg.metrics.answers import KEPT_FOR
from voicereg.metrics.endpoint import Endpoint
from voicereg.sandbox import Sandbox

MAX_AGE = timedelta(hours=13)
on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


def ask(endpoint: Endpoint, path: str, method: str = "GET") -> Reply:
    parts = urlsplit(endpoint.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return Reply(reply.status, dict(reply.getheaders()), reply.read().decode())
    finally:
        connection.close()


@pytest.fixture
def endpoint(registry: Registry, clock: FakeClock) -> Iterator[Endpoint]:
    with Endpoint(registry, port=0, max_age=MAX_AGE, clock=clock) as endpoint:
        yield endpoint


def good_round(registry: Registry, *, ok: bool = True) -> None:
    registry.rounds.finish(registry.rounds.begin(), ok=ok)


@on_sqlite
def test_figures_are_fresh_after_a_moment(
    endpoint: Endpoint, database_url: str, clock: FakeClock
) -> None:
    def active() -> float:
        reply = ask(endpoint, "/metrics")
        assert reply.status == 200
        assert problems(reply.body) == []
        return Scrape(reply.body)("voices", account="default", family=QWEN, state="active")

    assert active() == 0
    insert_voices(database_url, 2, family=QWEN)
    clock.advance(KEPT_FOR - timedelta(milliseconds=1))
    assert active() == 0
    clock.advance(timedelta(milliseconds=1))
    assert active() == 2


@on_sqlite
def test_healthz_says_whether_rounds_go_well(
    endpoint: Endpoint, registry: Registry, clock: FakeClock
) -> None:
    reply = ask(endpoint, "/healthz")
    assert reply.status == 503
    assert reply.json() == {
        "ok": False,
        "last_good_round_at": None,
        "age_seconds": None,
        "leader": False,
        "reason": "no round of housekeeping has gone well yet",
    }

    good_round(registry)
    registry.leases.take(LEADER_LEASE, timedelta(days=1))
    clock.advance(MAX_AGE)
    good_round(registry, ok=False)
    reply = ask(endpoint, "/healthz?verbose")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json() == {
        "ok": True,
        "last_good_round_at": "2026-11-23T09:00:00Z",
        "age_seconds": MAX_AGE.total_seconds(),
        "leader": True,
    }

    clock.advance(KEPT_FOR)
    reply = ask(endpoint, "/healthz")
    assert reply.status == 503
    assert "13:00:05 ago" in reply.json()["reason"]


@on_sqlite
def test_a_good_round_in_the_future_is_none(
    endpoint: Endpoint, registry: Registry, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=1))
    good_round(registry)
    clock.advance(timedelta(days=-1))

    reply = ask(endpoint, "/healthz")

    assert reply.status == 503
    assert "in the future" in reply.json()["reason"]


@on_sqlite
def test_what_is_answered_and_what_is_refused(
    endpoint: Endpoint, registry: Registry, sandbox: Sandbox
) -> None:
    good_round(registry)
    assert endpoint.url.startswith("http://127.0.0.1:")
    for path, status in (("/metrics", 200), ("/healthz", 200), ("/", 404), ("/metrics/x", 404)):
        got, head = ask(endpoint, path), ask(endpoint, path, "HEAD")
        assert (got.status, head.status) == (status, status)
        assert got.headers["Content-Length"] == str(len(got.body.encode()))
        assert head.body == ""
        for name in ("Content-Length", "Content-Type"):
            assert head.headers[name] == got.headers[name]
        assert got.headers["Server"] == "voicereg"
        assert "Python" not in str(got) + str(head)
        assert sandbox.api_key not in str(got)
    assert "version=0.0.4" in ask(endpoint, "/metrics").headers["Content-Type"]
    assert "/metrics and /healthz" in ask(endpoint, "/favicon.ico").body
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "NONSENSE"):
        reply = ask(endpoint, "/metrics", method)
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
        assert "voicereg_" not in reply.body


@contextmanager
def away(url: str, server: PostgresServer | None) -> Iterator[None]:
    """A database that answers nobody, or where that cannot be had, none of what is asked."""
    if server is None:
        with begun(url) as connection:
            connection.execute(sa.text("ALTER TABLE rounds RENAME TO elsewhere"))
        try:
            yield
        finally:
            with begun(url) as connection:
                connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO rounds"))
        return
    name = make_url(url).database
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_a_database_that_is_away_and_comes_back(
    endpoint: Endpoint,
    registry: Registry,
    database_url: str,
    backend: str,
    clock: FakeClock,
    request: pytest.FixtureRequest,
) -> None:
    server = request.getfixturevalue("postgresql") if backend == "postgresql" else None
    good_round(registry)
    with away(database_url, server):
        gone = [ask(endpoint, path) for path in ("/metrics", "/healthz")]
    again = [ask(endpoint, path).status for path in ("/metrics", "/healthz")]
    clock.advance(KEPT_FOR)
    back = [ask(endpoint, path).status for path in ("/metrics", "/healthz")]

    assert [reply.status for reply in gone] == [503, 503]
    # One that is in trouble is not asked more often than one that is well.
    assert again == [503, 503]
    assert back == [200, 200]
    assert gone[1].json()["ok"] is False
    for reply in gone:
        assert "the database cannot be read" in reply.body
        assert database_url not in reply.body


@on_sqlite
def test_a_fault_of_the_program_is_survived(
    endpoint: Endpoint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(answers, "read_figures", lambda registry: 1 / 0)
        assert ask(endpoint, "/metrics").status == 503
    clock.advance(KEPT_FOR)
    assert ask(endpoint, "/metrics").status == 200


@on_sqlite
def test_nonsense_and_clients_that_go_away_are_survived(
    endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(endpoint.url)
    address = (parts.hostname or "", parts.port or 0)
    with socket.create_connection(address) as client:
        client.sendall(b"GET\x1b[2J /\r\n\r\n")
        said = client.recv(4096)
    for sent in (b"", b"GET /metr", b"GET /metrics HTTP/1.0\r\n\r\n"):
        with socket.create_connection(address) as client:
            client.sendall(sent)

    assert ask(endpoint, "/metrics").status == 200
    assert b"<html" not in said.lower()
    assert b"Python" not in said
    assert capfd.readouterr() == ("", "")


@on_sqlite
def test_requests_are_logged_for_those_who_debug(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="voicereg"):
        ask(endpoint, "/nowhere")

    (record,) = (one for one in caplog.records if "/nowhere" in one.getMessage())
    assert record.levelno == logging.DEBUG


@on_sqlite
def test_it_stops_for_good_and_frees_its_port(registry: Registry, clock: FakeClock) -> None:
    endpoint = Endpoint(registry, port=0, max_age=MAX_AGE, clock=clock)
    endpoint.stop()  # which was not started
    with endpoint:
        endpoint.start()  # once more
        url = endpoint.url
        port = urlsplit(url).port or 0
        with pytest.raises(InvalidInput, match="cannot be served there"):
            Endpoint(registry, port=port, max_age=MAX_AGE).start()
    endpoint.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with Endpoint(registry, port=port, max_age=MAX_AGE, clock=clock) as second:
        assert second.url == url
        assert ask(second, "/metrics").status == 200
    with endpoint:
        assert ask(endpoint, "/metrics").status == 200


@on_sqlite
@pytest.mark.parametrize(("host", "port"), [("256.0.0.1", 0), ("127.0.0.1", 65536)])
def test_where_nobody_can_listen(registry: Registry, host: str, port: int) -> None:
    with pytest.raises(InvalidInput, match="cannot be served there"):
        Endpoint(registry, port=port, host=host, max_age=MAX_AGE).start()
