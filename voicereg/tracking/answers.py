"""What the provider's answers over HTTP say: whether a voice has spoken.

An error can come with HTTP 200, and in the middle of a stream of events, so bodies are looked at
as they pass. Of each no more than ``MOST_BYTES`` is held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

MOST_BYTES = 64 * 1024
"""No answer that tells of an error is longer."""
_NO_ERROR = (None, "", 0, 200, "200")


class Reader(Protocol):
    """Reads a body as it passes."""

    def feed(self, content: bytes) -> None:
        """Take the next piece of the body, decoded."""

    def assume(self) -> None:
        """Take it that what cannot be read is audio: it is too much for anything else."""

    @property
    def has_spoken(self) -> bool:
        """Whether it tells of audio, and of no error, as far as it was read."""


class PageReader:
    """Reads a body that is one JSON object."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._too_long = False
        self._assumed = False

    def feed(self, content: bytes) -> None:
        """Take the next piece of the body, decoded."""
        room = MOST_BYTES - len(self._content)
        self._content += content[:room]
        self._too_long = self._too_long or len(content) > room

    def assume(self) -> None:
        """Take it that what cannot be read is audio."""
        self._assumed = True

    @property
    def has_spoken(self) -> bool:
        """Whether it tells of audio, and has no error code."""
        if self._assumed or self._too_long:
            return self._assumed or self._content.lstrip().startswith(b"{")
        body = parsed(self._content)
        return body is not None and not is_error(body) and has_audio(body.get("output"))


class EventsReader:
    """Reads a body of server-sent events, each of which is a JSON object."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False
        self._heard = False
        self._failed = False

    def feed(self, content: bytes) -> None:
        """Take the next piece of the body, decoded."""
        *ended, rest = content.split(b"\n")
        for line in ended:
            self._add(line)
            self._end_line()
        self._add(rest)

    def assume(self) -> None:
        """Take it that what cannot be read is audio."""
        self._heard = True

    @property
    def has_spoken(self) -> bool:
        """Whether there was audio, and no error."""
        if self._line:  # the last line needs no end
            self._end_line()
        return self._heard and not self._failed

    def _add(self, content: bytes) -> None:
        room = MOST_BYTES - len(self._line)
        self._line += content[:room]
        self._too_long = self._too_long or len(content) > room

    def _end_line(self) -> None:
        line, too_long = bytes(self._line), self._too_long
        self._line.clear()
        self._too_long = False
        name, _, value = line.partition(b":")
        if name == b"event" and value.strip() == b"error":
            self._failed = True
        if name != b"data":
            return
        if too_long:
            self._heard = True
            return
        body = parsed(value)
        if body is None:
            return
        self._failed = self._failed or is_error(body)
        self._heard = self._heard or has_audio(body.get("output"))


def is_error(body: Mapping[str, Any]) -> bool:
    """Whether an answer, or an event of one, is that of an error."""
    return body.get("code") not in _NO_ERROR


def has_audio(output: object) -> bool:
    """Whether an ``output`` holds audio, or says where it is."""
    audio = output.get("audio") if isinstance(output, Mapping) else None
    if not isinstance(audio, Mapping):
        return False
    return any(isinstance(audio.get(field), str) and audio[field] for field in ("url", "data"))


def parsed(content: bytes | bytearray | str) -> dict[str, Any] | None:
    """The JSON object that ``content`` is; None where it is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
