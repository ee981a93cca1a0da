"""The HTTP front: connections, keys, bodies, the error envelope, and the recording.

It knows paths and JSON, and nothing of voices.
"""

from __future__ import annotations

import json
import logging
import re
import socketserver
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from voicereg.sandbox import downloads
from voicereg.sandbox.control import PREFIX, Control, ControlError
from voicereg.sandbox.door import Door
from voicereg.sandbox.downloads import Shelf
from voicereg.sandbox.errors import (
    ApiError,
    invalid_api_key,
    invalid_parameter,
    method_not_allowed,
    unknown_path,
)
from voicereg.sandbox.recording import (
    KEY_RIGHT,
    KEY_WRONG,
    MESSAGE,
    Headers,
    RecordedRequest,
    RequestLog,
)
from voicereg.sandbox.replies import Reply, Silence, refusal
from voicereg.sandbox.sockets import SocketEndpoint

#: What a served path does: takes the parsed body and the headers, returns what goes back.
Endpoint = Callable[[Any, Mapping[str, str]], Reply | Silence]

#: The largest body that is read, in bytes.
MOST_BODY_BYTES = 10 * 1024 * 1024

# A client that is still sending does not see an answer: what is too large is read to the
# end and thrown away, up to here.
_MOST_DISCARDED_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

_LENGTH = re.compile(r"[0-9]{1,18}")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Front:
    """What the HTTP front needs to answer.

    Attributes:
        endpoints: by path, all of them for ``POST``.
        sockets: those of WebSocket connections, by path.
        shelf: where audio files are fetched.
        control: what answers requests that are about the sandbox itself.
        api_keys: those that are right.
        log: where requests are recorded.
        clock: returns the time now, aware and in UTC.
        request_id: returns a new request id.
    """

    endpoints: Mapping[str, Endpoint]
    sockets: Mapping[str, SocketEndpoint]
    shelf: Shelf
    control: Control
    api_keys: frozenset[str]
    log: RequestLog
    clock: Callable[[], datetime]
    request_id: Callable[[], str]


