"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    """It works; somebody should look at it."""
    WRONG = "wrong"
    """It does not work."""
    SKIPPED = "skipped"
    """It could not be looked at, or was not to be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What was looked at, for programs: a word or two with a dot between."""
    outcome: Outcome
    """How it is."""
    what: str
    """How it is, without any secret."""
    advice: str | None = None
    """How to mend it; None: there is nothing to be done."""

    def as_dict(self) -> dict[str, Any]:
        """The finding with the keys that JSON output shows."""
        return {
            "check": self.check,
            "outcome": self.outcome.value,
            "what": self.what,
            "advice": self.advice,
        }


FINDING_KEYS = ("check", "outcome", "what", "advice")
"""The keys of :meth:`Finding.as_dict`, in order."""


def ok(check: str, what: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Outcome.OK, what)


def warning(check: str, what: str, advice: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(check, Outcome.WARNING, what, advice)


def wrong(check: str, what: str, advice: str | None) -> Finding:
    """It does not work."""
    return Finding(check, Outcome.WRONG, what, advice)


def skipped(check: str, what: str) -> Finding:
    """It was not looked at."""
    return Finding(check, Outcome.SKIPPED, what)
