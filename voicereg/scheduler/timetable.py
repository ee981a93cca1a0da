"""When rounds are due: a cron expression, read as cron itself reads it.

APScheduler's own reading is not used: it counts the days of the week from Monday, runs what exists
twice in autumn twice, loses most of what does not exist in spring, and passes over what it does not
understand behind the name of a month.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from voicereg.domain.errors import InvalidInput, Problem

_DAY = timedelta(days=1)
_LEAP_YEAR = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Due:
    """A round that the schedule wants now."""

    at: datetime
    missed: int
    """Earlier ones that nobody ran, and that it stands for, too."""


class Timetable:
    """The times of a cron expression.

    When clocks are put forward, a time that is left out is due as much later as they were put
    forward. When they are put back, a time that comes twice is due the first time; a schedule of
    every hour is due in each hour that passes.

    Args:
        expression: five fields: minute, hour, day of the month, month, day of the week (0 and 7
            are Sunday). Where both days are restricted, which what begins with ``*`` is not,
            either will do, as with cron.
        timezone: whose clock it is read by; None: the machine's.

    Raises:
        InvalidInput: it is no such expression, or names no time that ever comes.
    """

    def __init__(self, expression: str, timezone: str | None = None) -> None:
        self.expression = expression
        self._zone = None if timezone is None else ZoneInfo(timezone)
        fields = expression.split()
        if len(fields) != len(_FIELDS):
            raise self._refused("it must have five fields, such as 17 */6 * * *")
        try:
            chosen = [field.read(text) for field, text in zip(_FIELDS, fields, strict=True)]
        except ValueError as error:
            raise self._refused(str(error)) from None
        minutes, hours, days, months, weekdays = chosen
        self._minutes, self._hours = sorted(minutes), sorted(hours)
        self._days, self._months = days, months
        self._weekdays = {number % 7 for number in weekdays}
        self._either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
        if not self._either_day and all(min(days) > _LEAP_YEAR[month - 1] for month in months):
            raise self._refused("no such time ever comes")

    def next_after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC."""
        # From the day before: where clocks are put forward, its times may come later.
        day = self._day_of(moment) - _DAY
        while True:
            for found in self._times_on(day, moment):
                if found > moment:
                    return found
            day += _DAY

    def due(self, since: datetime, now: datetime) -> Due | None:
        """The last time after one moment and not after another; None: there is none.

        Args:
            since: when the last round was due that was run.
            now: the present.
        """
        last, count = since, 0
        day, end = self._day_of(since) - _DAY, self._day_of(now)
        while day <= end:
            begins, ends = self._moment(day, time()), self._moment(day + _DAY, time())
            if last < begins and ends <= now and ends - begins == _DAY:
                # A whole day on which no clock is changed.
                if self._is_on(day):
                    count += len(self._hours) * len(self._minutes)
                    last = self._moment(day, time(self._hours[-1], self._minutes[-1]))
            else:
                for found in self._times_on(day, last):
                    if last < found <= now:
                        last, count = found, count + 1
            day += _DAY
        return Due(last, count - 1) if count else None

    def _day_of(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    def _moment(self, day: date, clock: time) -> datetime:
        # Without a zone, Python takes it for the machine's.
        return datetime.combine(day, clock, tzinfo=self._zone).astimezone(UTC)

    def _is_on(self, day: date) -> bool:
        if day.month not in self._months:
            return False
        of_month, of_week = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        return of_month or of_week if self._either_day else of_month and of_week

    def _times_on(self, day: date, since: datetime) -> Sequence[datetime]:
        """The times of a day in order; those up to a moment may be left out."""
        if not self._is_on(day):
            return ()
        return sorted(set(self._all_times_on(day, since)))

    def _all_times_on(self, day: date, since: datetime) -> Iterator[datetime]:
        folds = (0, 1) if len(self._hours) == 24 else (0,)
        for hour in self._hours:
            if max(self._moment(day, time(hour, 59, fold=fold)) for fold in (0, 1)) <= since:
                continue
            for minute in self._minutes:
                first = self._moment(day, time(hour, minute))
                # The second is later where the time comes twice, earlier where it is left out.
                yield from (
                    found
                    for fold in folds
                    for found in (self._moment(day, time(hour, minute, fold=fold)),)
                    if found >= first
                )

    def _refused(self, why: str) -> InvalidInput:
        return InvalidInput(Problem("schedule.round", self.expression, why))


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    """Of its numbers, from the lowest on."""
    last: int | None = None
    """Where ``*`` ends, if not at the highest."""

    @property
    def end(self) -> int:
        return self.highest if self.last is None else self.last

    def read(self, text: str) -> set[int]:
        """The numbers that a field names. Raises ValueError where it is none."""
        chosen: set[int] = set()
        for part in text.lower().split(","):
            match = re.fullmatch(
                r"(?:(\*)|([a-z]+|[0-9]{1,2})(?:-([a-z]+|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?", part
            )
            if match is None:
                raise ValueError(f"{text!r} names no {self.name}")
            star, first, last, step = match.groups()
            begin = self.lowest if star else self._number(first)
            # With a step and no end, it goes on to the end, as with a star.
            end = self._number(last) if last else self.end if star or step else begin
            if end < begin and self.last is not None:
                end += len(self.names)  # the week goes round: from Friday to Monday
            if end < begin:
                raise ValueError(f"{part!r} ends before it begins")
            every = int(step or 1)
            if not 1 <= every <= self.end - self.lowest + 1:
                raise ValueError(f"{part!r}: there is no such step of a {self.name}")
            chosen |= set(range(begin, end + 1, every))
        return chosen

    def _number(self, text: str) -> int:
        if text in self.names:
            return self.lowest + self.names.index(text)
        if not text.isdigit() or not self.lowest <= int(text) <= self.highest:
            raise ValueError(f"{text!r} is no {self.name}")
        return int(text)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field(
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    _Field("day of the week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"), last=6),
)
