"""Whether the provider can be reached, and accepts the key."""

from __future__ import annotations

import json

import pytest

from tests.doctor.support import KEY, Patient
from tests.provider.loopback import answer, hang_up, serving
from tests.registry.support import closed_port
from voicereg.doctor import provider
from voicereg.doctor.findings import Outcome
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE

LOOKED_AT = ("provider",)


def refusing(code: str, status: int) -> bytes:
    return json.dumps({"code": code, "message": "no", "request_id": "r-1"}).encode()


def test_one_request_is_enough(patient: Patient) -> None:
    for number in range(3):
        patient.cli.sandbox.add_voice(
            family="qwen-tts", origin="designed", target_model="m", name=f"v{number}"
        )

    report = patient.examine()

    assert "default: it accepts the key, and answered in " in report.ok("provider").what
    assert patient.cli.actions == ["list"]


def test_it_is_left_alone_when_that_is_asked_for(patient: Patient) -> None:
    report = patient.examine("--offline")

    assert report.skipped("provider").what == "not asked: --offline"
    assert patient.cli.actions == []


def test_a_provider_that_cannot_be_reached(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEREG_BASE_URL", closed_port())

    found = patient.examine().wrong("provider")

    assert "127.0.0.1" in found.what
    assert "could not be reached" in found.what
    assert "check the network" not in found.what
    assert "HTTPS_PROXY" in (found.advice or "")
    assert "voicereg account show default" in (found.advice or "")


def test_a_key_that_is_not_accepted(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of another region is refused like a wrong one."""
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, f"{KEY}-wrong")

    found = patient.examine().wrong("provider")

    assert "the provider does not accept the API key (InvalidApiKey, HTTP 401" in found.what
    assert "the account is in cn-beijing" in (found.advice or "")
    assert "voicereg account edit default --region REGION" in (found.advice or "")
    assert "into DASHSCOPE_API_KEY" in (found.advice or "")


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("Arrearage", 400, "settle the bill in the provider's console"),
        ("AccessDenied", 403, "allow it in the provider's console"),
        ("Throttling.RateQuota", 429, "wait a minute, and ask again"),
        ("InternalError", 500, "wait a little, and ask again"),
    ],
)
def test_a_provider_that_refuses(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, code: str, status: int, advice: str
) -> None:
    with serving(answer(refusing(code, status), status, {"Retry-After": "50"})) as server:
        monkeypatch.setenv("VOICEREG_BASE_URL", server.base_url)
        found = patient.examine().wrong("provider")

    assert f"({code}, HTTP {status}, request r-1): no" in found.what
    assert advice in (found.advice or "")
    assert len(server.received) == 1, "it is not asked again and again while somebody waits"


@pytest.mark.parametrize("content", [b"<html>please sign in</html>", b'{"output": {}}'])
def test_something_else_answers(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    with serving(answer(content)) as server:
        monkeypatch.setenv("VOICEREG_BASE_URL", server.base_url)
        found = patient.examine().wrong("provider")

    assert "could not be understood" in found.what
    assert "the region and base URL of the account" in (found.advice or "")


def test_a_connection_that_breaks(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(hang_up) as server:
        monkeypatch.setenv("VOICEREG_BASE_URL", server.base_url)
        found = patient.examine().wrong("provider")

    assert "was lost before an answer came" in found.what
    assert "HTTPS_PROXY" in (found.advice or "")


def test_a_provider_that_never_answers(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "_PATIENCE", provider._PATIENCE / 50)
    patient.cli.sandbox.misbehave("list", "timeout")

    found = patient.examine().wrong("provider")

    assert "was lost before an answer came" in found.what


def test_each_account_is_asked(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.cli.done("account", "add", "studio", "--base-url", patient.cli.sandbox.base_url)
    patient.cli.done("account", "edit", "studio", "--api-key-env", "STUDIO_KEY")
    monkeypatch.setenv("STUDIO_KEY", "not-that-one")

    report = patient.examine("--all-accounts")

    assert len(report.all("provider", Outcome.OK)) == 1
    (found,) = report.all("provider", Outcome.WRONG)
    assert found.what.startswith("studio: ")
