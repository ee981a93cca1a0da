"""Audio files that are fetched by their URL: no key needed, for a day.

They are on this very server, at paths outside of the API. As at the provider's storage, the
query is part of the URL: without it, nothing is handed out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from voicereg.sandbox.replies import Reply

#: Where the paths of this begin.
PREFIX = "/sandbox/audio/"
#: How long a file can be had.
LIFETIME = timedelta(hours=24)
#: How much is kept of all files, in bytes, but for the newest, which is always there.
MOST_BYTES = 256 * 1024 * 1024

_CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "pcm": "application/octet-stream",
}


@dataclass(frozen=True, slots=True)
class Download:
    """One request for an audio file.

    Attributes:
        at: when, by the sandbox's clock (aware, UTC).
        path: the whole path, with the query.
        status: the HTTP status of the answer.
        with_key: whether there was an ``Authorization`` header, which must not be.
    """

    at: datetime
    path: str
    status: int
    with_key: bool


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that can be fetched.

    Attributes:
        id: names the audio; the provider's answers give it as ``output.audio.id``.
        url: where it can be had.
        expires_at: until when (aware, UTC).
    """

    id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    content_type: str
    signature: str
    expires_at: datetime


class Shelf:
    """Keeps audio files until they are fetched or forgotten.

    Args:
        root: where the server is, such as ``http://127.0.0.1:8080``.
        clock: returns the time now, aware and in UTC.
        token: returns a text that nobody can guess, safe in a URL.
        remembered: how many downloads are remembered.
    """

    def __init__(
        self,
        *,
        root: str,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        remembered: int,
    ) -> None:
        self._root = root
        self._clock = clock
        self._token = token
        self._lock = threading.Lock()
        self._files: dict[str, _Kept] = {}
        self._bytes = 0
        self._downloads: deque[Download] = deque(maxlen=remembered)

    def put(self, data: bytes, extension: str) -> SharedFile:
        """Make a file that can be fetched; the oldest is forgotten where there are too many.

        Args:
            data: what is in it.
            extension: ``wav``, ``mp3``, ``opus`` or ``pcm``.
        """
        name, signature = self._token(), self._token()
        expires_at = self._clock() + LIFETIME
        path = f"{PREFIX}{name}.{extension}"
        with self._lock:
            self._bytes += len(data)
            while self._files and self._bytes > MOST_BYTES:
                self._bytes -= len(self._files.pop(next(iter(self._files))).data)
            self._files[path] = _Kept(data, _CONTENT_TYPES[extension], signature, expires_at)
        query = urlencode({"Expires": int(expires_at.timestamp()), "Signature": signature})
        return SharedFile(f"audio_{name}", f"{self._root}{path}?{query}", expires_at)

    def nothing(self) -> SharedFile:
        """Return a file that is not there."""
        return SharedFile("audio_none", f"{self._root}{PREFIX}none.wav", self._clock() + LIFETIME)

    def answer(self, method: str, path: str, *, with_key: bool) -> Reply:
        """Answer a request for a file: 404 for none, 403 for one that can be had no more.

        Args:
            method: such as ``GET``.
            path: the whole path, with the query.
            with_key: whether there was an ``Authorization`` header.
        """
        now = self._clock()
        reply = self._found(method, path, now)
        with self._lock:
            self._downloads.append(Download(now, path, reply.status, with_key))
        return reply

    def downloads(self) -> tuple[Download, ...]:
        """Return the newest requests for files, oldest first."""
        with self._lock:
            return tuple(self._downloads)

    def _found(self, method: str, path: str, now: datetime) -> Reply:
        parts = urlsplit(path)
        with self._lock:
            kept = self._files.get(parts.path)
        if kept is None:
            return _refusal(404, "NoSuchKey")
        if method not in ("GET", "HEAD"):
            return _refusal(405, "MethodNotAllowed")
        if now >= kept.expires_at or parse_qs(parts.query).get("Signature") != [kept.signature]:
            return _refusal(403, "AccessDenied")
        return Reply(200, kept.data, kept.content_type)


def _refusal(status: int, code: str) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>\n'
    return Reply(status, text.encode(), "application/xml")
