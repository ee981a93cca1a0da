"""Real servers on this machine, for what a stand-in for the network cannot show."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Respond = Callable[[BaseHTTPRequestHandler, bytes], None]


class LoopbackServer(ThreadingHTTPServer):
    """Counts requests and lets ``respond`` answer each; closes every thread at the end."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.received: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        assert isinstance(self.server, LoopbackServer)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append((headers, body))
        self.server.respond(self, body)

    def do_GET(self) -> None:
        """What a client would do that follows a redirect."""
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serving(respond: Respond) -> Iterator[LoopbackServer]:
    """A server that runs inside the block. Close the clients before it ends."""
    server = LoopbackServer(respond)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Respond:
    """Answers every request the same."""

    def respond(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return respond


def hang_up(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def hang_up_midway(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Promise more than is sent, and close."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"output": {"voice_id": ')
    handler.close_connection = True


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
