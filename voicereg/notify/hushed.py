"""What other people's code logs while it holds secrets: caught, so that no log ever sees it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOGGERS = (
    "apprise",
    # What Apprise's services send with; their debug output has paths and headers in it.
    "requests",
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
    "requests_oauthlib",
    "requests_oauthlib.oauth1_auth",
    "requests_oauthlib.oauth1_session",
    "requests_oauthlib.oauth2_session",
    "oauthlib",
    "oauthlib.oauth1.rfc5849",
    "oauthlib.oauth1.rfc5849.signature",
    "asyncio",
    "slixmpp",
    "paho.mqtt.client",
)
_caught: ContextVar[list[str] | None] = ContextVar("voicereg_notify_caught", default=None)


class _Catching(logging.Filter):
    """Lets nothing through that is logged in a context which is being hushed.

    By context and not by level or handler: others of the same program may use the same loggers
    at the same time. Apprise hands its context on to the threads that it starts.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        caught = _caught.get()
        if caught is None:
            return True
        if record.levelno >= logging.WARNING:
            caught.append(record.getMessage())
        return False


_CATCHING = _Catching()


@contextmanager
def hushed() -> Iterator[list[str]]:
    """What is logged as a warning or worse inside, instead of its being logged."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_CATCHING)  # once: a second time changes nothing
    caught: list[str] = []
    token = _caught.set(caught)
    try:
        yield caught
    finally:
        _caught.reset(token)
