"""Voices that go, and voices that should be kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.doctor.support import DAY, Patient
from tests.registry.rows import insert_voices

LOOKED_AT = ("deadlines",)
MODEL = "qwen3-tts-vd-realtime-2025-12-16"


def add(patient: Patient, count: int = 1, *, left: timedelta, **changed: object) -> list[str]:
    """Voices with so much time left."""
    now = datetime.now(UTC)
    values = {"created_at": now - 400 * DAY, "deadline_at": now + left} | changed
    return insert_voices(patient.url, count, **values)  # type: ignore[arg-type]


def test_voices_past_their_deadline(patient_of_each: Patient) -> None:
    voices = add(patient_of_each, 2, left=-DAY)

    found = patient_of_each.examine("--offline").warning("deadlines.past")

    assert "default: 2 voices past the deadline, which may go any day" in found.what
    assert all(voice in found.what for voice in voices)
    assert "voicereg expiring --within 0" in (found.advice or "")


def test_voices_that_must_stay_and_are_not_kept_alive(patient_of_each: Patient) -> None:
    (voice,) = add(patient_of_each, left=28 * DAY, pinned=True)
    add(patient_of_each, left=29.5 * DAY, pinned=True)  # due since today
    add(patient_of_each, left=28 * DAY)

    found = patient_of_each.examine("--offline").warning("deadlines.kept")

    assert "default: 1 voice that must stay, due for over a day and not kept alive" in found.what
    assert voice in found.what
    assert "voicereg housekeeping run keeps them" in (found.advice or "")
    assert 'voicereg synthesize ID "…" -o FILE' in (found.advice or "")


def test_voices_that_a_rule_names_while_nothing_is_kept(patient: Patient) -> None:
    patient.write('[keep_alive]\ndaily_limit = 0\nrules = [{ owner = "studio" }]')
    add(patient, left=20 * DAY, owner="studio")

    found = patient.examine("--offline").warning("deadlines.kept")

    assert "keep_alive.daily_limit is 0" in found.what
    assert f"raise keep_alive.daily_limit in {patient.config}" in (found.advice or "")


def test_a_rule_for_an_account_that_there_is_not(patient: Patient) -> None:
    patient.write('[keep_alive]\nrules = [{ account = "default" }, { account = "stuido" }]')

    found = patient.examine("--offline").warning("deadlines.rules")

    assert "rule 2 of keep_alive is only for account stuido" in found.what
    assert f"correct it in {patient.config}: there is default" in (found.advice or "")


@pytest.mark.parametrize(
    ("days", "what"), [(-3, f"{MODEL} was withdrawn on"), (59, f"{MODEL} is withdrawn on")]
)
def test_a_model_that_takes_voices_along(patient_of_each: Patient, days: int, what: str) -> None:
    day = (datetime.now(UTC) + days * DAY).date()
    patient_of_each.write(f'[[retiring]]\nmodel = "{MODEL}"\non = {day}')
    add(patient_of_each, 3, left=300 * DAY, target_model=MODEL)

    found = patient_of_each.examine("--offline").warning("deadlines.retiring")

    assert f"default: {what} {day}, with 3 voices bound to it" in found.what
    assert f"voicereg list --model {MODEL} shows them" in (found.advice or "")
    assert "voicereg recreate VOICE --model MODEL" in (found.advice or "")


def test_a_model_that_is_no_concern(patient: Patient) -> None:
    today = datetime.now(UTC).date()
    patient.write(
        f'[[retiring]]\nmodel = "{MODEL}"\non = {today + 90 * DAY}\n'
        f'[[retiring]]\nmodel = "gone"\non = {today - 90 * DAY}'
    )
    add(patient, left=300 * DAY, target_model=MODEL)

    assert patient.examine("--offline").loud == []
