"""Deadlines of many voices: how urgent each is, and how many there are in each week to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WEEKS = 53
"""A voice used just now has a year, which is 52 weeks and a day."""


class Urgency(StrEnum):
    """How near a deadline is; the most urgent first."""

    ANY_DAY = "any_day"
    """It is past."""
    WEEK = "week"
    MONTH = "month"
    TWO_MONTHS = "two_months"
    LATER = "later"


WITHIN: Mapping[Urgency, timedelta] = {
    Urgency.ANY_DAY: timedelta(0),
    Urgency.WEEK: timedelta(days=7),
    Urgency.MONTH: timedelta(days=30),
    Urgency.TWO_MONTHS: timedelta(days=60),
}
"""How much time is left at most."""


@dataclass(frozen=True, slots=True)
class Week:
    """The deadlines of one week, counted from the moment that somebody looks."""

    begins_at: datetime
    ends_at: datetime
    counts: Mapping[Urgency, int]
    """How many there are; only urgencies that the week has a part in."""

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Timeline:
    """The deadlines of a year."""

    any_day: int
    """Those that are past."""
    weeks: Sequence[Week]

    @property
    def total(self) -> int:
        """How many there are in all."""
        return self.any_day + sum(week.total for week in self.weeks)

    def within(self, urgency: Urgency) -> int:
        """How many are as urgent as that, or more."""
        wanted = list(Urgency)[: list(Urgency).index(urgency) + 1]
        return self.any_day + sum(
            count for week in self.weeks for one, count in week.counts.items() if one in wanted
        )


def urgency_of(left: timedelta) -> Urgency:
    """How urgent it is with so much time left."""
    return next((one for one, within in WITHIN.items() if left <= within), Urgency.LATER)


def boundaries(now: datetime) -> list[datetime]:
    """The moments up to which deadlines have to be counted for a :func:`timeline`."""
    ends = {timedelta(days=7 * number) for number in range(WEEKS + 1)}
    return [now + left for left in sorted(ends | set(WITHIN.values()))]


def timeline(now: datetime, counts: Sequence[int]) -> Timeline:
    """Deadlines by week.

    Args:
        now: the beginning of the first week.
        counts: how many deadlines lie at or before each of the :func:`boundaries`.
    """
    moments = boundaries(now)
    by_week: list[dict[Urgency, int]] = [{} for _ in range(WEEKS)]
    for place in range(1, len(moments)):
        begins, ends = moments[place - 1] - now, moments[place] - now
        week = by_week[begins // timedelta(days=7)]
        week[urgency_of(ends)] = counts[place] - counts[place - 1]
    week_long = timedelta(days=7)
    return Timeline(
        any_day=counts[0],
        weeks=tuple(
            Week(now + number * week_long, now + (number + 1) * week_long, week)
            for number, week in enumerate(by_week)
        ),
    )
