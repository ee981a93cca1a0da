"""Uses by month: every month is there, and none is counted elsewhere."""

from __future__ import annotations

from datetime import date

import pytest

from voicereg import Family
from voicereg.domain.uses import FamilyUses, by_month, first_month

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("today", "months", "first"),
    [
        (TODAY, 1, date(2026, 11, 1)),
        (TODAY, 13, date(2025, 11, 1)),
        (date(2026, 1, 31), 2, date(2025, 12, 1)),
        (date(2026, 12, 1), 12, date(2026, 1, 1)),
    ],
)
def test_the_first_of_so_many_months(today: date, months: int, first: date) -> None:
    assert first_month(today, months) == first


def test_uses_are_summed_up_by_month_and_family() -> None:
    found = by_month(
        [
            FamilyUses(date(2026, 8, 31), Family.COSYVOICE, 100),
            FamilyUses(date(2026, 9, 1), Family.COSYVOICE, 2),
            FamilyUses(date(2026, 9, 30), Family.COSYVOICE, 3),
            FamilyUses(date(2026, 9, 30), Family.QWEN_TTS, 7),
            FamilyUses(TODAY, Family.QWEN_TTS, 11),
        ],
        TODAY,
        3,
    )

    assert [(one.month.month, list(one.by_family.values())) for one in found] == [
        (9, [5, 7]),
        (10, [0, 0]),
        (11, [0, 11]),
    ]
    assert [one.total for one in found] == [12, 0, 11]


def test_a_use_by_a_clock_that_is_ahead_counts_for_this_month() -> None:
    found = by_month([FamilyUses(date(2026, 12, 1), Family.COSYVOICE, 4)], date(2026, 11, 30), 1)

    assert found[0].total == 4
