"""What the page says in words, and where its shapes are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.making import quota
from tests.fakes import START
from voicereg import Family
from voicereg.domain.deadlines import boundaries, timeline
from voicereg.domain.forecast import Pace, forecast
from voicereg.domain.uses import by_month
from voicereg.report import charts
from voicereg.report.texts import is_chinese, visible
from voicereg.report.wording import LocalTimes, forecast_text, freshness_text

DAY = timedelta(days=1)
MONTH = 30 * DAY
TIMES = LocalTimes(UTC)


@pytest.mark.parametrize(
    ("used", "pace", "said"),
    [
        (59, Pace(30, MONTH), "Full in 41 days at this month's pace (+30)."),
        (99, Pace(30, MONTH), "Full in 1 day at this month's pace (+30)."),
        (99, Pace(90, MONTH), "Full within a day at this month's pace (+90)."),
        (80, Pace(10, 10 * DAY), "Full in 20 days at the pace of the last 10 days (+10)."),
        (80, Pace(0, MONTH), "No growth this month."),
        (80, Pace(-3, MONTH), "No growth this month: 3 fewer than before."),
        (80, Pace(0, 9 * DAY), "No growth in the last 9 days."),
        (80, Pace(5, 3 * DAY), "Too early for a forecast: looked after for 3 days."),
        (80, Pace(5, 0 * DAY), "Too early for a forecast: looked after for less than a day."),
        (100, Pace(5, MONTH), "Full: the next create is refused."),
    ],
)
def test_a_forecast_in_words(used: int, pace: Pace, said: str) -> None:
    found = forecast(quota(limit=100, used=used), pace, START)
    assert forecast_text(found, START) == said


def test_what_is_far_away_has_no_day() -> None:
    found = forecast(quota(limit=10**6, used=80), Pace(1, MONTH), START)
    assert forecast_text(found, START) == "Years away from full at this month's pace (+1)."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"synced_at": None, "stale": True}, "Never compared with the provider"),
        ({"synced_at": START, "stale": False}, "Compared with the provider 2026-11-23 09:00."),
        ({"synced_at": START, "stale": True}, "2026-11-23 09:00; by now the figures may differ."),
    ],
)
def test_how_fresh_a_quota_is(changes: dict[str, Any], said: str) -> None:
    assert said in freshness_text(quota(**changes), TIMES)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "UTC"),
        ("Asia/Shanghai", "CST (UTC+08:00)"),
        ("America/Sao_Paulo", "UTC-03:00"),
        ("Asia/Kolkata", "IST (UTC+05:30)"),
        ("Europe/Berlin", "CET (UTC+01:00), at other times of the year CEST (UTC+02:00)"),
    ],
)
def test_the_zone_is_named(zone: str, said: str) -> None:
    assert LocalTimes(ZoneInfo(zone)).zone_name(START) == said


def test_a_date_is_that_of_its_zone() -> None:
    late = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
    assert LocalTimes(ZoneInfo("Asia/Shanghai")).minute(late) == "2026-11-24 04:30"


@given(st.text())
def test_what_is_shown_turns_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    assert not any(
        character in shown for character in "\x00\x07\x1b\u202e\u2066\u2069\u200b\ufeff\u2028"
    )
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("沉稳", True),
        ("voice 声", True),
        ("落ち着いた声", False),
        ("calm", False),
        ("목소리", False),
    ],
)
def test_which_texts_are_chinese(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


@settings(max_examples=20)
@given(st.lists(st.integers(0, 100_000), min_size=56, max_size=56))
def test_a_chart_stays_in_its_frame(steps: list[int]) -> None:
    counts, total = [], 0
    for _, step in zip(boundaries(START), steps, strict=False):
        total += step
        counts.append(total)
    for chart in charts.deadline_charts(timeline(START, counts), TIMES):
        assert chart.width == charts.WIDTHS[chart.size]
        assert len(chart.columns) == 54
        edges = [0.0]
        for column in chart.columns:
            assert column.x >= edges[-1] - 0.1
            edges.append(column.x + column.width)
            for bar in column.bars:
                # A single voice is drawn higher than it is: by so much may parts go over.
                assert chart.top - 5 <= bar.y < bar.y + bar.height <= chart.bottom + 0.1
        assert edges[-1] <= chart.width
        for label in chart.labels:
            assert 0 <= label.x <= chart.width


def test_a_chart_of_nothing_is_a_chart() -> None:
    for chart in charts.use_charts(by_month([], START.date(), 13)):
        assert [column.bars for column in chart.columns] == [[]] * 13
        assert chart.columns[0].title == "Nov 2025: 0 uses (cosyvoice 0, qwen-tts 0)"


@given(
    limit=st.integers(0, 3_000),
    held=st.integers(0, 2_000),
    creating=st.integers(0, 50),
    unresolved=st.integers(0, 50),
    unseen=st.integers(0, 500),
)
def test_a_gauge_is_never_longer_than_its_scale(
    limit: int, held: int, creating: int, unresolved: int, unseen: int
) -> None:
    one = quota(
        family=Family.COSYVOICE,
        limit=limit,
        used=held + creating + unresolved,
        creating=creating,
        unresolved=unresolved,
        unseen=unseen,
    )
    bars = charts.gauge(one)
    assert {bar.kind for bar in bars} == {
        kind
        for kind, count in (
            ("held", held), ("creating", creating), ("unresolved", unresolved), ("unseen", unseen),
        )
        if count
    }  # fmt: skip
    # A single slot is drawn three thousandths wide.
    assert all(bar.x >= 0 and bar.x + bar.width <= 1_003 for bar in bars)
