"""What the endpoint answers, kept for a moment: however often it is asked, the database is not."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from voicereg.domain.clock import Clock, rfc3339
from voicereg.metrics.exposition import CONTENT_TYPE, expose
from voicereg.metrics.figures import read_figures, read_health
from voicereg.registry import Registry

KEPT_FOR = timedelta(seconds=5)
"""For how long an answer is given again; less than anybody leaves between two scrapes."""
_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json"
_AWAY = "the database cannot be read; the log says why"
_STOPPED = timedelta(seconds=5)
"""How long the end waits for an answer that is being made."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent to a client."""

    status: HTTPStatus
    body: bytes
    content_type: str = _PLAIN

    @classmethod
    def saying(cls, status: HTTPStatus, words: str) -> Answer:
        """An answer in a line of words."""
        return cls(status, f"{words}\n".encode())


class KeptAnswer:
    """An answer that is made anew when it is old. One thread makes it, and others wait for it."""

    def __init__(
        self, make: Callable[[], Answer], failed: Callable[[str], Answer], clock: Clock
    ) -> None:
        """Keep what one function makes.

        Args:
            make: reads the database.
            failed: the answer where that goes wrong, with the reason; kept as long.
            clock: says how old an answer is.
        """
        self._make = make
        self._failed = failed
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: Answer | None = None
        self._made_at = timedelta(0)
        self._is_closed = False

    def get(self) -> Answer:
        """The answer. Nothing is raised."""
        with self._lock:
            if self._is_closed:
                return self._failed("the program is about to end")
            now = self._clock.monotonic()
            if self._answer is None or now - self._made_at >= KEPT_FOR:
                self._answer = self._made()
                self._made_at = now
            return self._answer

    def close(self) -> None:
        """Read the database no more."""
        has_lock = self._lock.acquire(timeout=_STOPPED.total_seconds())
        self._is_closed = True
        if has_lock:
            self._lock.release()

    def _made(self) -> Answer:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one may go well
            # Not told to the client: it may be anybody, and it may name hosts and users.
            _logger.warning("figures cannot be read: %s: %s", type(error).__name__, error)
            return self._failed(_AWAY)


def metrics_of(registry: Registry, clock: Clock) -> KeptAnswer:
    """The figures of a registry, as Prometheus reads them."""

    def make() -> Answer:
        return Answer(HTTPStatus.OK, expose(read_figures(registry)), CONTENT_TYPE)

    def failed(why: str) -> Answer:
        return Answer.saying(HTTPStatus.SERVICE_UNAVAILABLE, why)

    return KeptAnswer(make, failed, clock)


def health_of(registry: Registry, max_age: timedelta, clock: Clock) -> KeptAnswer:
    """Whether housekeeping of a registry goes on.

    Args:
        registry: an open one.
        max_age: how old the last good round may be.
        clock: says how old an answer is.
    """

    def make() -> Answer:
        health = read_health(registry)
        age = None if health.age is None else round(health.age.total_seconds())
        return _health(health.problem(max_age), rfc3339(health.good_at), age, health.is_led)

    return KeptAnswer(make, _health, clock)


def _health(
    problem: str | None,
    good_at: str | None = None,
    age_seconds: int | None = None,
    is_led: bool | None = None,
) -> Answer:
    said = {
        "ok": problem is None,
        "last_good_round_at": good_at,
        "age_seconds": age_seconds,
        "leader": is_led,
    }
    if problem is not None:
        said["reason"] = problem
    status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, json.dumps(said).encode() + b"\n", _JSON)
