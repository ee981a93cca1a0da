"""The accounts: keys, regions, addresses."""

from __future__ import annotations

import pytest

from tests.doctor.support import KEY, Patient
from voicereg.doctor.findings import Outcome
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE

LOOKED_AT = ("account", "provider", "sync", "deadlines")


@pytest.mark.parametrize(
    ("key", "what", "advice"),
    [
        (None, "is not set", "export DASHSCOPE_API_KEY=…"),
        ("", "is empty", "export DASHSCOPE_API_KEY=…"),
        ("  \n", "is empty", "export DASHSCOPE_API_KEY=…"),
        (f"'{KEY}'", "has quotes around the key", "take the quotes out"),
        (f'"{KEY}"', "has quotes around the key", "take the quotes out"),
        (f"“{KEY}”", "has quotes around the key", "take the quotes out"),
        (f"'{KEY}'\n", "has quotes around the key", "take the quotes out"),
        (f"{KEY}\n{KEY}", "holds several lines", "on one line"),
        (f"{KEY} {KEY}", "holds characters that no API key has", "copy the key anew"),
        (f"{KEY}é", "holds characters that no API key has", "copy the key anew"),
        (f"{KEY}\x1b[31m", "holds characters that no API key has", "copy the key anew"),
    ],
)
def test_a_key_that_is_none(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, key: str | None, what: str, advice: str
) -> None:
    if key is None:
        monkeypatch.delenv(DEFAULT_KEY_VARIABLE)
    else:
        monkeypatch.setenv(DEFAULT_KEY_VARIABLE, key)

    found = patient.examine("--offline").wrong("account.key")

    assert f"default: DASHSCOPE_API_KEY {what}" in found.what
    assert advice in (found.advice or "")


@pytest.mark.parametrize("key", [f" {KEY}", f"{KEY}\n", f"{KEY}\r\n"])
def test_a_key_with_space_around_it(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """This program leaves that out; whatever else reads the variable may not."""
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, key)

    report = patient.examine()

    found = report.warning("account.key")
    assert found.what == "default: DASHSCOPE_API_KEY has a space or a line end around the key"
    assert "put the key alone into DASHSCOPE_API_KEY" in (found.advice or "")
    assert "it accepts the key" in report.ok("provider").what


def test_the_key_of_an_account_is_looked_for_in_its_own_variable(patient: Patient) -> None:
    patient.cli.done("account", "add", "studio", "--api-key-env", "STUDIO_KEY")

    report = patient.examine("--all-accounts", "--offline")

    (found,) = report.all("account.key", Outcome.WRONG)
    assert "studio: STUDIO_KEY is not set" in found.what
    assert [each.what for each in report.all("account.key", Outcome.OK)] == [
        "default: the key is in DASHSCOPE_API_KEY"
    ]


def test_a_region_that_is_not_known(patient: Patient) -> None:
    patient.execute("UPDATE accounts SET region = 'cn-bejing'")

    report = patient.examine("--offline")

    found = report.warning("account.region")
    assert "the region cn-bejing is not known" in found.what
    assert "cn-beijing or ap-southeast-1: voicereg account edit default" in (found.advice or "")


@pytest.mark.parametrize(
    ("base_url", "what"),
    [
        ("http://voices.example/api/v1", "plain http would send the key unencrypted"),
        ("https://voices.example/v1", "it must end in /api/v1"),
        ("https://voices.example:port/api/v1", "it is not a URL"),
        (f"https://me:{KEY}@voices.example/api/v1", "it must not carry a user or a password"),
        (f"https://voices.example/api/v1?key={KEY}", "it must end in /api/v1"),
        (f"https://voices.example/api/v1#{KEY}", "it must end in /api/v1"),
    ],
)
@pytest.mark.parametrize("by", ["flag", "account"])
def test_an_address_that_is_none(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, base_url: str, what: str, by: str
) -> None:
    monkeypatch.delenv("VOICEREG_BASE_URL")
    if by == "account":
        patient.execute("UPDATE accounts SET base_url = :url", url=base_url)
        report = patient.examine()
        mend = "voicereg account edit default --base-url URL"
    else:
        report = patient.examine(before=["--base-url", base_url])
        mend = "correct --base-url, VOICEREG_BASE_URL or base_url in the settings file"

    found = report.wrong("account.address")
    assert what in found.what
    assert mend in (found.advice or "")
    assert "not asked" in report.skipped("provider").what


def test_a_region_whose_host_is_not_known(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOICEREG_BASE_URL")
    patient.execute("UPDATE accounts SET region = 'eu-central-1'")

    found = patient.examine().wrong("account.address")

    assert "its shared host is not known" in found.what
    assert "--workspace ID" in (found.advice or "")


def test_one_key_in_two_regions(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.cli.done("account", "add", "abroad", "--region", "ap-southeast-1")

    by_variable = patient.examine("--offline").warning("account.shared_key")
    patient.cli.done("account", "edit", "abroad", "--api-key-env", "ABROAD_KEY")
    monkeypatch.setenv("ABROAD_KEY", KEY)
    by_value = patient.examine("--offline").warning("account.shared_key")
    monkeypatch.setenv("ABROAD_KEY", f"{KEY}-2")
    apart = patient.examine("--offline")

    assert "abroad (ap-southeast-1), default (cn-beijing)" in by_variable.what
    assert "ABROAD_KEY and DASHSCOPE_API_KEY" in by_value.what
    assert "--api-key-env VARIABLE" in (by_value.advice or "")
    assert "account.shared_key" not in [each.check for each in apart.findings]


def test_an_account_that_there_is_not(patient: Patient) -> None:
    report = patient.examine(before=["-a", "nobody"])

    found = report.wrong("account")
    assert "no account 'nobody'; there is default" in found.what
    assert "voicereg account add" in (found.advice or "")
    for check in ("provider", "sync", "deadlines"):
        assert "there is no such account" in report.skipped(check).what
