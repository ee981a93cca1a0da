"""When a request may be sent again, and how long to wait before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TypeVar

from voicereg.domain.clock import Sleep
from voicereg.domain.errors import ProviderProblem
from voicereg.domain.provider_errors import (
    AnswerUnreadable,
    ConnectionLost,
    NotConnected,
    ProviderFault,
    RateLimited,
)
from voicereg.settings import CONNECT_TRIES, LONGEST_ASKED_WAIT, LONGEST_BACKOFF

_logger = logging.getLogger(__name__)
T = TypeVar("T")

OUTCOME_UNKNOWN = (ConnectionLost, AnswerUnreadable, ProviderFault)
"""The request may have been carried out."""
SAFE_TO_REPEAT = (NotConnected, RateLimited, *OUTCOME_UNKNOWN)
"""For reads and deletes: asking twice changes nothing."""
NEVER_BEGAN = (NotConnected, RateLimited)
"""For synthesis, whose audio is delivered as it comes."""
NEVER_ARRIVED = (NotConnected,)
"""For creates: only what certainly did not leave may be sent again."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, with full jitter."""

    rng: Random
    sleep: Sleep
    tries: int = CONNECT_TRIES
    first: timedelta = timedelta(milliseconds=500)
    longest: timedelta = LONGEST_BACKOFF
    longest_asked: timedelta = LONGEST_ASKED_WAIT
    """A ``Retry-After`` beyond this is left to the caller."""

    def run(self, attempt: Callable[[], T], repeat_on: tuple[type[ProviderProblem], ...]) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or has been tried often enough.

        Raises:
            ProviderProblem: the last failure.
        """
        for number in range(1, self.tries + 1):
            try:
                return attempt()
            except repeat_on as problem:
                wait = self._wait(number, problem)
                if wait is None:
                    raise
                _logger.info(
                    "try %d of %d: %s; again in %.1f s",
                    number,
                    self.tries,
                    problem,
                    wait.total_seconds(),
                )
                self.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _wait(self, number: int, problem: ProviderProblem) -> timedelta | None:
        if number == self.tries:
            return None
        asked: timedelta | None = getattr(problem, "retry_after", None)
        if asked is not None:
            return asked if asked <= self.longest_asked else None
        ceiling = min(self.longest, self.first * 2.0 ** (number - 1))
        return ceiling * self.rng.random()
