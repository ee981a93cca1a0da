"""Clocks that differ, and things on record that are of the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.support import add_voices
from tests.doctor.support import Patient, add_round
from tests.fakes import FakeClock
from voicereg.cli.app import CLOCK

LOOKED_AT = ("clock",)


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """The clock of this machine, which a test may put wrong."""
    clock = FakeClock(datetime.now(UTC))
    token = CLOCK.set(clock)
    yield clock
    CLOCK.reset(token)


@pytest.mark.parametrize(
    ("apart", "what"),
    [
        (timedelta(minutes=2, seconds=30), "2 minutes ahead of the database's"),
        (timedelta(minutes=-3, seconds=30), "2 minutes behind the database's"),
    ],
)
def test_clocks_that_are_a_little_apart(
    shared_patient: Patient, clock: FakeClock, apart: timedelta, what: str
) -> None:
    clock.advance(apart)

    found = shared_patient.examine().warning("clock.server")

    assert found.what == f"this machine's clock is {what}"
    assert "set both clocks by NTP" in (found.advice or "")


@pytest.mark.parametrize(
    ("apart", "what"),
    [
        (timedelta(hours=8, minutes=1), "8 hours ahead of the database's"),
        (timedelta(days=-2, minutes=-1), "2 days behind the database's"),
    ],
)
def test_clocks_that_are_far_apart(
    shared_patient: Patient, clock: FakeClock, apart: timedelta, what: str
) -> None:
    clock.advance(apart)

    found = shared_patient.examine().wrong("clock.server")

    assert found.what == f"this machine's clock is {what}"
    assert "set both clocks by NTP" in (found.advice or "")


def test_what_is_of_the_future_is_told_by_the_databases_clock(
    shared_patient: Patient, clock: FakeClock
) -> None:
    """Else everything would be, where it is this machine's clock that is behind."""
    add_round(shared_patient.url, ended=datetime.now(UTC))
    clock.advance(timedelta(days=-2))

    assert shared_patient.examine("--offline").loud == ["clock.server"]


AHEAD = timedelta(hours=8)


@pytest.mark.parametrize("what", ["use", "event", "round"])
def test_what_is_of_the_future(patient_of_each: Patient, what: str) -> None:
    """A clock ran ahead, and was set right."""
    later = datetime.now(UTC) + AHEAD
    text = later.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    if what == "use":
        add_voices(patient_of_each.url, "a")
        patient_of_each.execute(f"UPDATE voices SET last_used_at = '{text}'")
    elif what == "event":
        patient_of_each.execute(
            f"INSERT INTO events (at, actor, action) VALUES ('{text}', 'anna', 'voice.create')"
        )
    else:
        add_round(patient_of_each.url, ended=None, began=later)

    found = patient_of_each.examine("--offline").warning("clock.records")

    assert f"the newest {what} on record is of {later:%Y-%m-%dT%H:%M}" in found.what
    assert "voicereg use VOICE --at TIME --correct" in (found.advice or "")


def test_a_use_within_the_tolerance_is_none(patient: Patient) -> None:
    add_voices(patient.url, "a")
    text = (datetime.now(UTC) + timedelta(minutes=4)).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    patient.execute(f"UPDATE voices SET last_used_at = '{text}'")

    assert "clock.records" not in patient.examine("--offline").loud
