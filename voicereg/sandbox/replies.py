"""What goes back to a client: bytes, or deliberately nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from voicereg.sandbox.errors import ApiError


class Silence(Enum):
    """How a request can go without an answer."""

    #: The connection is reset.
    RESET = auto()
    #: The connection stays open.
    HOLD = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready to be sent.

    Attributes:
        status: the HTTP status.
        payload: the body.
        content_type: what the body is.
        headers: further ones.
        afterwards: what is done once it has been sent.
    """

    status: int
    payload: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    afterwards: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the provider's API, before it is written out.

    Attributes:
        status: the HTTP status.
        content: the JSON object, with its ``request_id``.
        headers: further ones.
        events: where it comes as a stream of events, those before it, which is the last; None
            where it does not.
    """

    status: int
    content: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[dict[str, Any], ...] | None = None

    def reply(self) -> Reply:
        """Return it written out."""
        headers = {"X-Request-Id": str(self.content["request_id"]), **self.headers}
        if self.events is None:
            return Reply(self.status, json_bytes(self.content), headers=headers)
        events = b"".join(
            _event(number, content)
            for number, content in enumerate((*self.events, self.content), 1)
        )
        return Reply(self.status, events, "text/event-stream;charset=UTF-8", headers)


def refusal(error: ApiError, request_id: str) -> Answer:
    """Return what the provider answers to a request that it refuses."""
    return Answer(
        error.status, {"code": error.code, "message": error.message, "request_id": request_id}
    )


def _event(number: int, content: dict[str, Any]) -> bytes:
    return b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%b\n\n" % (number, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """Return JSON as it is sent."""
    # Half a surrogate pair, repeated in a message, becomes the escape that JSON has for it.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
