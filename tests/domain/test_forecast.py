"""When a quota will be full: by the pace of the last month, where one is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import START
from voicereg.domain.forecast import (
    FORESEEABLE,
    PERIOD,
    SHORTEST_PERIOD,
    ForecastKind,
    Pace,
    forecast,
    period_since,
)

from .making import quota

MONTH = timedelta(days=30)
DAY = timedelta(days=1)


def test_a_quota_that_fills_up_is_full_on_a_day() -> None:
    found = forecast(quota(limit=100, used=59), Pace(30, MONTH), START)

    assert found.kind is ForecastKind.FILLING
    assert found.full_at == START + 41 * DAY
    assert found.days(START) == 41


def test_slots_that_only_the_provider_knows_of_are_taken() -> None:
    found = forecast(quota(limit=100, used=59, unseen=31), Pace(30, MONTH), START)

    assert found.days(START) == 10


def test_less_than_a_day_is_no_day() -> None:
    assert forecast(quota(limit=100, used=99), Pace(90, MONTH), START).days(START) == 0


@pytest.mark.parametrize("pace", [Pace(0, MONTH), Pace(-4, MONTH)])
def test_no_growth_fills_nothing(pace: Pace) -> None:
    found = forecast(quota(limit=100, used=99), pace, START)

    assert (found.kind, found.full_at, found.days(START)) == (ForecastKind.STEADY, None, None)


@pytest.mark.parametrize(
    ("limit", "used", "unseen"), [(10, 10, 0), (10, 14, 0), (10, 4, 6), (0, 0, 0)]
)
@pytest.mark.parametrize("net", [-3, 0, 5])
def test_what_is_full_is_full_whatever_its_pace(
    limit: int, used: int, unseen: int, net: int
) -> None:
    for period in (timedelta(0), MONTH):
        found = forecast(quota(limit=limit, used=used, unseen=unseen), Pace(net, period), START)
        assert (found.kind, found.full_at) == (ForecastKind.FULL, None)


def test_a_registry_of_a_few_days_has_seen_too_little() -> None:
    young = Pace(40, SHORTEST_PERIOD - timedelta(seconds=1))

    assert forecast(quota(), young, START).kind is ForecastKind.TOO_EARLY


def test_a_younger_registry_has_a_pace_of_its_own_days() -> None:
    found = forecast(quota(limit=100, used=80), Pace(10, 10 * DAY), START)

    assert found.days(START) == 20


def test_what_takes_years_is_not_told_by_the_day() -> None:
    limit = 1000 + int(FORESEEABLE / MONTH)
    assert forecast(quota(limit=limit - 1, used=1000), Pace(1, MONTH), START).full_at is not None
    for far in (limit + 1, 2**31 - 1):
        found = forecast(quota(limit=far, used=1000), Pace(1, MONTH), START)
        assert (found.kind, found.full_at) == (ForecastKind.FAR, None)


@pytest.mark.parametrize(
    ("age", "period"),
    [(400 * DAY, PERIOD), (30 * DAY, PERIOD), (12 * DAY, 12 * DAY), (-DAY, timedelta(0))],
)
def test_a_pace_is_measured_since_somebody_looks(age: timedelta, period: timedelta) -> None:
    assert period_since(START - age, START) == period


@given(
    limit=st.integers(0, 2**31 - 1),
    used=st.integers(0, 2**31 - 1),
    net=st.integers(-(2**31), 2**31),
    days=st.integers(0, 30),
)
def test_there_is_always_an_answer(limit: int, used: int, net: int, days: int) -> None:
    found = forecast(quota(limit=limit, used=used), Pace(net, days * DAY), START)

    assert (found.full_at is not None) == (found.kind is ForecastKind.FILLING)
    if found.full_at is not None:
        assert START <= found.full_at <= START + FORESEEABLE
