"""Everything that a monitoring system is told, read from a registry at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE, StepState
from voicereg.registry import Registry
from voicereg.registry.figures import FamilyFigures, KeepAliveFigures, MessageFigures
from voicereg.version import __version__


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """Rounds of housekeeping, on whatever host."""

    started_at: datetime | None
    """When the last one began; None: there was none, here and below."""
    finished_at: datetime | None
    """When the last one that came to its end did so."""
    good_at: datetime | None
    """When the last one in which every step went well came to its end."""
    is_under_way: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known."""

    read_at: datetime
    version: str
    schema_revision: str | None
    """What the database is at."""
    families: Sequence[FamilyFigures]
    """Of each account and each of its families."""
    rounds: RoundFigures
    steps: Sequence[StepState]
    is_led: bool
    """Whether a scheduler leads, on whatever host."""
    messages: Sequence[MessageFigures]
    keep_alives: Sequence[KeepAliveFigures]

    def as_dict(self) -> dict[str, Any]:
        """The figures with the keys that JSON output shows."""
        return {
            "read_at": rfc3339(self.read_at),
            "version": self.version,
            "schema_revision": self.schema_revision,
            "quotas": [family.quota.as_dict() for family in self.families],
            "voices": [_voices(family) for family in self.families],
            "rounds": {
                "last_started_at": rfc3339(self.rounds.started_at),
                "last_finished_at": rfc3339(self.rounds.finished_at),
                "last_good_at": rfc3339(self.rounds.good_at),
                "under_way": self.rounds.is_under_way,
            },
            "steps": [step.as_dict() for step in self.steps],
            "leader": self.is_led,
            "messages": [
                {
                    "channel": one.channel,
                    "outcome": outcome_of(one),
                    "last_day": one.recent,
                    "last_at": rfc3339(one.last_at),
                }
                for one in self.messages
            ],
            "keep_alives": [
                {"account": one.account, "last_day": one.done, "failed_last_day": one.failed}
                for one in self.keep_alives
            ],
        }


@dataclass(frozen=True, slots=True)
class Health:
    """Whether housekeeping goes on, which is known to stop without a word."""

    read_at: datetime
    good_at: datetime | None
    """When the last good round came to its end; None: there was none."""
    is_led: bool
    """Whether a scheduler leads, on whatever host."""

    @property
    def age(self) -> timedelta | None:
        """How long ago the last good round was; None: there was none."""
        return None if self.good_at is None else self.read_at - self.good_at

    def problem(self, max_age: timedelta) -> str | None:
        """Why not all is well, where the last good round may be so old; None: all is."""
        if self.age is None:
            return "no round of housekeeping has gone well yet"
        if self.age < -max_age:
            # It was told the time by a clock that was wrong, and nothing is known since.
            return f"the last good round of housekeeping was {-self.age} in the future"
        if self.age > max_age:
            return f"the last good round of housekeeping was {self.age} ago; {max_age} is allowed"
        return None


def read_figures(registry: Registry) -> Figures:
    """Read everything. The time it takes grows with accounts; in voices it is one walk over an
    index.

    Raises:
        DatabaseProblem: it cannot be read.
    """
    started = registry.rounds.latest(1)
    return Figures(
        read_at=registry.figures.now(),
        version=__version__,
        schema_revision=registry.figures.schema_revision(),
        families=registry.figures.families(),
        rounds=RoundFigures(
            started_at=started[0].started_at if started else None,
            finished_at=registry.figures.last_finished_at(),
            good_at=_last_good_at(registry),
            is_under_way=registry.leases.holder(ROUND_LEASE) is not None,
        ),
        steps=registry.rounds.steps(),
        is_led=registry.leases.holder(LEADER_LEASE) is not None,
        messages=registry.figures.messages(),
        keep_alives=registry.figures.keep_alives(),
    )


def read_health(registry: Registry) -> Health:
    """Read when housekeeping last went well, and nothing else.

    Raises:
        DatabaseProblem: it cannot be read.
    """
    return Health(
        read_at=registry.figures.now(),
        good_at=_last_good_at(registry),
        is_led=registry.leases.holder(LEADER_LEASE) is not None,
    )


def outcome_of(messages: MessageFigures) -> str:
    """What became of messages, in a word."""
    return "unsettled" if messages.outcome is None else messages.outcome.value


def _last_good_at(registry: Registry) -> datetime | None:
    last = registry.rounds.last_good()
    return None if last is None else last.finished_at


def _voices(family: FamilyFigures) -> dict[str, Any]:
    return {
        "account": family.quota.account,
        "family": family.quota.family.value,
        "states": {state.value: count for state, count in family.voices.items()},
        "soonest_deadline_at": rfc3339(family.soonest_deadline_at),
        "past_deadline": family.past_deadline,
        "due_within_days": {str(mark): count for mark, count in family.due.items()},
        "unresolved_since": rfc3339(family.unresolved_since),
    }
