"""A registry that is in order, to be broken by each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import (
    Cli,
    _in_a_directory_of_its_own,
    _logging_as_before,
    sqlite_url,
    start,
)
from tests.databases import PostgresServer
from tests.doctor.support import KEY, Patient, put_in_order
from voicereg.doctor import checks
from voicereg.sandbox import Sandbox

__all__ = ["_in_a_directory_of_its_own", "_logging_as_before", "sqlite_url", "start"]


@pytest.fixture(autouse=True)
def _schema_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in every test: that alone takes longer than all else. Modules about it say otherwise."""
    monkeypatch.setattr("voicereg.schema.checks._schema_problems", lambda database: [])


@pytest.fixture(autouse=True)
def _looked_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the checks that a module names as its own, where it does: they are many tests."""
    names = getattr(request.module, "LOOKED_AT", None)
    if names is not None:
        chosen = tuple(check for check in checks.CHECKS if check.name in names)
        assert {check.name for check in chosen} == set(names)
        monkeypatch.setattr(checks, "CHECKS", chosen)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(api_keys=(KEY,), review_time=timedelta(0)) as sandbox:
        yield sandbox


@pytest.fixture
def admit(
    start: Callable[[str], Cli], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Patient]:
    """Makes a patient of a database of any kind, in whatever state it is."""

    def with_database(url: str) -> Patient:
        config = tmp_path / "config.toml"
        monkeypatch.setenv("VOICEREG_CONFIG", str(config))
        patient = Patient(start(url), config)
        patient.write("")
        return patient

    return with_database


@pytest.fixture
def patient(admit: Callable[[str], Patient], sqlite_url: str) -> Patient:
    """A SQLite registry that is in order."""
    put_in_order(sqlite_url)
    return admit(sqlite_url)


@pytest.fixture
def shared_patient(
    admit: Callable[[str], Patient], postgresql: PostgresServer
) -> Iterator[Patient]:
    """A PostgreSQL registry that is in order."""
    url = postgresql.create(migrated=True)
    put_in_order(url)
    yield admit(url)
    postgresql.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def patient_of_each(request: pytest.FixtureRequest) -> Patient:
    """A registry of each kind that is in order."""
    name = "patient" if request.param == "sqlite" else "shared_patient"
    found: Patient = request.getfixturevalue(name)
    return found
