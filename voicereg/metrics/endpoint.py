"""Figures over HTTP: ``/metrics`` for Prometheus, ``/healthz`` for whoever restarts programs.

It has no password and no encryption: it listens on loopback alone unless it is told otherwise.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from voicereg.domain.clock import Clock, SystemClock
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.metrics.answers import Answer, KeptAnswer, health_of, metrics_of
from voicereg.metrics.exposition import ensure_available
from voicereg.registry import Registry

LOOPBACK = "127.0.0.1"
_CLIENT_TIMEOUT = timedelta(seconds=10)
"""How long a client may be silent in the middle of a request."""
_LOOKS_EVERY = timedelta(milliseconds=100)
"""How long the server may take to see that it is to stop."""
_logger = logging.getLogger(__name__)


class Endpoint:
    """Serves the figures of a registry, in a thread of its own, from start to stop.

    Answers are kept for a few seconds, those that something is wrong included. Whatever goes
    wrong with one request, the next is answered.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        port: int,
        max_age: timedelta,
        host: str = LOOPBACK,
        clock: Clock | None = None,
    ) -> None:
        """Prepare to serve.

        Args:
            registry: an open one, which outlives this.
            port: where; 0: any that is free.
            max_age: how old the last good round of housekeeping may be before ``/healthz`` says
                that something is wrong.
            host: the address to listen on.
            clock: says how old an answer is; None: the machine's.
        """
        self._registry = registry
        self._max_age = max_age
        self._clock = clock or SystemClock()
        self._host, self._port = host, port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is served; once it has started, with the port that was free."""
        port = self._port if self._server is None else self._server.server_address[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to serve; nothing is done where it does already.

        Raises:
            ExtraMissing: the extra ``metrics`` is not installed.
            InvalidInput: nobody can listen there, or another program does.
        """
        if self._server is not None:
            return
        ensure_available()
        pages = {
            "/metrics": metrics_of(self._registry, self._clock),
            "/healthz": health_of(self._registry, self._max_age, self._clock),
        }
        try:
            self._server = _Server(self._host, self._port, pages)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(
                Problem("metrics", self.url, f"it cannot be served there: {why}")
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_LOOKS_EVERY.total_seconds(),),
            name="voicereg metrics",
            daemon=True,
        )
        self._thread.start()
        _logger.info("figures are served at %s/metrics", self.url)

    def stop(self) -> None:
        """Serve no more. From then on the registry is not read, and may be closed."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for page in self._server.pages.values():
            page.close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """A thread for each request: a slow client keeps no other one waiting."""

    def __init__(self, host: str, port: int, pages: Mapping[str, KeptAnswer]) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Listen, without asking a name server for the name of this host as the standard does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news; nothing of it belongs on stderr."""
        _logger.debug("a request from %s ended", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_TIMEOUT.total_seconds()

    def do_GET(self) -> None:
        page = self.server.pages.get(urlsplit(self.path).path)
        if page is None:
            there = " and ".join(self.server.pages)
            self._send(Answer.saying(HTTPStatus.NOT_FOUND, f"there is only {there}"))
        else:
            self._send(page.get())

    def do_HEAD(self) -> None:
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard server refuses by itself, in plain words rather than a page."""
        if code == HTTPStatus.NOT_IMPLEMENTED:  # as it says of every method without a function
            self._send(Answer.saying(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD"))
        else:
            status = HTTPStatus(code)
            self._send(Answer.saying(status, status.phrase))

    def version_string(self) -> str:
        """Nothing of the Python that runs it."""
        return "voicereg"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is named there
        # What a client sends may hold anything.
        _logger.debug("%s: %r", self.client_address[0], format % args)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
