"""One WebSocket connection, as those see it who talk over it: messages in, messages out.

No sockets and no frames here: a conversation is told what came, and says what goes back.
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

from voicereg.sandbox.errors import ApiError, internal_error, invalid_parameter
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.replies import Silence

_logger = logging.getLogger(__name__)


class Part(Flag):
    """Which part of a synthesis something is."""

    OTHER = 0
    #: What answers first.
    FIRST = auto()
    #: Some of the audio.
    AUDIO = auto()
    #: What says that it is over.
    LAST = auto()


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the server.

    Attributes:
        content: a JSON object or a text, for a text message; bytes for a binary one.
        part: which part of a synthesis it is.
    """

    content: dict[str, Any] | str | bytes
    part: Part = Part.OTHER


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of the connection.

    Attributes:
        code: as RFC 6455 defines them.
        reason: for a person to read.
    """

    code: int = 1000
    reason: str = ""


#: What can come of a message. After ``Closing`` or a ``Silence`` nothing more does.
Outgoing = Said | Closing | Silence


class Conversation(ABC):
    """What a client can talk to over one WebSocket connection."""

    def begin(self) -> Iterator[Outgoing]:
        """Return what is said before the client says anything."""
        return self._guarded(self._welcome())

    def hear(self, message: str | bytes) -> Iterator[Outgoing]:
        """Return what a message is answered with, worked out while it is being sent.

        Args:
            message: a text or binary message.
        """
        return self._guarded(self._react(message))

    def _welcome(self) -> Iterator[Outgoing]:
        return iter(())

    @abstractmethod
    def _heard(self, event: Fields) -> Iterator[Outgoing]:
        """Answer a message that is a JSON object. May raise ApiError at any time."""

    @abstractmethod
    def _failed(self, error: ApiError) -> Iterator[Outgoing]:
        """Tell that something was refused."""

    @abstractmethod
    def _led(self, said: Outgoing) -> Iterator[Outgoing]:
        """Return what comes in place of something that was to be said; usually itself."""

    def _react(self, message: str | bytes) -> Iterator[Outgoing]:
        yield from self._heard(Fields(_parsed(message), ""))

    def _guarded(self, answer: Iterator[Outgoing]) -> Iterator[Outgoing]:
        for said in self._without_errors(answer):
            yield from self._led(said)

    def _without_errors(self, answer: Iterator[Outgoing]) -> Iterator[Outgoing]:
        try:
            yield from answer
        except ApiError as error:
            yield from self._failed(error)
        except Exception:
            _logger.exception("the sandbox itself failed")
            yield from self._failed(internal_error())


def _parsed(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise invalid_parameter("A message must be a text message.")
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        raise invalid_parameter("The message is not valid JSON.") from None
    if not isinstance(content, dict):
        raise invalid_parameter("The message must be a JSON object.")
    return content
