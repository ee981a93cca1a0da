"""Deadlines by week: each is counted once, in its week and with its urgency."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import START
from voicereg.domain.deadlines import (
    WEEKS,
    Timeline,
    Urgency,
    boundaries,
    timeline,
    urgency_of,
)

DAY = timedelta(days=1)


def of(*left: timedelta) -> Timeline:
    """The timeline of deadlines that are so far away."""
    moments = boundaries(START)
    return timeline(START, [sum(START + one <= moment for one in left) for moment in moments])


@pytest.mark.parametrize(
    ("left", "urgency"),
    [
        (-DAY, Urgency.ANY_DAY),
        (timedelta(0), Urgency.ANY_DAY),
        (timedelta(seconds=1), Urgency.WEEK),
        (7 * DAY, Urgency.WEEK),
        (8 * DAY, Urgency.MONTH),
        (30 * DAY, Urgency.MONTH),
        (31 * DAY, Urgency.TWO_MONTHS),
        (60 * DAY, Urgency.TWO_MONTHS),
        (61 * DAY, Urgency.LATER),
    ],
)
def test_the_less_time_the_more_urgent(left: timedelta, urgency: Urgency) -> None:
    assert urgency_of(left) is urgency


def test_a_week_that_a_mark_lies_in_is_parted() -> None:
    fifth = of(29 * DAY, 30 * DAY, 34 * DAY).weeks[4]

    assert fifth.counts == {Urgency.MONTH: 2, Urgency.TWO_MONTHS: 1}
    assert (fifth.begins_at, fifth.ends_at) == (START + 28 * DAY, START + 35 * DAY)


def test_a_voice_that_was_used_just_now_is_in_the_last_week() -> None:
    found = of(365 * DAY)

    assert len(found.weeks) == WEEKS
    assert found.weeks[-1].total == found.total == 1


@given(st.lists(st.integers(-40 * 86_400, 370 * 86_400), max_size=30))
def test_every_deadline_is_counted_once(seconds: list[int]) -> None:
    left = [timedelta(seconds=one) for one in seconds]
    found = of(*left)

    assert found.total == len(left)
    assert found.any_day == sum(one <= timedelta(0) for one in left)
    assert found.within(Urgency.MONTH) == sum(one <= 30 * DAY for one in left)
    for number, week in enumerate(found.weeks):
        ours = [one for one in left if number * 7 * DAY < one <= (number + 1) * 7 * DAY]
        assert week.total == len(ours)
        for urgency, count in week.counts.items():
            assert count == sum(urgency_of(one) is urgency for one in ours)
