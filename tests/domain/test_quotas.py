"""Quotas: what remains, how near the limit is, and how that is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import QuotaLevel
from voicereg.domain.quotas import QuotaThresholds

from .making import quota

JSON_KEYS = {
    "account", "family", "limit", "used", "creating", "unresolved", "unseen", "remaining", "level",
    "synced_at", "stale",
}  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "used", "unseen", "remaining"),
    [
        (1000, 0, 0, 1000),
        (1000, 999, 0, 1),
        (1000, 990, 9, 1),
        (1000, 990, 10, 0),
        (1000, 1000, 0, 0),
        (1000, 1001, 0, 0),
        (1000, 990, 40, 0),
        (0, 0, 0, 0),
        (0, 3, 0, 0),
    ],
)
def test_what_remains_is_never_below_nothing(
    limit: int, used: int, unseen: int, remaining: int
) -> None:
    assert quota(limit=limit, used=used, unseen=unseen).remaining == remaining


@pytest.mark.parametrize(
    ("limit", "used", "unseen", "level"),
    [
        (1000, 0, 0, "ok"),
        (1000, 799, 0, "ok"),
        (1000, 800, 0, "warning"),
        (1000, 700, 100, "warning"),
        (1000, 949, 0, "warning"),
        (1000, 950, 0, "critical"),
        (1000, 949, 1, "critical"),
        (1000, 999, 0, "critical"),
        (1000, 1000, 0, "full"),
        (1000, 999, 1, "full"),
        (1000, 1500, 0, "full"),
        (10, 7, 0, "ok"),
        (10, 8, 0, "warning"),
        (10, 9, 0, "warning"),
        (1, 0, 0, "ok"),
        (1, 1, 0, "full"),
        (0, 0, 0, "full"),
        (0, 1, 0, "full"),
    ],
)
def test_the_level_at_its_thresholds(limit: int, used: int, unseen: int, level: str) -> None:
    assert quota(limit=limit, used=used, unseen=unseen).level is QuotaLevel(level)


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_the_thresholds_are_met_exactly_whatever_the_limit(hundredths: int) -> None:
    limit = hundredths * 100
    levels = {used: quota(limit=limit, used=used).level.value for used in (
        hundredths * 80 - 1, hundredths * 80, hundredths * 95 - 1, hundredths * 95, limit
    )}  # fmt: skip
    assert list(levels.values()) == ["ok", "warning", "warning", "critical", "full"]


@settings(deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
def test_one_more_voice_never_lowers_the_level(limit: int, used: int, unseen: int) -> None:
    order = list(QuotaLevel)
    now = quota(limit=limit, used=used, unseen=unseen)
    then = quota(limit=limit, used=used + 1, unseen=unseen)
    assert order.index(then.level) >= order.index(now.level)
    assert then.remaining == max(0, now.remaining - 1)


@pytest.mark.parametrize(
    ("warning", "critical", "used", "level"),
    [
        (0.5, 0.9, 499, "ok"),
        (0.5, 0.9, 500, "warning"),
        (0.5, 0.9, 900, "critical"),
        (0.5, 0.5, 500, "critical"),
        (1.0, 1.0, 999, "ok"),
        (1.0, 1.0, 1000, "full"),
    ],
)
def test_the_thresholds_can_be_set(warning: float, critical: float, used: int, level: str) -> None:
    thresholds = QuotaThresholds(warning=warning, critical=critical)
    assert quota(used=used, thresholds=thresholds).level is QuotaLevel(level)


def test_the_json_has_the_keys_of_the_design() -> None:
    assert quota().as_dict().keys() >= JSON_KEYS


def test_the_json_carries_the_values() -> None:
    shown = quota(limit=1000, used=950, unseen=3, stale=True).as_dict()
    expected = {
        "account": "studio",
        "family": "qwen-tts",
        "limit": 1000,
        "used": 950,
        "creating": 1,
        "unresolved": 2,
        "unseen": 3,
        "remaining": 47,
        "level": "critical",
        "synced_at": "2026-03-01T08:30:00Z",
        "stale": True,
    }
    assert {key: shown[key] for key in expected} == expected
    assert json.loads(json.dumps(shown)) == shown


def test_a_quota_that_was_never_synced_says_so() -> None:
    assert quota(synced_at=None).as_dict()["synced_at"] is None
