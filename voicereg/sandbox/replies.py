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
    """

    status: int
    content: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self) -> Reply:
        """Return it written out."""
        request_id = {"X-Request-Id": str(self.content["request_id"])}
        return Reply(self.status, json_bytes(self.content), headers={**request_id, **self.headers})


def refusal(error: ApiError, request_id: str) -> Answer:
    """Return what the provider answers to a request that it refuses."""
    return Answer(
        error.status, {"code": error.code, "message": error.message, "request_id": request_id}
    )


def json_bytes(content: Any) -> bytes:
    """Return JSON as it is sent."""
    # Half a surrogate pair, repeated in a message, becomes the escape that JSON has for it.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
