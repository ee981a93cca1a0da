"""A dead-man's switch: asked for after each good round; whoever misses that raises an alarm."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from voicereg.domain.errors import DeliveryFailed

TIMEOUT = timedelta(seconds=10)
_VARIABLE = "env:"
_NAME = "heartbeat"


def beat(url: str, *, environment: Mapping[str, str]) -> None:
    """Ask for a URL, and look at nothing that it answers but whether it does.

    Args:
        url: an http or https one, or ``env:NAME`` for the variable that holds it.
        environment: where variables are looked up.

    Raises:
        DeliveryFailed: nobody answered, or with an error; the URL is not shown.
    """
    if url.startswith(_VARIABLE):
        variable = url.removeprefix(_VARIABLE)
        url = environment.get(variable, "").strip()
        if not url:
            raise DeliveryFailed(_NAME, f"{variable} is not set", f"put its URL into {variable}")
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        raise DeliveryFailed(_NAME, "its URL is none") from None
    if scheme not in ("http", "https"):
        raise DeliveryFailed(_NAME, "its URL is neither http nor https")
    try:
        with urllib.request.urlopen(  # noqa: S310 - the scheme was looked at
            urllib.request.Request(url, headers={"User-Agent": "voicereg"}),  # noqa: S310
            timeout=TIMEOUT.total_seconds(),
        ) as answer:
            answer.read(1)
    except HTTPError as error:
        error.close()
        raise DeliveryFailed(_NAME, f"it answered HTTP {error.code}") from None
    except URLError as error:
        known = isinstance(error.reason, Exception)
        reason = type(error.reason).__name__ if known else "its URL names no host"
        raise DeliveryFailed(_NAME, reason) from None
    except (OSError, ValueError, HTTPException) as error:
        # Some of them would show the URL.
        raise DeliveryFailed(_NAME, type(error).__name__) from None