class SandboxServer(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """Answers everyone who comes in by a door, with one thread for each connection.

    Args:
        door: where they come in.
        front: what to answer with.
    """

    daemon_threads = True

    def __init__(self, door: Door, front: Front) -> None:
        super().__init__(door.address, _Handler)
        self.door = door
        self.front = front

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Answer until the door is shut for good."""
        while (admitted := self.door.admit()) is not None:
            connection, address = admitted
            try:
                self.process_request(connection, address)
            except Exception:
                _logger.exception("no thread for a connection")
                self.shutdown_request(connection)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is over."""
        self.door.leave(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note that a client hung up; that is everyday, and no reason for a traceback."""
        _logger.debug("connection from %s ended early", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "voicereg-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    @property
    def _front(self) -> Front:
        return cast(SandboxServer, self.server).front

    def _answer_any(self) -> None:
        """Answer one request of whatever method."""
        raw, problem = self._read_body()
        if raw is None and problem is None:
            return  # the client left in the middle
        if self.path.startswith(downloads.PREFIX):
            with_key = "Authorization" in self.headers
            self._send(self._front.shelf.answer(self.command, self.path, with_key=with_key))
            return
        if self.path.startswith(PREFIX):
            self._send(self._controlled(raw, problem))
            return
        key = self._key()
        socket_endpoint = self._front.sockets.get(urlsplit(self.path).path)
        if socket_endpoint is not None and self.command == "GET":
            self._record(key, None, b"")
            self._converse(socket_endpoint, key)
            return
        body, not_json = _parse(raw) if raw is not None else (None, None)
        self._record(key, body, raw or b"")
        try:
            endpoint = self._endpoint()
            if key != KEY_RIGHT:
                raise invalid_api_key()
            for refusal in (problem, not_json):
                if refusal is not None:
                    raise refusal
            answer = endpoint(body, self._headers_without_key(key))
        except ApiError as error:
            self._send_refusal(error)
        except Exception:
            _logger.exception("the sandbox itself failed")
            self._send_refusal(ApiError(500, "InternalError", "The sandbox itself failed."))
        else:
            if isinstance(answer, Silence):
                self._be_silent(answer)
            else:
                self._send(answer)

    def _controlled(self, raw: bytes | None, problem: ApiError | None) -> Reply:
        if raw is None:
            assert problem is not None  # noqa: S101 - for the type checker
            return ControlError(problem.status, problem.message).reply()
        headers = Headers({name: str(value) for name, value in self.headers.items()})
        return self._front.control(self.command, self.path.partition("?")[0], headers, raw)

    def _record(self, key: str | None, body: Any, raw: bytes, method: str | None = None) -> None:
        self._front.log.add(
            RecordedRequest(
                at=self._front.clock(),
                method=method or self.command,
                path=self.path,
                headers=self._headers_without_key(key),
                body=body,
                raw=raw,
            )
        )

    def _endpoint(self) -> Endpoint:
        path = urlsplit(self.path).path
        if path in self._front.sockets:
            raise method_not_allowed(self.command)
        endpoint = self._front.endpoints.get(path)
        if endpoint is None:
            raise unknown_path(path)
        if self.command != "POST":
            raise method_not_allowed(self.command)
        return endpoint

    def _converse(self, endpoint: SocketEndpoint, key: str | None) -> None:
        """Take a WebSocket connection, or refuse it."""
        if key != KEY_RIGHT:
            self._send_refusal(invalid_api_key())
            return
        # Only here: a sandbox that nobody speaks with starts without it.
        from voicereg.sandbox.websocket import Handshake, Line

        lines = (f"{name}: {value}" for name, value in self.headers.items())
        head = "\r\n".join((self.requestline, *lines, "", ""))
        handshake = Handshake(head.encode("latin-1", "replace"))
        refused = handshake.refused
        if refused is not None:
            self.close_connection = True
            self.wfile.write(refused.serialize())
            return
        opened = endpoint.open(dict(parse_qsl(urlsplit(self.path).query)))
        if isinstance(opened, Reply):
            self._send(opened)
        elif isinstance(opened, Silence):
            self._be_silent(opened)
        else:
            self.close_connection = True
            line = Line(
                self.connection,
                handshake.accept(),
                self._buffered(),
                lambda message: self._record_message(key, message),
            )
            silence = line.carry(opened)
            if silence is not None:
                self._be_silent(silence)

    def _buffered(self) -> bytes:
        """Return what was read of the connection beyond the request."""
        self.connection.setblocking(False)
        try:
            return self.rfile.peek()  # type: ignore[attr-defined, no-any-return]
        finally:
            self.connection.setblocking(True)

    def _record_message(self, key: str | None, message: str | bytes) -> None:
        raw = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        self._record(key, _parse(raw)[0], raw, MESSAGE)

    def _key(self) -> str | None:
        """Return what to say of the request's key: right, wrong, or None for none at all."""
        value = self.headers.get("Authorization")
        if value is None:
            return None
        scheme, _, key = value.partition(" ")
        right = scheme.lower() == "bearer" and key.strip() in self._front.api_keys
        return KEY_RIGHT if right else KEY_WRONG

    def _headers_without_key(self, key: str | None) -> Headers:
        headers = {name: str(value) for name, value in self.headers.items()}
        return Headers(
            {
                name: key if name.lower() == "authorization" and key is not None else value
                for name, value in headers.items()
            }
        )

    def _read_body(self) -> tuple[bytes | None, ApiError | None]:
        """Return the body, or why there is none; neither where the client has left."""
        given = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(given):
            # Nobody knows where this body ends and the next request begins.
            self.close_connection = True
            return None, invalid_parameter("A body needs a Content-Length.")
        length = int(given)
        if length > MOST_BODY_BYTES:
            self._discard(length)
            return None, invalid_parameter("The body is over 10 MiB.", status=413)
        raw = self.rfile.read(length)
        if len(raw) < length:
            self.close_connection = True
            return None, None
        return raw, None

    def _discard(self, length: int) -> None:
        self.close_connection = True
        left = min(length, _MOST_DISCARDED_BYTES)
        while left > 0:
            read = len(self.rfile.read(min(left, _CHUNK_BYTES)))
            if read == 0:
                return
            left -= read

    def _send_refusal(self, error: ApiError) -> None:
        self._send(refusal(error, self._front.request_id()).reply())

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.payload)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.payload)
        if reply.afterwards is not None:
            self.wfile.flush()
            reply.afterwards()

    def _be_silent(self, silence: Silence) -> None:
        self.close_connection = True
        door = cast(SandboxServer, self.server).door
        if silence is Silence.RESET:
            door.reset(self.connection)
        else:
            door.hold(self.connection)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no proper HTTP with JSON, where the standard library sends HTML."""
        self.close_connection = True
        self._send_refusal(invalid_parameter(message or "This is no HTTP request.", status=code))

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Leave standard error alone: what was asked is in the recording."""


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    # The base class looks for one method of its own for each.
    setattr(_Handler, f"do_{_method}", _Handler._answer_any)


def _parse(raw: bytes) -> tuple[Any, ApiError | None]:
    """Return the JSON value of a body, or the refusal of one that is no JSON."""
    try:
        return json.loads(raw), None
    except (ValueError, RecursionError):
        return None, invalid_parameter("The body is not valid JSON.")
