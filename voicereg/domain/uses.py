"""Uses of voices: what was noted, what is kept of it, and what a chart is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family

FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far ahead of the registry's clock a use may lie; clocks of several hosts differ."""
LONGEST_SOURCE = 100
"""Characters of a source's name."""


@dataclass(frozen=True, slots=True)
class UseNote:
    """Uses of one voice, by one source, on one day."""

    reference: str
    """The provider's id of the voice, or the registry's."""
    source: str
    day: date
    """In UTC."""
    uses: int
    last_at: datetime
    """The latest of them."""


@dataclass(frozen=True, slots=True)
class DailyUses:
    """How often a voice was used on one day, by one source."""

    day: date
    source: str
    uses: int

    def as_dict(self) -> dict[str, Any]:
        """The count with the keys that JSON output shows."""
        return {"day": self.day.isoformat(), "source": self.source, "uses": self.uses}


@dataclass(frozen=True, slots=True)
class FamilyUses:
    """How often the voices of a family were used on one day."""

    day: date
    """In UTC."""
    family: Family
    uses: int


@dataclass(frozen=True, slots=True)
class MonthlyUses:
    """How often voices were used in one month."""

    month: date
    """Its first day, in UTC."""
    by_family: Mapping[Family, int]
    """Of every family."""

    @property
    def total(self) -> int:
        """Of all families."""
        return sum(self.by_family.values())


@dataclass(frozen=True, slots=True)
class UsesRecorded:
    """What became of notes when they were written."""

    uses: int
    voices: int
    """Voices that they were for."""
    unclaimed: Mapping[str, int]
    """Uses of voices on no record, by id; they are kept until a sync finds the voice."""


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line of a file that was passed over."""

    line: int
    why: str


@dataclass(slots=True)
class UsesImported:
    """What was found in a file of uses."""

    lines: int = 0
    uses: int = 0
    """Uses that were counted."""
    voices: set[str] = field(default_factory=set)
    """The ids that they were for."""
    unclaimed: dict[str, int] = field(default_factory=dict)
    """Uses of voices on no record, by id; they are kept until a sync finds the voice."""
    bad_lines: int = 0
    """Lines that were passed over."""
    problems: list[LineProblem] = field(default_factory=list)
    """Of the first of them, why."""
    skipped_bytes: int = 0
    """How much of the file had been read before."""

    def as_dict(self) -> dict[str, Any]:
        """What was found, with the keys that JSON output shows."""
        return {
            "lines": self.lines,
            "uses": self.uses,
            "voices": len(self.voices),
            "unclaimed": dict(sorted(self.unclaimed.items())),
            "bad_lines": self.bad_lines,
            "problems": [{"line": one.line, "why": one.why} for one in self.problems],
            "skipped_bytes": self.skipped_bytes,
        }


def first_month(today: date, months: int) -> date:
    """The first day of the first of so many months, of which today's is the last."""
    passed = today.year * 12 + today.month - months
    return date(passed // 12, passed % 12 + 1, 1)


def by_month(daily: Iterable[FamilyUses], today: date, months: int) -> list[MonthlyUses]:
    """Uses summed up by month, every month and family among them, oldest first.

    Args:
        daily: of days since :func:`first_month`.
        today: in UTC; a use may lie a few minutes ahead, and counts for its month.
        months: how many, that of today included.
    """
    sums: dict[date, dict[Family, int]] = {}
    for number in range(months, 0, -1):
        sums[first_month(today, number)] = dict.fromkeys(Family, 0)
    last = first_month(today, 1)
    for one in daily:
        month = min(one.day.replace(day=1), last)
        if month in sums:
            sums[month][one.family] += one.uses
    return [MonthlyUses(month, uses) for month, uses in sums.items()]


def check_use(*, at: datetime | None, count: int, source: str | None, now: datetime) -> None:
    """Refuse what can be no use.

    Args:
        at: when it was; None: now.
        count: how many there were.
        source: who used it.
        now: the moment that the future begins at.

    Raises:
        InvalidInput: a time without a zone or in the future, a count below 1, an odd source.
    """
    problems = []
    if at is not None and at.utcoffset() is None:
        problems.append(Problem("at", str(at), "a time needs a zone, such as Z or +08:00"))
    elif at is not None and at > now + FUTURE_TOLERANCE:
        problems.append(Problem("at", str(at), "it is in the future"))
    elif at is not None and not _is_in_utc(at):
        problems.append(Problem("at", str(at), "it is too long ago"))
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
        problems.append(Problem("count", str(count), f"it is a number from 1 to {_MOST}"))
    if source is not None and not is_source(source):
        problems.append(_odd_source(source))
    if problems:
        raise InvalidInput(*problems)


def check_source(source: str) -> None:
    """Refuse what can name no source.

    Raises:
        InvalidInput: it is too long, or has characters that nobody sees.
    """
    if not is_source(source):
        raise InvalidInput(_odd_source(source))


def _odd_source(source: object) -> Problem:
    what = f"it is 1 to {LONGEST_SOURCE} visible characters"
    return Problem("source", ascii(source)[:LONGEST_SOURCE], what)


def _is_in_utc(at: datetime) -> bool:
    """Whether there is such a time in UTC: the calendar begins with the year 1."""
    try:
        at.astimezone(UTC)
    except OverflowError:
        return False
    return True


_MOST = 1_000_000_000


def is_source(value: object) -> bool:
    """Whether ``value`` can be the name of a source."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_SOURCE
        and value.isprintable()
        and bool(value.strip())
    )
