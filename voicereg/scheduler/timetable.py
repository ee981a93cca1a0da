"""When rounds are due: a cron expression, read as cron itself reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from voicereg.domain.errors import InvalidInput, Problem

LOOKS_BACK = timedelta(days=31)
"""Rounds missed before that are not counted one by one."""
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Due:
    """A round that the schedule wants now."""

    at: datetime
    missed: int
    """Earlier ones that nobody ran, and that it stands for, too."""


class Timetable:
    """The times of a cron expression.

    Args:
        expression: five fields: minute, hour, day of the month, month, day of the week (0 and 7
            are Sunday). Where both days are restricted, either will do, as with cron.
        timezone: whose clock it is read by; None: the machine's.

    Raises:
        InvalidInput: it is no such expression, or names no time that ever comes.
    """

    def __init__(self, expression: str, timezone: str | None = None) -> None:
        self.expression = expression
        self._trigger = _trigger(expression, None if timezone is None else ZoneInfo(timezone))
        if self.next_after(datetime.now(UTC)) is None:
            raise _refused(expression, "no such time ever comes")

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in UTC; None: there is none."""
        # The trigger gives a time that is its own answer again.
        found = self._trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
        return None if found is None else found.astimezone(UTC)

    def due(self, since: datetime, now: datetime) -> Due | None:
        """The last time after one moment and not after another; None: there is none.

        Args:
            since: when the last round was due that was run.
            now: the present.
        """
        last, count = None, 0
        found = self.next_after(max(since, now - LOOKS_BACK))
        while found is not None and found <= now:
            last, count = found, count + 1
            found = self.next_after(found)
        return None if last is None else Due(last, count - 1)


def _trigger(expression: str, timezone: tzinfo | None) -> Any:
    fields = expression.split()
    if len(fields) != 5:
        raise _refused(expression, "it must have five fields, such as 17 */6 * * *")
    minute, hour, day, month, weekday = fields
    try:
        weekdays = _weekdays(weekday)
        times = {"minute": minute, "hour": hour, "month": month, "timezone": timezone}
        if day != _ANY and weekdays != _ANY:
            return OrTrigger(
                [CronTrigger(day=day, **times), CronTrigger(day_of_week=weekdays, **times)]
            )
        return CronTrigger(day=day, day_of_week=weekdays, **times)
    except ValueError as error:
        raise _refused(expression, str(error)) from None


def _weekdays(field: str) -> str:
    """Days of the week by their names: APScheduler counts from Monday, cron from Sunday."""
    chosen: set[int] = set()
    for part in field.lower().split(","):
        match = re.fullmatch(r"(\*|[a-z]{3}|[0-7])(?:-([a-z]{3}|[0-7]))?(?:/([1-9]))?", part)
        if match is None:
            raise ValueError(f"{field!r} names no days of the week")
        first, last, step = match.groups()
        if first == _ANY:
            begin, end = 0, 6
        else:
            begin = _weekday(first)
            # With a step and no end, cron goes on to the end of the week.
            end = _weekday(last) if last else (6 if step else begin)
        if end < begin:
            end += 7  # from Friday to Monday, or to a Sunday that is called 7
        chosen |= {number % 7 for number in range(begin, end + 1, int(step or 1))}
    return _ANY if len(chosen) == 7 else ",".join(_DAYS[number] for number in sorted(chosen))


def _weekday(name: str) -> int:
    if name.isdigit():
        return int(name)
    if name not in _DAYS:
        raise ValueError(f"{name!r} is no day of the week")
    return _DAYS.index(name)


def _refused(expression: str, why: str) -> InvalidInput:
    return InvalidInput(Problem("schedule.round", expression, why))
