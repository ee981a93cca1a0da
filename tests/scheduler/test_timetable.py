"""When rounds are due: cron expressions, changes of clocks, and what was missed."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voicereg import InvalidInput
from voicereg.scheduler import Due, Timetable

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = "Europe/Berlin"
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
"""A Friday."""


def times(expression: str, count: int, *, since: datetime, timezone: str = "UTC") -> list[datetime]:
    """The next times, by the clock of the zone."""
    timetable = Timetable(expression, timezone)
    found = [since]
    for _ in range(count):
        found.append(timetable.next_after(found[-1]))
    assert all(moment.tzinfo is UTC for moment in found)
    return [moment.astimezone(ZoneInfo(timezone)) for moment in found[1:]]


def days(expression: str, *, since: datetime = NEW_YEAR, count: int = 14) -> list[int]:
    """The days on which it is due within so many, counted from 0."""
    timetable = Timetable(f"0 0 {expression}", "UTC")
    first = since.date()
    found = timetable.next_after(since - MINUTE)
    chosen: list[int] = []
    while (number := (found.date() - first).days) < count:
        chosen.append(number)
        found = timetable.next_after(found)
    return chosen


# --- the five fields ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("17", [17]),
        ("00", [0]),
        ("5,35", [5, 35]),
        ("58-59,0", [0, 58, 59]),
        ("*/20", [0, 20, 40]),
        ("*/25", [0, 25, 50]),
        ("10-30/10", [10, 20, 30]),
        ("50/4", [50, 54, 58]),
        ("*/60", [0]),
        ("7-7/3", [7]),
        ("*", list(range(60))),
    ],
)
def test_minutes(field: str, minutes: list[int]) -> None:
    found = times(f"{field} 3 * * *", len(minutes) + 1, since=NEW_YEAR)

    assert [(moment.day, moment.hour, moment.minute) for moment in found] == [
        *((1, 3, minute) for minute in minutes),
        (2, 3, minutes[0]),
    ]


@pytest.mark.parametrize(
    ("field", "weekdays"),
    [
        ("0", [2, 9]),
        ("7", [2, 9]),
        ("sun", [2, 9]),
        ("SUN", [2, 9]),
        ("1", [3, 10]),
        ("6", [1, 8]),
        ("mon,thu", [3, 6, 10, 13]),
        ("mon-wed", [3, 4, 5, 10, 11, 12]),
        ("1-3", [3, 4, 5, 10, 11, 12]),
        ("0-2", [2, 3, 4, 9, 10, 11]),
        ("6-7", [1, 2, 8, 9]),
        ("fri-mon", [0, 1, 2, 3, 7, 8, 9, 10]),
        ("7-1", [2, 3, 9, 10]),
        ("sat-7", [1, 2, 8, 9]),
        ("*/2", [1, 2, 4, 6, 8, 9, 11, 13]),
        ("1-5/2", [0, 3, 5, 7, 10, 12]),
        ("mon/3", [3, 6, 10, 13]),
        ("*/7", [2, 9]),
        ("0-7", list(range(14))),
        ("*", list(range(14))),
    ],
)
def test_weekdays(field: str, weekdays: list[int]) -> None:
    assert days(f"* * {field}") == weekdays


@pytest.mark.parametrize(
    ("field", "months"),
    [
        ("jan", [1]),
        ("2,DEC", [2, 12]),
        ("mar-may", [3, 4, 5]),
        ("mar-5", [3, 4, 5]),
        ("jan/3", [1, 4, 7, 10]),
        ("jan-jun/2", [1, 3, 5]),
        ("*/4", [1, 5, 9]),
        ("*/12", [1]),
    ],
)
def test_months(field: str, months: list[int]) -> None:
    found = times(f"0 12 15 {field} *", len(months) + 1, since=NEW_YEAR)

    assert [(moment.year, moment.month, moment.day, moment.hour) for moment in found] == [
        *((2027, month, 15, 12) for month in months),
        (2028, months[0], 15, 12),
    ]


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        # Both are restricted: either will do.
        ("5 * mon", [3, 4, 10]),
        ("5,13 * 0-1", [2, 3, 4, 9, 10, 12]),
        ("1 * 0-6", list(range(14))),
        ("1-31 * mon", list(range(14))),
        # What begins with a star restricts nothing by itself: both must do.
        ("*/2 * mon", [10]),
        ("5 * */3", []),
        ("4 * */3", []),
        ("13 * */3", [12]),
        ("5 * *", [4]),
        ("* * mon", [3, 10]),
    ],
)
def test_both_days(fields: str, chosen: list[int]) -> None:
    assert days(fields) == chosen


def test_the_last_day_of_a_long_month_comes_in_seven_of_them() -> None:
    found = times("0 0 31 * *", 8, since=NEW_YEAR)

    assert [moment.month for moment in found] == [1, 3, 5, 7, 8, 10, 12, 1]


def test_the_29th_of_february_waits_for_a_leap_year() -> None:
    found = times("0 0 29 2 *", 2, since=datetime(2095, 1, 1, tzinfo=UTC))

    assert [moment.date() for moment in found] == [date(2096, 2, 29), date(2104, 2, 29)]


def test_a_sunday_that_is_the_29th_of_february_comes_after_decades() -> None:
    found = times("0 0 29 2 */7", 2, since=NEW_YEAR)

    assert [moment.date() for moment in found] == [date(2032, 2, 29), date(2060, 2, 29)]


def test_a_zone_is_the_clock_it_is_read_by() -> None:
    timetable = Timetable("30 6 * * mon", "Asia/Shanghai")

    assert timetable.next_after(NEW_YEAR) == datetime(2027, 1, 3, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_without_a_zone_it_is_the_machine_s(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        timetable = Timetable("30 6 * * *")
        for month in range(1, 13):
            since = datetime(2027, month, 1, tzinfo=UTC)
            assert timetable.next_after(since) == Timetable("30 6 * * *", zone).next_after(since)
    finally:
        monkeypatch.undo()
        time.tzset()


# --- what is none -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "17",
        "* * * *",
        "* * * * * *",
        "@daily",
        "60 * * * *",
        "-1 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "* * * * monday",
        "* * * january *",
        "* * * jan-junk *",
        "* * mon * *",
        "* * last * *",
        "* * L * *",
        "0 0 * * mon#1",
        "0 0 ? * *",
        ", * * * *",
        "1, * * * *",
        "1,,2 * * * *",
        "*,a * * * *",
        "50-10 * * * *",
        "* 22-6 * * *",
        "* * * nov-feb *",
        "1-2-3 * * * *",
        "*/0 * * * *",
        "*/61 * * * *",
        "*/90 * * * *",
        "* */25 * * *",
        "* * * * */8",
        "*/ * * * *",
        "**/2 * * * *",
        "1.5 * * * *",
        "1e1 * * * *",
        "٣ * * * *",
        "² * * * *",
    ],
)
def test_nonsense_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Timetable(expression, "UTC")

    (problem,) = refused.value.problems
    assert (problem.where, problem.value) == ("schedule.round", expression)
    assert problem.rule


@pytest.mark.parametrize("fields", ["30 2 *", "30,31 2 *", "31 4,6,9,11 *", "31 2-2 */2"])
def test_dates_that_never_come_are_refused(fields: str) -> None:
    with pytest.raises(InvalidInput, match=r"schedule\.round: no such time ever comes"):
        Timetable(f"0 0 {fields}", "UTC")


def test_a_date_that_never_comes_beside_a_weekday_that_does() -> None:
    assert days("30 2 mon", since=datetime(2027, 2, 1, tzinfo=UTC)) == [0, 7]


# --- changes of clocks --------------------------------------------------------------------------

SPRING = datetime(2027, 3, 28, tzinfo=UTC)
"""At 01:00 UTC clocks go from 02:00 to 03:00."""
AUTUMN = datetime(2027, 10, 31, tzinfo=UTC)
"""At 01:00 UTC clocks go from 03:00 to 02:00."""


def around(expression: str, change: datetime) -> list[str]:
    """When it is due in the hours around a change, in UTC."""
    timetable = Timetable(expression, BERLIN)
    found = timetable.next_after(change - 2 * HOUR - HOUR / 2)
    chosen: list[str] = []
    while found < change + 4 * HOUR:
        chosen.append(f"{found:%H:%M}")
        found = timetable.next_after(found)
    return chosen


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("30 1 * * *", ["00:30"]),
        ("30 2 * * *", ["01:30"]),
        ("30 3 * * *", ["01:30"]),
        ("30 2,3 * * *", ["01:30"]),
        ("*/20 2 * * *", ["01:00", "01:20", "01:40"]),
        ("0 2 28 3 *", ["01:00"]),
        ("30 * * * *", ["22:30", "23:30", "00:30", "01:30", "02:30", "03:30"]),
        ("17 */2 * * *", ["23:17", "01:17", "02:17"]),
    ],
)
def test_a_time_that_is_left_out_is_not_lost(expression: str, due: list[str]) -> None:
    assert around(expression, SPRING) == due


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("30 1 * * *", ["23:30"]),
        ("30 2 * * *", ["00:30"]),
        ("30 3 * * *", ["02:30"]),
        ("*/20 2 * * *", ["00:00", "00:20", "00:40"]),
        ("0 2 31 10 *", ["00:00"]),
        ("30 * * * *", ["22:30", "23:30", "00:30", "01:30", "02:30", "03:30"]),
        ("17 */2 * * *", ["22:17", "00:17", "03:17"]),
    ],
)
def test_a_time_that_comes_twice_is_due_once(expression: str, due: list[str]) -> None:
    assert around(expression, AUTUMN) == due


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_by_one_step_or_many_each_change_of_clocks_counts_the_same(change: datetime) -> None:
    timetable = Timetable("*/10 1-3 * * *", BERLIN)
    begin, end = change - DAY, change + DAY
    stepped = 0
    moment = begin
    while (moment := timetable.next_after(moment)) <= end:
        stepped += 1

    due = timetable.due(begin, end)
    assert due is not None
    assert due.missed == stepped - 1


def test_a_day_that_was_left_out_takes_nothing_twice() -> None:
    """Samoa went from the 29th of December 2011 to the 31st."""
    found = times(
        "0 12 * * *", 3, since=datetime(2011, 12, 29, tzinfo=UTC), timezone="Pacific/Apia"
    )

    assert [(moment.month, moment.day, moment.hour) for moment in found] == [
        (12, 29, 12),
        (12, 31, 12),
        (1, 1, 12),
    ]


# --- what is due, and was missed ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "due"),
    [
        (0, None),
        (0.28, None),
        (0.29, (0, 0)),
        (6.28, (0, 0)),
        (6.29, (6, 1)),
        (24, (18, 3)),
        (240, (234, 39)),
    ],
)
def test_what_was_missed_is_counted(hours: float, due: tuple[int, int] | None) -> None:
    timetable = Timetable("17 */6 * * *", "UTC")
    expected = None if due is None else Due(NEW_YEAR + due[0] * HOUR + 17 * MINUTE, due[1])

    assert timetable.due(NEW_YEAR, NEW_YEAR + hours * HOUR) == expected


def test_the_moment_itself_is_due_now_and_not_again() -> None:
    timetable = Timetable("17 * * * *", "UTC")
    at = NEW_YEAR + 17 * MINUTE

    assert timetable.due(at - HOUR, at) == Due(at, 0)
    assert timetable.due(at, at) is None
    assert timetable.due(at, at + HOUR - timedelta(microseconds=1)) is None
    assert timetable.next_after(at) == at + HOUR
    assert timetable.next_after(at - timedelta(microseconds=1)) == at


def test_a_clock_that_was_put_back_makes_nothing_due() -> None:
    timetable = Timetable("* * * * *", "UTC")

    assert timetable.due(NEW_YEAR, NEW_YEAR - HOUR) is None


def test_one_that_comes_once_a_year_is_not_forgotten_after_months() -> None:
    timetable = Timetable("0 0 1 1 *", "UTC")

    assert timetable.due(NEW_YEAR - DAY, NEW_YEAR + 300 * DAY) == Due(NEW_YEAR, 0)


def test_years_of_minutes_are_counted_one_by_one() -> None:
    timetable = Timetable("* * * * *", BERLIN)
    end = NEW_YEAR + 1000 * DAY

    assert timetable.due(NEW_YEAR, end) == Due(end, 1000 * 24 * 60 - 1)


# --- any expression -----------------------------------------------------------------------------


class Oracle:
    """Looks at every minute, with fields that are written out."""

    def __init__(self, fields: list[set[int]], stars: tuple[bool, bool], zone: ZoneInfo) -> None:
        self._minutes, self._hours, self._days, self._months, self._weekdays = fields
        self._either = not any(stars)
        self._zone = zone

    def _names(self, clock: datetime) -> bool:
        of_month = clock.day in self._days
        of_week = clock.isoweekday() % 7 in {number % 7 for number in self._weekdays}
        return (
            clock.minute in self._minutes
            and clock.hour in self._hours
            and clock.month in self._months
            and (of_month or of_week if self._either else of_month and of_week)
        )

    def _is_due(self, moment: datetime) -> bool:
        shown = moment.astimezone(self._zone)
        clock = shown.replace(tzinfo=None)
        if self._names(clock) and (shown.fold == 0 or len(self._hours) == 24):
            return True
        # What clocks showed had they not been put forward in the hours before.
        before = (moment - 3 * HOUR).astimezone(self._zone).utcoffset()
        assert before is not None
        unchanged = (moment + before).replace(tzinfo=None)
        left_out = unchanged.replace(tzinfo=self._zone).astimezone(UTC).astimezone(self._zone)
        return left_out.replace(tzinfo=None) != unchanged and self._names(unchanged)

    @property
    def never(self) -> bool:
        """Whether no date of a leap year fits."""
        dates = {(day.month, day.day) for day in (date(2028, 1, 1) + n * DAY for n in range(366))}
        chosen = set(itertools.product(self._months, self._days))
        return not self._either and not chosen & dates

    def all(self, since: datetime, until: datetime) -> list[datetime]:
        """The times after one moment and not after another."""
        first = since.replace(second=0, microsecond=0)
        minutes = (first + number * MINUTE for number in itertools.count())
        within = itertools.takewhile(lambda moment: moment <= until, minutes)
        return [moment for moment in within if moment > since and self._is_due(moment)]


LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@st.composite
def parts(draw: st.DrawFn, lowest: int, highest: int) -> tuple[str, set[int]]:
    """One element of a list, and the numbers that it means."""
    first = draw(st.integers(lowest, highest))
    last = draw(st.integers(first, highest))
    # What 7 is a name for is only counted once where a step goes on to the end.
    end = 6 if highest == 7 else highest
    step = draw(st.integers(1, end - lowest + 1))
    kinds = {
        "star": ("*", range(lowest, end + 1)),
        "one": (f"{first}", range(first, first + 1)),
        "range": (f"{first}-{last}", range(first, last + 1)),
        "steps": (f"*/{step}", range(lowest, end + 1, step)),
        "range with steps": (f"{first}-{last}/{step}", range(first, last + 1, step)),
    }
    text, numbers = kinds[draw(st.sampled_from(list(kinds)))]
    return text, set(numbers)


@st.composite
def fields(draw: st.DrawFn, lowest: int, highest: int) -> tuple[str, set[int]]:
    chosen = draw(st.lists(parts(lowest, highest), min_size=1, max_size=3))
    texts, numbers = zip(*chosen, strict=True)
    return ",".join(texts), set().union(*numbers)


expressions = st.tuples(*(fields(*limits) for limits in LIMITS))
moments = st.one_of(
    st.integers(0, 730 * 24 * 60).map(lambda number: NEW_YEAR + number * MINUTE),
    # The days on which clocks are changed.
    st.sampled_from([SPRING, AUTUMN]).flatmap(
        lambda change: st.integers(-2000, 2000).map(lambda number: change + number * MINUTE)
    ),
)
EVERY = ("*", set(range(60))), ("*", set(range(24)))


@settings(max_examples=80, deadline=None)
@given(
    expression=expressions,
    zone=st.sampled_from(["UTC", BERLIN, "Asia/Kathmandu", "America/New_York"]),
    since=moments,
    lasts=st.timedeltas(timedelta(0), timedelta(hours=50)),
)
@example(
    expression=(*EVERY, ("1", {1}), ("1", {1}), ("0-6", set(range(7)))),
    zone="UTC",
    since=NEW_YEAR,
    lasts=3 * HOUR,
)
def test_it_agrees_with_one_who_looks_at_every_minute(
    expression: tuple[tuple[str, set[int]], ...], zone: str, since: datetime, lasts: timedelta
) -> None:
    texts = [text for text, _ in expression]
    oracle = Oracle(
        [numbers for _, numbers in expression],
        (texts[2].startswith("*"), texts[4].startswith("*")),
        ZoneInfo(zone),
    )
    expected = oracle.all(since, since + lasts)
    if oracle.never:
        with pytest.raises(InvalidInput, match="no such time ever comes"):
            Timetable(" ".join(texts), zone)
        return
    timetable = Timetable(" ".join(texts), zone)

    due = timetable.due(since, since + lasts)
    assert due == (Due(expected[-1], len(expected) - 1) if expected else None)
    assert timetable.next_after(since) > since
    if expected:
        assert timetable.next_after(since) == expected[0]
    else:
        assert timetable.next_after(since) > since + lasts
