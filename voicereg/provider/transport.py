"""The only module that knows httpx: one pool of connections, and what can go wrong on it."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import httpx

from voicereg.domain.clock import Clock
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.provider_errors import AnswerUnreadable, ConnectionLost, NotConnected
from voicereg.provider.answers import RawAnswer
from voicereg.provider.endpoints import Endpoint
from voicereg.settings import CreateSettings
from voicereg.version import __version__

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""A preview of 1,024 characters at 48 kHz is under 20 MB, a third more as Base64."""


class Transport:
    """Sends JSON to one endpoint with one key.

    Safe to use from several threads. The key stays in the client's headers: it is in no message,
    is taken out of answers that repeat it, and goes to no other host: redirects are not followed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: str,
        *,
        timeouts: CreateSettings,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Raises InvalidInput for a key that no header can hold, and for an unusable proxy."""
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            # httpx's own error would repeat the key.
            raise InvalidInput(
                Problem("API key", "", "it is empty, or holds a space, a line end or the like")
            )
        headers = {
            "Authorization": f"Bearer {key}",
            "User-Agent": f"voicereg/{__version__} python/{platform.python_version()}",
        }
        if endpoint.workspace is not None:
            headers["X-DashScope-WorkSpace"] = endpoint.workspace
        self._endpoint = endpoint
        self._key = key.encode("ascii")
        self._clock = clock
        self._longest = timeouts.write_timeout + timeouts.read_timeout
        self._options: dict[str, Any] = {
            "timeout": httpx.Timeout(
                connect=timeouts.connect_timeout.total_seconds(),
                write=timeouts.write_timeout.total_seconds(),
                read=timeouts.read_timeout.total_seconds(),
                pool=timeouts.pool_timeout.total_seconds(),
            ),
            "limits": httpx.Limits(max_connections=20, max_keepalive_connections=10),
            "follow_redirects": False,
            "trust_env": not endpoint.is_loopback,  # no proxy is asked for this very machine
            "transport": transport,
        }
        try:
            self._client = httpx.Client(
                headers=headers,
                # A sandbox speaks plain HTTP, and loading every certificate takes a while. (Links
                # go to other hosts, through another client.)
                verify=endpoint.base_url.lower().startswith("https:"),
                **self._options,
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise InvalidInput(
                Problem("proxy", "", "the one that the environment names cannot be used"),
                advice="check HTTPS_PROXY and ALL_PROXY; a SOCKS proxy needs the package socksio",
            ) from None

    @cached_property
    def _downloads(self) -> httpx.Client:
        """A client without the key, for links to other hosts."""
        return httpx.Client(**self._options)

    def post(self, path: str, body: Mapping[str, Any]) -> RawAnswer:
        """Send ``body`` to ``path`` below the base, once.

        Raises:
            NotConnected: it certainly never left.
            ConnectionLost: it may have been carried out.
            AnswerUnreadable: the answer is larger than any that makes sense, or badly encoded.
        """
        started = self._clock.monotonic()
        try:
            with self._client.stream("POST", self._endpoint.base_url + path, json=body) as response:
                content = self._read(response, started)
        except _NEVER_LEFT as error:
            raise NotConnected(self._endpoint.host, _cause(error)) from error
        except httpx.DecodingError as error:
            raise AnswerUnreadable(_cause(error), status=response.status_code) from error
        except httpx.TransportError as error:
            raise ConnectionLost(self._endpoint.host, _cause(error)) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return RawAnswer(response.status_code, headers, content)

    def _read(self, response: httpx.Response, started: timedelta) -> bytes:
        """The body, within bounds of size and time: a read timeout alone counts per piece."""
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _LARGEST_ANSWER_BYTES:
                raise AnswerUnreadable("it is too large", status=response.status_code)
            if self._clock.monotonic() - started > self._longest:
                raise ConnectionLost(
                    self._endpoint.host, f"no end after {int(self._longest.total_seconds())} s"
                )
        # Some answers repeat the key, to say that it is wrong; it must not be shown with them.
        return bytes(content).replace(self._key, b"[API key]")

    def download(self, url: str, deliver: Callable[[bytes], None], *, largest_bytes: int) -> None:
        """Fetch a file that an answer links to. No key goes with it, and no redirect is followed.

        Args:
            url: http or https.
            deliver: takes the file, piece by piece.
            largest_bytes: more than that is not taken.

        Raises:
            AnswerUnreadable: another scheme, another answer than the file, or too large a file.
            ConnectionLost: it broke, or could not be made: the file may still be there.
        """
        shown = url[:200]
        if not url.lower().startswith(("https://", "http://")):
            raise AnswerUnreadable(f"its link is neither http nor https: {shown}", status=200)
        size = 0
        try:
            request = self._downloads.build_request("GET", url)
            host = request.url.netloc.decode("ascii")
        except (httpx.InvalidURL, ValueError):
            raise AnswerUnreadable(f"its link is no URL: {shown!a}", status=200) from None
        try:
            with closing(self._downloads.send(request, stream=True)) as response:
                if response.status_code != 200:
                    raise AnswerUnreadable(
                        "the file that it links to cannot be had", status=response.status_code
                    )
                for piece in response.iter_bytes():
                    size += len(piece)
                    if size > largest_bytes:
                        raise AnswerUnreadable("the file that it links to is too large", status=200)
                    deliver(piece)
        except httpx.UnsupportedProtocol as error:
            raise AnswerUnreadable(f"its link is no URL: {shown!a}", status=200) from error
        except httpx.DecodingError as error:
            raise AnswerUnreadable(_cause(error), status=200) from error
        except httpx.TransportError as error:
            raise ConnectionLost(host, _cause(error)) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if "_downloads" in self.__dict__:
            self._downloads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _cause(error: Exception) -> str:
    """A few words for people, from the class where the text is empty."""
    if isinstance(error, httpx.TimeoutException):
        return {
            "ConnectTimeout": "connecting timed out",
            "ReadTimeout": "no answer in time",
            "WriteTimeout": "sending timed out",
            "PoolTimeout": "no free connection",
        }.get(type(error).__name__, "timed out")
    # "[Errno 111] Connection refused" without the number, which helps nobody.
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
