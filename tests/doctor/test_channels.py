"""The channels: whether they can be used, and whether they take a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.doctor.support import KEY, Patient
from tests.notify.support import http_receiver
from tests.registry.rows import begun
from tests.registry.support import closed_port
from voicereg.doctor.findings import Outcome
from voicereg.tables import messages, warnings

LOOKED_AT = ("settings", "channel")


def channel(url: str, more: str = "") -> str:
    return f'[[channel]]\nname = "desk"\nurl = "{url}"\n{more}\n'


def test_no_channel(patient: Patient) -> None:
    patient.write("", channel=False)

    found = patient.examine("--offline").warning("channel")

    assert found.what == "no channel is set: warnings go to the log alone"
    assert f"add one to {patient.config}" in (found.advice or "")


@pytest.mark.parametrize(
    ("url", "value", "what", "advice"),
    [
        ("env:DESK", None, "the environment variable DESK is not set", "set DESK to"),
        ("env:DESK", "  ", "the environment variable DESK is not set", "set DESK to"),
        ("env:DESK", KEY, "there is no URL in the environment variable DESK", "set DESK to"),
        ("env:DESK", f"nosuch://{KEY}", "nosuch:// is neither", "correct the URL in the variable"),
        ("env:the desk", None, "name of an environment variable", "env:VOICEREG_MAIL"),
        (KEY, None, "it is no URL", "correct its url in"),
        (f"nosuch://{KEY}", None, "nosuch:// is neither log:// nor file://", "correct its url"),
        (f"slack://{KEY}", None, "Apprise cannot use it as a slack:// URL", "correct its url"),
        ("log://here", None, "log:// takes nothing behind it", "correct its url"),
        ("file://host/path", None, "write file:///PATH", "correct its url"),
    ],
)
def test_a_url_that_is_none(
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    value: str | None,
    what: str,
    advice: str,
) -> None:
    patient.write(channel(url), channel=False)
    if value is not None:
        monkeypatch.setenv("DESK", value)

    found = patient.examine("--offline", "--send-test").wrong("channel")

    assert found.what.startswith("desk: ")
    assert what in found.what
    assert advice in (found.advice or "")


def test_a_channel_of_an_account_that_there_is_not(patient: Patient) -> None:
    patient.write(channel("log://", 'account = "stuido"'), channel=False)

    found = patient.examine("--offline").warning("channel.account")

    assert "desk: it is only for account stuido, which there is not" in found.what
    assert f"correct account in {patient.config}: there is default" in (found.advice or "")


def test_nothing_is_sent_unless_that_is_asked_for(patient: Patient) -> None:
    with http_receiver() as received:
        patient.write(channel(f"json://127.0.0.1:{received.port}"), channel=False)
        report = patient.examine()

    assert received.bodies == []
    assert report.ok("channel").what == "desk: json://… can be used"
    assert "channel.test" not in [each.check for each in report.findings]


def test_a_test_is_sent_in_the_channels_language_and_noted_nowhere(
    patient_of_each: Patient, tmp_path: Path
) -> None:
    patient, file = patient_of_each, tmp_path / "desk.jsonl"
    with http_receiver() as received:
        patient.write(
            channel(f"json://127.0.0.1:{received.port}", 'language = "zh"')
            + f'[[channel]]\nname = "record"\nurl = "file://{file}"\n',
            channel=False,
        )
        report = patient.examine("--offline", "--send-test")

    assert [each.what for each in report.all("channel.test", Outcome.OK)] == [
        "desk: it took a test; see that it has arrived",
        "record: it took a test; see that it has arrived",
    ]
    (body,) = received.bodies
    assert body["title"] == "voicereg：通道 desk 的测试消息，无需处理"
    assert "无需处理" in body["message"]
    (line,) = file.read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert (told["test"], told["items"], told["channel"]) == (True, [], "record")
    assert told["title"] == "voicereg: a test of channel record, nothing is to be done"
    where = (
        str(patient.file) if "sqlite" in patient.url else patient.url.split("/")[3].split("?")[0]
    )
    assert where in told["registry"]
    assert where in told["text"]
    with begun(patient.url) as connection:
        for table in (messages, warnings):
            assert connection.execute(table.select()).all() == []


def test_a_log_takes_a_test(patient: Patient) -> None:
    patient.write(channel("log://"), channel=False)

    report = patient.examine("--offline", "--send-test")

    assert "it took a test" in report.ok("channel.test").what
    assert "This is a test: channel: desk; registry: " in report.result.err
    assert "Nothing is to be done." in report.result.err


def test_a_log_that_takes_nothing(patient: Patient) -> None:
    patient.write(channel("log://"), channel=False)

    found = patient.examine("--offline", "--send-test", before=["-q"]).wrong("channel.test")

    assert "desk: the test was not taken: the log takes no warnings" in found.what
    assert "run without -q" in (found.advice or "")


def test_a_service_that_refuses(patient: Patient) -> None:
    with http_receiver(500) as received:
        url = f"json://me:{KEY}@127.0.0.1:{received.port}/{KEY}"
        patient.write(channel(url), channel=False)
        found = patient.examine("--offline", "--send-test").wrong("channel.test")

    assert len(received.bodies) == 1
    assert found.what.startswith("desk: the test was not taken: ")
    assert "500" in found.what
    assert "see that the service can be reached" in (found.advice or "")


def test_a_service_that_cannot_be_reached(patient: Patient) -> None:
    port = closed_port().split(":")[2].split("/")[0]
    patient.write(channel(f"json://me:{KEY}@127.0.0.1:{port}"), channel=False)

    found = patient.examine("--offline", "--send-test").wrong("channel.test")

    assert "desk: the test was not taken: " in found.what


def test_a_file_that_cannot_be_written(patient: Patient, tmp_path: Path) -> None:
    patient.write(channel(f"file://{tmp_path}/nowhere/desk.jsonl"), channel=False)

    found = patient.examine("--offline", "--send-test").wrong("channel.test")

    assert "nowhere/desk.jsonl cannot be written: No such file or directory" in found.what


def test_one_that_fails_does_not_keep_the_others_from_being_tested(
    patient: Patient, tmp_path: Path
) -> None:
    patient.write(channel(f"file://{tmp_path}/nowhere/desk.jsonl"))

    report = patient.examine("--offline", "--send-test")

    assert len(report.all("channel.test", Outcome.WRONG)) == 1
    assert len(report.all("channel.test", Outcome.OK)) == 1


def test_a_channel_with_a_fault_of_its_own(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr("voicereg.notify.json_file.JsonFileChannel.send", fail)
    result = patient.cli("doctor", "--offline", "--send-test", "--json")

    (found,) = (each for each in result.json() if each["check"] == "channel.test")
    assert found["outcome"] == "wrong"
    assert "internal error: RuntimeError" in found["what"]
    assert KEY not in result.out + result.err


def test_a_test_is_sent_though_the_database_is_away(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = closed_port().split(":")[2].split("/")[0]
    monkeypatch.setenv("VOICEREG_DATABASE", f"postgresql://me:{KEY}@127.0.0.1:{port}/voices")

    report = patient.examine("--offline", "--send-test")

    assert "it took a test" in report.ok("channel.test").what
    told = json.loads(patient.config.with_name("told.jsonl").read_text(encoding="utf-8"))
    assert told["registry"] == "voices on 127.0.0.1"
    assert KEY not in json.dumps(told)
