"""A voice's deadline, and how it is shown as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import DeadlineBasis, Origin, State
from voicereg.domain.states import GONE
from voicereg.domain.voices import INACTIVITY_LIMIT

from .making import MADE_AT, voice

DEADLINE = MADE_AT + timedelta(days=365)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
JSON_KEYS = {
    "id", "voice_id", "account", "family", "target_model", "origin", "state", "name", "prompt",
    "preview_text", "language", "created_at", "last_used_at", "last_used_source", "deadline_at",
    "deadline_basis", "days_left", "pinned", "owner", "note", "tags", "aliases", "replaces",
    "updated_at",
}  # fmt: skip


def test_a_voice_may_go_after_a_year() -> None:
    assert timedelta(days=365) == INACTIVITY_LIMIT


@pytest.mark.parametrize(
    ("before_deadline", "days"),
    [
        (365 * DAY, 365),
        (30 * DAY + SECOND, 30),
        (30 * DAY, 30),
        (30 * DAY - SECOND, 29),
        (2 * DAY - SECOND, 1),
        (DAY, 1),
        (DAY - SECOND, 0),
        (SECOND, 0),
        (timedelta(0), 0),
        (-SECOND, 0),
        (-DAY, 0),
        (-400 * DAY, 0),
    ],
)
def test_days_left_are_whole_days_and_never_below_none(
    before_deadline: timedelta, days: int
) -> None:
    assert voice(deadline_at=DEADLINE).days_left(DEADLINE - before_deadline) == days


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("now", [MADE_AT, DEADLINE, DEADLINE + DAY])
def test_only_a_gone_voice_has_no_days_left(state: State, now: datetime) -> None:
    assert (voice(state=state).days_left(now) is None) == (state in GONE)


@settings(deadline=None)
@given(st.timedeltas(timedelta(days=-2000), timedelta(days=2000)))
def test_the_days_left_reach_to_the_deadline_and_not_past_it(left: timedelta) -> None:
    days = voice(deadline_at=DEADLINE).days_left(DEADLINE - left)
    assert days is not None
    if left >= timedelta(0):
        assert days * DAY <= left < (days + 1) * DAY
    else:
        assert days == 0


def test_days_left_do_not_depend_on_the_zone_of_now() -> None:
    now = DEADLINE - 10 * DAY
    beijing = now.astimezone(timezone(timedelta(hours=8)))
    assert voice().days_left(beijing) == voice().days_left(now) == 10


@pytest.mark.parametrize(
    ("used", "last"),
    [
        (None, MADE_AT),
        (MADE_AT - DAY, MADE_AT),
        (MADE_AT, MADE_AT),
        (MADE_AT + SECOND, MADE_AT + SECOND),
    ],
)
def test_the_last_activity_is_the_later_of_creation_and_use(
    used: datetime | None, last: datetime
) -> None:
    assert voice(last_used_at=used).last_activity_at == last


def test_the_json_has_the_keys_of_the_design() -> None:
    assert voice().as_dict(MADE_AT).keys() >= JSON_KEYS


def test_the_json_keys_are_the_same_for_every_state() -> None:
    shapes = {tuple(voice(state=state).as_dict(MADE_AT)) for state in State}
    assert len(shapes) == 1


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("basis", list(DeadlineBasis))
def test_a_voice_goes_through_json(state: State, origin: Origin, basis: DeadlineBasis) -> None:
    shown = voice(state=state, origin=origin, deadline_basis=basis).as_dict(MADE_AT)
    read = json.loads(json.dumps(shown))
    assert read == shown
    assert (read["state"], read["origin"], read["deadline_basis"]) == (state, origin, basis)


def test_the_json_carries_the_values() -> None:
    shown = voice(voice_id=None, pinned=True, replaces="v-0", note="n").as_dict(DEADLINE - 9 * DAY)
    expected: dict[str, Any] = {
        "id": "v-1",
        "voice_id": None,
        "account": "studio",
        "family": "cosyvoice",
        "target_model": "cosyvoice-v3.5-plus",
        "origin": "designed",
        "state": "active",
        "name": "calm",
        "prompt": "A calm voice",
        "preview_text": "Good evening",
        "language": "en",
        "created_at": "2026-03-01T08:30:00Z",
        "last_used_at": None,
        "last_used_source": None,
        "deadline_at": "2027-03-01T08:30:00Z",
        "deadline_basis": "created",
        "days_left": 9,
        "pinned": True,
        "owner": "radio",
        "note": "n",
        "tags": {"use": "news"},
        "aliases": ["narrator"],
        "replaces": "v-0",
        "updated_at": "2026-03-01T08:30:00Z",
    }
    assert {key: shown[key] for key in expected} == expected


TIMES = ["created_at", "last_used_at", "deadline_at", "gone_at", "updated_at"]


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 3, 1, 16, 30, tzinfo=timezone(timedelta(hours=8))), "2026-03-01T08:30:00Z"),
        (datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=UTC), "2026-03-01T08:30:00.250000Z"),
        (datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T23:00:00Z"),
    ],
)
def test_a_time_is_shown_in_utc_with_a_z(key: str, moment: datetime, shown: str) -> None:
    assert voice(**{key: moment}).as_dict(MADE_AT)[key] == shown


def test_what_is_shown_is_a_copy() -> None:
    one = voice(tags={"use": "news"})
    one.as_dict(MADE_AT)["tags"]["use"] = "changed"
    assert one.tags == {"use": "news"}
