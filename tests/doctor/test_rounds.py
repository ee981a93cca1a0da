"""Whether housekeeping does its rounds, and who sees to that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.doctor.support import DAY, KEY, Patient, add_round
from tests.registry.rows import begun
from voicereg import Registry
from voicereg.doctor.findings import Outcome
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE
from voicereg.tables import rounds, step_states

LOOKED_AT = ("rounds",)
HOUR = timedelta(hours=1)
RUN = "voicereg housekeeping run --all-accounts"
START = "voicereg housekeeping start --all-accounts"


def ago(duration: timedelta) -> datetime:
    return datetime.now(UTC) - duration


def forget_rounds(patient: Patient) -> None:
    with begun(patient.url) as connection:
        connection.execute(sa.delete(rounds))


def note_step(patient: Patient, name: str, account: str, error: str | None) -> None:
    with begun(patient.url) as connection:
        connection.execute(
            sa.insert(step_states).values(
                name=name,
                account=account,
                tried_at=ago(HOUR),
                good_at=ago(HOUR) if error is None else None,
                error=error,
            )
        )


@pytest.fixture
def other(patient_of_each: Patient) -> Iterator[Registry]:
    """The registry as another program has it."""
    with Registry.open(patient_of_each.url, actor="eve@studio (cli)") as registry:
        yield registry


def test_no_round_at_all(patient_of_each: Patient) -> None:
    forget_rounds(patient_of_each)

    found = patient_of_each.examine("--offline").warning("rounds.last")

    assert found.what == "there was no round of housekeeping yet"
    assert f"from cron: 17 */6 * * * {RUN}" in (found.advice or "")
    assert START in (found.advice or "")


def test_no_round_went_well(patient: Patient) -> None:
    forget_rounds(patient)
    add_round(patient.url, ended=ago(HOUR), good=False)

    found = patient.examine("--offline").warning("rounds.last")

    assert found.what == "no round of housekeeping has gone well yet"
    assert found.advice == "see to the steps that fail: voicereg housekeeping status"


@pytest.mark.parametrize(
    ("schedule", "old", "is_late"),
    [
        ("17 */6 * * *", timedelta(hours=25), False),
        ("17 */6 * * *", timedelta(hours=27), True),
        ("* * * * *", timedelta(hours=25), False),
        ("0 0 1 1 *", timedelta(days=3), False),
        ("0 0 * * *", timedelta(days=3), True),
    ],
)
def test_a_round_that_is_older_than_the_schedule_allows(
    patient: Patient, schedule: str, old: timedelta, is_late: bool
) -> None:
    patient.write(f'[schedule]\nround = "{schedule}"\ntimezone = "UTC"')
    forget_rounds(patient)
    add_round(patient.url, ended=ago(old))

    report = patient.examine("--offline")

    if is_late:
        found = report.warning("rounds.last")
        assert f"from cron: {schedule} {RUN}" in (found.advice or "")
    else:
        found = report.ok("rounds.last")
    assert "the last round in which all went well ended" in found.what


def test_rounds_that_are_run_and_fail(patient: Patient) -> None:
    forget_rounds(patient)
    add_round(patient.url, ended=ago(3 * DAY))
    add_round(patient.url, ended=ago(HOUR), good=False)

    found = patient.examine("--offline").warning("rounds.last")

    assert "ended 3 days ago" in found.what
    assert found.advice == "see to the steps that fail: voicereg housekeeping status"


def test_a_round_of_the_future(patient: Patient) -> None:
    add_round(patient.url, ended=ago(-9 * HOUR))

    found = patient.examine("--offline").warning("rounds.last")

    assert "ended in the future" in found.what
    assert "set the clocks by NTP" in (found.advice or "")


def test_steps_that_failed(patient_of_each: Patient) -> None:
    note_step(patient_of_each, "keep_alive", "default", "the provider answered 503")
    note_step(patient_of_each, "deliver", "", "channel mail did not take it")
    note_step(patient_of_each, "prune", "", None)

    found = patient_of_each.examine("--offline").all("rounds.steps", Outcome.WARNING)

    assert len(found) == 2
    said = " ".join(each.what for each in found)
    assert "keep alive of default failed at 20" in said
    assert "the provider answered 503" in said
    assert "deliver failed at 20" in said
    assert {each.advice for each in found} == {f"mend that, then: {RUN}"}


def test_a_scheduler_that_has_gone(patient: Patient) -> None:
    add_round(patient.url, ended=ago(HOUR), due=ago(HOUR))

    found = patient.examine("--offline").warning("rounds.leader")

    assert "no scheduler is running; one ran the last round (anna@studio" in found.what
    assert START in (found.advice or "")
    assert RUN in (found.advice or "")


def test_a_scheduler_that_leads_and_is_late(patient_of_each: Patient, other: Registry) -> None:
    other.leases.take(LEADER_LEASE, HOUR)
    add_round(patient_of_each.url, ended=ago(timedelta(minutes=5)), due=ago(2 * DAY))

    found = patient_of_each.examine("--offline").warning("rounds.leader")

    assert "eve@studio (cli), process" in found.what
    assert "late: the round that was due at 20" in found.what
    assert "see its log, and start it anew" in (found.advice or "")


def test_a_scheduler_that_is_in_time_or_at_work(patient_of_each: Patient, other: Registry) -> None:
    other.leases.take(LEADER_LEASE, HOUR)
    in_time = patient_of_each.examine("--offline").ok("rounds.leader")
    other.leases.take(ROUND_LEASE, HOUR)
    add_round(patient_of_each.url, ended=ago(2 * DAY), due=ago(2 * DAY))
    add_round(patient_of_each.url, ended=None, due=ago(HOUR))
    at_work = patient_of_each.examine("--offline")

    assert "is the scheduler since" in in_time.what
    assert "late" not in at_work.ok("rounds.leader").what
    assert "a round is under way since" in at_work.ok("rounds.now").what


def test_a_round_that_was_killed(patient_of_each: Patient) -> None:
    add_round(patient_of_each.url, ended=None, began=ago(HOUR))

    found = patient_of_each.examine("--offline").warning("rounds.now")

    assert "the round that anna@studio (cli), process 4711 began at 20" in found.what
    assert "never ended" in found.what
    assert RUN in (found.advice or "")


def test_a_schedule_that_never_comes(patient: Patient) -> None:
    patient.write('[schedule]\nround = "0 0 30 2 *"')
    note_step(patient, "sync", "default", "it failed")

    report = patient.examine("--offline")

    found = report.wrong("rounds.schedule")
    assert "no such time ever comes" in found.what
    assert f"correct it in {patient.config}" in (found.advice or "")
    assert "it failed" in report.warning("rounds.steps").what


@pytest.mark.parametrize(
    ("url", "value", "what", "advice"),
    [
        ("env:BEAT", None, "BEAT is not set", "put its URL into BEAT"),
        ("env:BEAT", f"ftp://{KEY}", "neither http nor https", "put its URL into BEAT"),
        (f"ftp://{KEY}", None, "neither http nor https", "correct schedule.heartbeat"),
        (KEY, None, "neither http nor https", "correct schedule.heartbeat"),
        (f"https:///{KEY}", None, "names no host", "correct schedule.heartbeat"),
        (f"https://[{KEY}", None, "its URL is none", "correct schedule.heartbeat"),
        (f"https://host:{KEY}/", None, "its URL is none", "correct schedule.heartbeat"),
        (f"https://host/ {KEY}", None, "holds spaces", "correct schedule.heartbeat"),
    ],
)
def test_a_heartbeat_that_cannot_be_sent(
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    value: str | None,
    what: str,
    advice: str,
) -> None:
    patient.write(f'[schedule]\nheartbeat = "{url}"')
    if value is not None:
        monkeypatch.setenv("BEAT", value)

    found = patient.examine("--offline").wrong("rounds.heartbeat")

    assert what in found.what
    assert advice in (found.advice or "")


def test_a_heartbeat_is_not_sent(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it would believe that all is well."""
    monkeypatch.setenv("BEAT", f"{patient.cli.sandbox.base_url}/beat")
    patient.write('[schedule]\nheartbeat = "env:BEAT"')

    assert "it is not asked for" in patient.examine("--send-test").ok("rounds.heartbeat").what
