"""The only module that knows the WebSocket library: one connection, and what can go wrong on it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from voicereg.domain.clock import Clock
from voicereg.domain.provider_errors import AnswerUnreadable, ConnectionLost, NotConnected
from voicereg.provider.answers import Action, RawAnswer, read_answer
from voicereg.provider.endpoints import Endpoint
from voicereg.settings import CreateSettings
from voicereg.version import __version__

_LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024


_LOGGER = logging.getLogger(__name__)
# Asked for debugging, the library logs the headers of its requests, the key among them.
_LOGGER.setLevel(logging.INFO)


class Socket:
    """An open connection. Texts are JSON objects; binary messages are audio."""

    def __init__(
        self, connection: ClientConnection, host: str, key: str, timeouts: CreateSettings
    ) -> None:
        self._connection = connection
        self._host = host
        self._key = key
        self._timeouts = timeouts

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event.

        Raises:
            ConnectionLost: it could not be sent.
        """
        try:
            self._connection.send(json.dumps(event, ensure_ascii=False))
        except (ConnectionClosed, OSError) as error:
            raise ConnectionLost(self._host, _cause(error)) from error

    def receive(self) -> dict[str, Any] | bytes:
        """Wait for the next event, or the next piece of audio.

        Raises:
            ConnectionLost: none came in time, or the connection broke.
            AnswerUnreadable: a text that is no JSON object.
        """
        try:
            message = self._connection.recv(timeout=self._timeouts.read_timeout.total_seconds())
        except TimeoutError as error:
            raise ConnectionLost(self._host, "no answer in time") from error
        except (ConnectionClosed, OSError) as error:
            raise ConnectionLost(self._host, _cause(error)) from error
        if isinstance(message, bytes):
            return message
        try:
            # Some repeat the key, to say that it is wrong; it must not be shown with them.
            event = json.loads(message.replace(self._key, "[API key]"))
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise AnswerUnreadable("an event is no JSON object", status=101)
        return event


@contextmanager
def open_socket(
    endpoint: Endpoint, key: str, path: str, *, timeouts: CreateSettings, clock: Clock
) -> Iterator[Socket]:
    """A connection to ``path`` below the WebSocket base, closed at the end.

    Args:
        endpoint: whose.
        key: the API key; it is sent to this host only.
        path: such as ``inference``.
        timeouts: how long each phase may take.
        clock: what a ``Retry-After`` date is counted from.

    Raises:
        NotConnected: no connection could be made.
        ProviderProblem: the handshake was refused.
    """
    headers = {"Authorization": f"Bearer {key}"}
    if endpoint.workspace is not None:
        headers["X-DashScope-WorkSpace"] = endpoint.workspace
    refused: Response | None = None
    try:
        connection = connect(
            endpoint.websocket_base_url + path,
            additional_headers=headers,
            user_agent_header=f"voicereg/{__version__}",
            open_timeout=timeouts.connect_timeout.total_seconds(),
            close_timeout=1,
            max_size=_LARGEST_MESSAGE_BYTES,
            logger=_LOGGER,
            create_connection=_Connection,
            # No proxy is asked for this very machine.
            proxy=None if endpoint.is_loopback else True,
        )
    except _Refused as error:
        refused = error.response
    except (OSError, TimeoutError, InvalidURI) as error:
        raise NotConnected(endpoint.host, _cause(error)) from error
    except (InvalidHandshake, WebSocketException) as error:
        raise ConnectionLost(endpoint.host, _cause(error)) from error
    if refused is not None:  # told from here, so that no error has the answer as it came behind it
        raw = _raw(refused, key)
        read_answer(raw, Action.SYNTHESIZE, clock.now())
        raise AnswerUnreadable("it opens no WebSocket", status=raw.status)
    with connection:
        yield Socket(connection, endpoint.host, key, timeouts)


class _Refused(Exception):
    """The handshake was answered with something else than a WebSocket."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Connection(ClientConnection):
    """A connection that follows no redirect: the library would, with the key on the same host."""

    def handshake(self, *args: Any, **kwargs: Any) -> None:
        """As the library does it, but that a refusal is the end."""
        refused = None
        try:
            super().handshake(*args, **kwargs)
        except InvalidStatus as error:
            refused = error.response
        if refused is not None:
            raise _Refused(refused)


def _raw(response: Response, key: str) -> RawAnswer:
    body = bytes(response.body or b"").replace(key.encode("ascii"), b"[API key]")
    lower = {name.lower(): value for name, value in response.headers.raw_items()}
    return RawAnswer(response.status_code, lower, body)


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__
