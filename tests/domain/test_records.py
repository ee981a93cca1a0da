"""The smaller values: times, accounts, events, previews, the provider's word on a review."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import Account, Event, Family, PreviewAudio, State, SystemClock
from voicereg.domain.clock import rfc3339
from voicereg.domain.remote import ReviewStatus

from .making import MADE_AT

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001
)
def test_a_time_is_utc_and_the_same_instant(moment: datetime) -> None:
    shown = rfc3339(moment)
    assert shown is not None
    assert shown.endswith("Z")
    assert shown.count("+") == 0
    assert datetime.fromisoformat(shown) == moment


def test_no_time_stays_none() -> None:
    assert rfc3339(None) is None


def test_the_machines_clock_is_in_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    first = clock.monotonic()
    assert clock.monotonic() >= first


def test_an_account_shows_the_variable_and_no_key() -> None:
    account = Account(
        id=1,
        name="studio",
        region="cn-beijing",
        workspace=None,
        base_url=None,
        api_key_env="STUDIO_KEY",
        quota_group_id=1,
        quota_group="studio",
        limits={Family.COSYVOICE: 1000, Family.QWEN_TTS: 200},
        created_at=MADE_AT,
        updated_at=MADE_AT,
    )
    shown = account.as_dict()
    assert json.loads(json.dumps(shown)) == shown
    assert shown["api_key_env"] == "STUDIO_KEY"
    assert shown["limits"] == {"cosyvoice": 1000, "qwen-tts": 200}
    assert shown["created_at"] == "2026-03-01T08:30:00Z"
    assert not {"api_key", "key"} & shown.keys()


def test_an_event_tells_who_changed_what_from_what_to_what() -> None:
    event = Event(
        id=4,
        at=MADE_AT,
        actor="ana@host (cli)",
        action="voice.edit",
        account="studio",
        voice="v-1",
        before={"owner": None},
        after={"owner": "radio"},
        reason=None,
    )
    shown = event.as_dict()
    assert json.loads(json.dumps(shown)) == {
        "id": 4,
        "at": "2026-03-01T08:30:00Z",
        "actor": "ana@host (cli)",
        "action": "voice.edit",
        "account": "studio",
        "voice": "v-1",
        "before": {"owner": None},
        "after": {"owner": "radio"},
        "reason": None,
    }


def test_the_bytes_of_a_preview_are_not_shown() -> None:
    shown = repr(PreviewAudio(b"RIFFsecretaudio", "wav", 24000, datetime.now(UTC)))
    assert "secretaudio" not in shown
    assert "24000" in shown


@pytest.mark.parametrize(
    ("word", "state"),
    [("DEPLOYING", State.PENDING), ("OK", State.ACTIVE), ("UNDEPLOYED", State.REJECTED)],
)
def test_the_providers_word_on_a_review_is_a_state(word: str, state: State) -> None:
    assert ReviewStatus(word).state is state


def test_every_word_on_a_review_is_a_state() -> None:
    assert len({status.state for status in ReviewStatus}) == len(ReviewStatus)


@pytest.mark.parametrize("field", ["data", "response_format"])
def test_values_do_not_change(field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(PreviewAudio(b"", "wav", None), field, b"")
