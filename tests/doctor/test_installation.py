"""What is installed, and whether it does."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec

import pytest

from tests.doctor.support import Patient
from voicereg.doctor import channels, installation

LOOKED_AT = ("database", "channel", "install")


@pytest.fixture
def uninstall(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a package one that is not there."""

    def without(package: str) -> None:
        def find(name: str) -> ModuleSpec | None:
            return None if name == package else importlib.util.find_spec(name)

        for module in (installation, channels):
            monkeypatch.setattr(module, "find_spec", find)
        monkeypatch.setitem(sys.modules, package, None)

    return without


CASES = [
    ("psycopg", "postgres", 'database = "postgresql://me@127.0.0.1:1/voicereg"'),
    ("apprise", "notify", '[[channel]]\nname = "mail"\nurl = "json://127.0.0.1"'),
    ("prometheus_client", "metrics", '[metrics]\ntextfile = "voicereg.prom"'),
]


@pytest.mark.parametrize(("package", "extra", "content"), CASES)
def test_what_the_settings_need_is_not_installed(
    patient: Patient,
    uninstall: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    extra: str,
    content: str,
) -> None:
    uninstall(package)
    patient.write(content)
    if extra == "postgres":
        monkeypatch.delenv("VOICEREG_DATABASE")

    found = patient.examine("--offline").wrong(f"install.{extra}")

    assert f"{package} is not installed, and the settings ask for" in found.what
    assert found.advice == f"pip install 'voicereg[{extra}]'"


@pytest.mark.parametrize(("package", "extra"), [case[:2] for case in CASES])
def test_what_nothing_needs_may_be_missing(
    patient: Patient, uninstall: Callable[[str], None], package: str, extra: str
) -> None:
    uninstall(package)

    report = patient.examine("--offline")

    assert f"{package} is not installed; only" in report.ok(f"install.{extra}").what
    assert report.loud == []


def test_a_channel_says_that_its_package_is_missing(
    patient: Patient, uninstall: Callable[[str], None]
) -> None:
    uninstall("apprise")
    patient.write('[[channel]]\nname = "mail"\nurl = "json://127.0.0.1"', channel=False)

    found = patient.examine("--offline").wrong("channel")

    assert found.what == "mail: the package apprise is not installed"
    assert found.advice == "pip install 'voicereg[notify]'"


def test_without_the_driver_the_database_cannot_be_had(
    patient: Patient, uninstall: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall("psycopg")
    monkeypatch.setenv("VOICEREG_DATABASE", "postgresql://me@127.0.0.1:1/voicereg")

    found = patient.examine("--offline").wrong("database.reach")

    assert "pip install 'voicereg[postgres]'" in (found.advice or "")


def test_a_sqlite_that_is_too_old(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))

    found = patient.examine("--offline").wrong("install.sqlite")

    assert found.what.startswith("SQLite 3.31.1 is too old: 3.35 ")
    assert "a newer SQLite" in (found.advice or "")
