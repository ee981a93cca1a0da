"""Whether the registry still agrees with the provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.doctor.support import DAY, Patient
from tests.registry.rows import begun, insert_voices
from voicereg.doctor.findings import Outcome
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.states import State
from voicereg.tables import quota_limits, sync_states

LOOKED_AT = ("sync",)


def change_syncs(patient: Patient, family: str = "cosyvoice", **changed: object) -> None:
    with begun(patient.url) as connection:
        of_family = sync_states.c.family == family
        connection.execute(sa.update(sync_states).where(of_family).values(**changed))


def test_never_compared(patient_of_each: Patient) -> None:
    patient_of_each.execute("DELETE FROM sync_states WHERE family = 'cosyvoice'")

    report = patient_of_each.examine("--offline")

    (found,) = report.all("sync.last", Outcome.WARNING)
    assert found.what == "default, cosyvoice: never compared with the provider"
    assert "voicereg sync" in (found.advice or "")
    assert len(report.all("sync.last", Outcome.OK)) == 1


def test_compared_long_ago(patient: Patient) -> None:
    change_syncs(patient, synced_at=datetime.now(UTC) - timedelta(days=3, hours=1))

    (found,) = patient.examine("--offline").all("sync.last", Outcome.WARNING)

    assert "default, cosyvoice: last compared with the provider 3 days ago" in found.what
    assert "voicereg sync, or regular housekeeping" in (found.advice or "")


def test_a_sync_that_failed(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "wrong")
    assert patient.cli("sync").code == 5

    found = patient.examine("--offline").all("sync.last", Outcome.WARNING)

    assert len(found) == 2
    for each in found:
        assert "the last sync, 0 seconds ago" in each.what or "second" in each.what
        assert "failed: " in each.what
        assert "does not accept the API key" in each.what
        assert each.advice == "mend that, then: voicereg sync"


def test_slots_that_only_the_provider_knows_of(patient_of_each: Patient) -> None:
    with begun(patient_of_each.url) as connection:
        of_family = quota_limits.c.family == "qwen-tts"
        values = {"unseen": 3, "refused_at": datetime.now(UTC)}
        connection.execute(sa.update(quota_limits).where(of_family).values(values))

    found = patient_of_each.examine("--offline").warning("sync.unseen")

    assert "3 slots of qwen-tts taken by the provider's word" in found.what
    assert "voicereg account edit default --limit qwen-tts=N" in (found.advice or "")


def test_creates_that_are_unresolved_for_long(patient_of_each: Patient) -> None:
    patient_of_each.cli.done("account", "add", "studio")
    long_ago = datetime.now(UTC) - 2 * DAY
    voices = insert_voices(
        patient_of_each.url,
        4,
        state=State.UNRESOLVED,
        account="studio",
        created_at=long_ago,
        voice_id=None,
    )
    insert_voices(
        patient_of_each.url,
        1,
        state=State.UNRESOLVED,
        created_at=datetime.now(UTC) - timedelta(hours=23),
        voice_id=None,
    )

    report = patient_of_each.examine("--offline", "--all-accounts")

    (found,) = report.all("sync.unresolved", Outcome.WARNING)
    assert "studio: 4 creates unresolved for over a day" in found.what
    assert sum(voice in found.what for voice in voices) == 3
    assert "and 1 more" in found.what
    assert "voicereg -a studio resolve ID --adopt VOICE_ID" in (found.advice or "")
    assert len(report.all("sync.unresolved", Outcome.OK)) == 1
