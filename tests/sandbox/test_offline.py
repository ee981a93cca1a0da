"""A sandbox that is not there, and is there again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from voicereg.sandbox import Sandbox

from .talk import Client


def _port(sandbox: Sandbox) -> int:
    return httpx.URL(sandbox.base_url).port or 0


def test_nobody_gets_in_and_the_port_stays_the_same(sandbox: Sandbox, client: Client) -> None:
    base_url = sandbox.base_url
    assert client.list("qwen-tts").status_code == 200

    with sandbox.offline():
        for _ in range(3):
            with pytest.raises(httpx.ConnectError, match="refused"):
                client.list("qwen-tts")
    assert client.list("qwen-tts").status_code == 200
    assert sandbox.base_url == base_url
    assert len(sandbox.requests) == 2


def test_kept_connections_end(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", _port(sandbox)), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 404")
        sandbox.go_offline()
        assert connection.recv(1) == b""


def test_back_and_forth(sandbox: Sandbox, client: Client) -> None:
    began = time.monotonic()
    for _ in range(50):
        sandbox.go_offline()
        sandbox.go_offline()
        with pytest.raises(httpx.ConnectError):
            client.list("qwen-tts")
        sandbox.go_online()
        sandbox.go_online()
        assert client.list("qwen-tts").status_code == 200
    assert time.monotonic() - began < 4


def test_clients_that_come_and_go_meanwhile(sandbox: Sandbox) -> None:
    over = threading.Event()
    failures: list[BaseException] = []
    answered = threading.Semaphore(0)

    def ask() -> None:
        client = Client(sandbox)
        with client.http:
            while not over.is_set():
                try:
                    assert client.list("qwen-tts").status_code == 200
                    answered.release()
                except httpx.TransportError:
                    pass
                except BaseException as error:  # noqa: BLE001 - the main thread shall see it
                    failures.append(error)
                    return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        with sandbox.offline():
            pass
        assert answered.acquire(timeout=10)
    over.set()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_nobody_else_gets_the_port(sandbox: Sandbox) -> None:
    with (
        sandbox.offline(),
        socket.socket() as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("127.0.0.1", _port(sandbox)))


def test_requests_under_way_get_no_answer(sandbox: Sandbox, client: Client) -> None:
    sandbox.on_action("create", Sandbox.go_offline)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.create("qwen-tts")

    assert len(sandbox.voices()) == 1


@pytest.mark.parametrize("end", [Sandbox.stop, lambda it: it.__exit__(None, None, None)])
def test_stopping_while_offline(end: Callable[[Sandbox], None]) -> None:
    sandbox = Sandbox()
    serving = threading.Thread(target=sandbox.serve_forever)
    serving.start()
    with sandbox.offline():
        end(sandbox)
        serving.join(30)
        assert not serving.is_alive()
    sandbox.go_online()  # which changes nothing any more
    client = Client(sandbox)
    with client.http, pytest.raises(httpx.ConnectError):
        client.list("qwen-tts")
    with Sandbox(port=_port(sandbox)):
        pass  # the port is free


def test_offline_before_it_is_served() -> None:
    sandbox = Sandbox()
    sandbox.go_offline()
    serving = threading.Thread(target=sandbox.serve_forever)
    serving.start()
    client = Client(sandbox)
    with sandbox, client.http:
        with pytest.raises(httpx.ConnectError):
            client.list("qwen-tts")
        sandbox.go_online()
        assert client.list("qwen-tts").status_code == 200
    serving.join(30)


def test_offline_by_ipv6() -> None:
    try:
        sandbox = Sandbox.start(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    client = Client(sandbox)
    with sandbox, client.http:
        with sandbox.offline(), pytest.raises(httpx.ConnectError):
            client.list("qwen-tts")
        assert client.list("qwen-tts").status_code == 200
