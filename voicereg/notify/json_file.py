"""``file:///PATH``: a file with one JSON object a line for each message."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message
from voicereg.notify.rendering import render

_UNSEEN = re.compile(r"[^\x20-\x7e]")
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class JsonFileChannel:
    """Appends messages to a file, which whoever wants to reads."""

    name: str
    url: str

    def send(self, message: Message, language: Language) -> None:
        """Append a message with all its items, in one write, and see that it is on the disk.

        Raises:
            DeliveryFailed: the URL names no file, or it cannot be written.
        """
        wrong = check(self.url)
        if wrong is not None:
            raise DeliveryFailed(self.name, wrong)
        rendered = render(message, language)
        told = message.as_dict() | {"title": rendered.title, "text": rendered.text}
        line = _UNSEEN.sub(_escaped, json.dumps(told, ensure_ascii=False)) + "\n"
        path = _path(self.url)
        try:
            _append(path, line.encode())
        except OSError as error:
            why = f"{path} cannot be written: {error.strerror or error}"
            raise DeliveryFailed(self.name, why) from error


def check(url: str) -> str | None:
    """What is wrong with a URL; None: nothing that can be seen without writing."""
    try:
        parts = urlsplit(url)
        path = _path(url)
    except (ValueError, RuntimeError):
        return "it names no file: write file:///PATH"
    if parts.netloc not in ("", "localhost", "~"):
        return "write file:///PATH, with three slashes, or file://~/PATH"
    if parts.query or parts.fragment:
        return "file:// takes nothing behind the path; write %3F for ? and %23 for #"
    if "\0" in str(path) or not path.name or url.endswith("/"):
        return "it names no file: write file:///PATH"
    return None


def _path(url: str) -> Path:
    parts = urlsplit(url)
    path = unquote(parts.path)
    return Path.home() / path.lstrip("/") if parts.netloc == "~" else Path(path)


def _append(path: Path, line: bytes) -> None:
    # Not blocking, for a pipe that nobody reads would hold up the round.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, _MODE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a regular file")
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            line = b"\n" + line  # the last write was cut short: what it left is a line of its own
        if os.write(descriptor, line) != len(line):
            raise OSError(None, "it was written in part; the disk may be full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    encoded = character.encode("utf-16-be", "surrogatepass")
    return "".join(
        f"\\u{encoded[place]:02x}{encoded[place + 1]:02x}" for place in range(0, len(encoded), 2)
    )
