"""What was asked of the sandbox, kept for tests to look at. It never holds a key."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: What stands in place of an ``Authorization`` header.
KEY_RIGHT = "right"
KEY_WRONG = "wrong"
#: What stands in place of the method of a message.
MESSAGE = "MESSAGE"


class Headers(Mapping[str, str]):
    """A request's headers, found whatever the case of their name.

    Args:
        pairs: name and value of each; of a repeated one the last counts.
    """

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in pairs.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came in, or one message of a client over a WebSocket.

    Attributes:
        at: when, by the sandbox's clock (aware, UTC).
        method: such as ``POST``; ``GET`` for the request that opens a WebSocket, and
            ``MESSAGE`` for each message that then comes over it.
        path: the whole path, with ``/api/v1``, and the query if there was one.
        headers: with ``Authorization`` reduced to ``right`` or ``wrong``; a message has those
            of the request that opened its WebSocket.
        body: the parsed JSON, or None where the body was none.
        raw: the body, or message, byte for byte.
    """

    at: datetime
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes = b""

    @property
    def model(self) -> str | None:
        """The body's ``model``, or None; for a message, its ``payload.model``."""
        return _text(_object(self.body, "payload") if self._is_message else self.body, "model")

    @property
    def action(self) -> str | None:
        """The body's ``input.action``, or None; a message's ``header.action`` or ``type``."""
        if self._is_message:
            return _text(_object(self.body, "header"), "action") or _text(self.body, "type")
        return _text(_object(self.body, "input"), "action")

    @property
    def _is_message(self) -> bool:
        return self.method == MESSAGE


class RequestLog:
    """The newest requests, oldest first.

    Args:
        size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RecordedRequest] = deque(maxlen=size)

    def add(self, request: RecordedRequest) -> None:
        """Keep a request, and forget the oldest where there are too many."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> tuple[RecordedRequest, ...]:
        """Return what is kept."""
        with self._lock:
            return tuple(self._requests)

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._requests.clear()


def _object(values: Any, field: str) -> Any:
    return values.get(field) if isinstance(values, dict) else None


def _text(values: Any, field: str) -> str | None:
    value = values.get(field) if isinstance(values, dict) else None
    return value if isinstance(value, str) else None
