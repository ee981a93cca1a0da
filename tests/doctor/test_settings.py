"""The settings file: whether it can be read, and by whom; and variables that nothing reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.doctor.support import KEY, Patient
from voicereg.doctor.findings import Outcome


def test_every_mistake_in_the_file_is_told(patient: Patient) -> None:
    patient.write(
        "colour = 1\n[create]\nread_timeout = 'soon'\n[metrics]\ninterval = 5\n"
        f"[['env:{KEY}://']]\n"
    )

    found = patient.examine().all("settings.file", Outcome.WRONG)

    said = {each.what: each.advice or "" for each in found}
    assert len(said) == 4
    for key in ("colour", "metrics.interval"):
        (advice,) = (advice for what, advice in said.items() if f": {key}: there is no" in what)
        assert f"take it out of {patient.config}" in advice
    (advice,) = (advice for what, advice in said.items() if "read_timeout" in what)
    assert f"correct it in {patient.config}" in advice


def test_a_registry_is_looked_at_though_the_settings_are_wrong(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOICEREG_DATABASE")
    patient.write(f'database = "{patient.file}"\ncolour = 1')

    report = patient.examine()

    assert report.loud == ["settings.file"]
    assert str(patient.file) in report.ok("database.sound").what
    for check in ("deadlines", "channel", "metrics"):
        assert "the settings cannot be used" in report.skipped(check).what


def test_a_file_that_is_no_toml(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOICEREG_DATABASE")
    patient.config.write_text(f'database = "postgresql://me:{KEY}@db/voicereg\n')

    report = patient.examine()

    assert "it is not TOML" in report.wrong("settings.file").what
    assert f"correct it in {patient.config}" in (report.wrong("settings.file").advice or "")
    assert "which database is meant is not known" in report.skipped("database").what
    assert report.loud == ["settings.file"]


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_a_file_that_is_not_there(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("VOICEREG_CONFIG", "nowhere.toml")

    words = ["--config", "nowhere.toml"] if by == "flag" else []
    found = patient.examine(before=words).wrong("settings.file")

    assert "nowhere.toml" in found.what
    assert "make that file, or name another with --config" in (found.advice or "")


def test_the_default_file_need_not_be_there(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOICEREG_CONFIG")

    assert "the defaults hold" in patient.examine().ok("settings.file").what


def test_a_file_that_may_not_be_read(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        # Root reads everything: the refusal that anybody else would meet is put in its place.
        read = Path.read_text

        def refused(self: Path, *given: object, **more: object) -> str:
            if self == patient.config:
                raise PermissionError(13, "Permission denied", str(self))
            return read(self, *given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "read_text", refused)
    patient.config.chmod(0o000)

    found = patient.examine().wrong("settings.file")

    assert "Permission denied" in found.what
    assert str(patient.config) in (found.advice or "")


def test_a_variable_that_does_not_fit(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEREG_SETTLE_AFTER", "soon")

    found = patient.examine().wrong("settings.file")

    assert "VOICEREG_SETTLE_AFTER" in found.what
    assert "set the environment variable VOICEREG_SETTLE_AFTER" in (found.advice or "")


def test_a_variable_that_is_misspelt(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEREG_DATABSE", f"postgresql://me:{KEY}@db/voicereg")
    monkeypatch.setenv("VOICEREG_MAIL", "of a channel")

    found = patient.examine().warning("settings.environment")

    assert "VOICEREG_DATABSE" in found.what
    assert "if VOICEREG_DATABASE is meant" in (found.advice or "")


SECRETS = (
    f'database = "postgresql://me:{KEY}@127.0.0.1:1/voicereg"',
    f'[[channel]]\nname = "mail"\nurl = "json://me:{KEY}@127.0.0.1"',
    f'[schedule]\nheartbeat = "https://127.0.0.1/{KEY}"',
)


@pytest.mark.parametrize("content", SECRETS, ids=["database", "channel", "heartbeat"])
def test_secrets_that_others_may_read(patient: Patient, content: str) -> None:
    patient.write(content, mode=0o644)

    found = patient.examine().warning("settings.mode")

    assert "(mode 644), and it may hold passwords and tokens" in found.what
    assert found.advice == f"chmod 600 {patient.config}"


def test_a_file_that_cannot_be_understood_may_hold_secrets(patient: Patient) -> None:
    patient.write("colour = 1", mode=0o640)

    assert "(mode 640)" in patient.examine().warning("settings.mode").what


def test_what_is_no_secret_may_be_read(patient: Patient) -> None:
    patient.write(
        '[[channel]]\nname = "mail"\nurl = "env:MAIL"\n[schedule]\nheartbeat = "env:BEAT"',
        mode=0o644,
    )

    assert "it holds no secret" in patient.examine().ok("settings.mode").what


@pytest.mark.parametrize("mode", [0o622, 0o666, 0o620])
def test_a_file_that_others_may_change(patient: Patient, mode: int) -> None:
    patient.write("", mode=mode)

    found = patient.examine().warning("settings.mode")

    assert f"others may change {patient.config} (mode {mode:o})" in found.what
    assert found.advice == f"chmod 600 {patient.config}"
