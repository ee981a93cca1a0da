"""A dead-man's switch: asked for after each good round; whoever misses that raises an alarm."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from voicereg.domain.errors import HeartbeatFailed

TIMEOUT = timedelta(seconds=10)
_VARIABLE = "env:"
_SCHEMES = ("http", "https")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few, and none to FTP, which the standard's own would."""

    max_redirections = 3

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """What to ask for next; None: nothing, and the redirect itself is the answer."""
        if urlsplit(newurl).scheme not in _SCHEMES:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def beat(url: str, *, environment: Mapping[str, str]) -> None:
    """Ask for a URL, and look at nothing that it answers but whether it does.

    Args:
        url: an http or https one, or ``env:NAME`` for the variable that holds it.
        environment: where variables are looked up.

    Raises:
        HeartbeatFailed: nobody answered, or with an error; the URL is not shown.
    """
    if url.startswith(_VARIABLE):
        variable = url.removeprefix(_VARIABLE)
        url = environment.get(variable, "").strip()
        if not url:
            raise HeartbeatFailed(f"{variable} is not set", f"put its URL into {variable}")
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        raise HeartbeatFailed("its URL is none") from None
    if scheme not in _SCHEMES:
        raise HeartbeatFailed("its URL is neither http nor https")
    try:
        with urllib.request.build_opener(_Redirects).open(
            urllib.request.Request(url, headers={"User-Agent": "voicereg"}),  # noqa: S310 - see above
            timeout=TIMEOUT.total_seconds(),
        ) as answer:
            answer.read(1)
    except HTTPError as error:
        error.close()
        raise HeartbeatFailed(f"it answered HTTP {error.code}") from None
    except URLError as error:
        known = isinstance(error.reason, Exception)
        reason = type(error.reason).__name__ if known else "its URL names no host"
        raise HeartbeatFailed(reason) from None
    except (OSError, ValueError, HTTPException) as error:
        # Some of them would show the URL.
        raise HeartbeatFailed(type(error).__name__) from None
