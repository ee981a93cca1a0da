"""Flags over environment over file over defaults."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from voicereg import InvalidInput, Settings
from voicereg.settings import default_config_path, load

from .conftest import Write

SET = ["database", "account", "base_url"]
DEFAULTS = {"database": None, "account": "default", "base_url": None}
VARIABLES = {
    "database": "VOICEREG_DATABASE",
    "account": "VOICEREG_ACCOUNT",
    "base_url": "VOICEREG_BASE_URL",
}
FILE = 'database = "file.db"\naccount = "file"\nbase_url = "https://file/api/v1"\n'
IN_FILE = {"database": "file.db", "account": "file", "base_url": "https://file/api/v1"}


def test_the_defaults() -> None:
    settings = load(environment={})
    assert settings == Settings()
    assert settings.database is None
    assert settings.account == "default"
    assert settings.base_url is None
    assert settings.create.settle_after == timedelta(minutes=15)
    assert settings.create.review_wait == timedelta(seconds=120)
    assert (settings.quota.warning, settings.quota.critical) == (0.80, 0.95)


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(environment={}).account = "other"  # type: ignore[misc]


@pytest.mark.parametrize("key", SET)
@pytest.mark.parametrize("flag", [None, "flag"])
@pytest.mark.parametrize("variable", [None, "variable"])
@pytest.mark.parametrize("with_file", [False, True])
def test_each_setting_is_taken_from_the_first_place_that_has_it(
    key: str, flag: str | None, variable: str | None, with_file: bool, write: Write
) -> None:
    environment = {} if variable is None else {VARIABLES[key]: variable}
    flags: dict[str, Any] = {} if flag is None else {key: flag}
    config = write(FILE) if with_file else None
    settings = load(config=config, environment=environment, **flags)
    below = IN_FILE if with_file else DEFAULTS
    assert getattr(settings, key) == (flag or variable or below[key])
    others = [other for other in SET if other != key]
    assert [getattr(settings, other) for other in others] == [below[other] for other in others]


@pytest.mark.parametrize("key", SET)
def test_an_empty_variable_is_one_that_is_not_set(key: str, write: Write) -> None:
    settings = load(config=write(FILE), environment={VARIABLES[key]: ""})
    assert getattr(settings, key) == IN_FILE[key]


@pytest.mark.parametrize(
    ("variable", "content", "minutes"),
    [
        (None, "", 15),
        ("", "", 15),
        ("20m", "", 20),
        (None, '[create]\nsettle_after = "30m"', 30),
        ("", '[create]\nsettle_after = "30m"', 30),
        ("20m", '[create]\nsettle_after = "30m"', 20),
    ],
)
def test_settle_after_from_variable_file_or_default(
    variable: str | None, content: str, minutes: int, write: Write
) -> None:
    environment = {} if variable is None else {"VOICEREG_SETTLE_AFTER": variable}
    settings = load(config=write(content), environment=environment)
    assert settings.create.settle_after == timedelta(minutes=minutes)


def test_the_variable_leaves_the_rest_of_its_section_alone(write: Write) -> None:
    config = write('[create]\nread_timeout = "90s"\n')
    create = load(config=config, environment={"VOICEREG_SETTLE_AFTER": "1h"}).create
    assert (create.settle_after, create.read_timeout) == (timedelta(hours=1), timedelta(seconds=90))


def test_the_environment_of_the_process_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOICEREG_ACCOUNT", "studio")
    assert load().account == "studio"
    assert load(environment={}).account == "default"


def _write_default_file(account: str) -> None:
    path = default_config_path()
    path.parent.mkdir(parents=True)
    path.write_text(f'account = "{account}"\n', encoding="utf-8")


def test_the_users_file_is_read_where_there_is_one(home: Path) -> None:
    assert load(environment={}).account == "default"
    _write_default_file("mine")
    assert default_config_path().is_relative_to(home)
    assert load(environment={}).account == "mine"


def test_a_named_file_stands_for_the_users_own(write: Write, tmp_path: Path) -> None:
    _write_default_file("mine")
    assert load(config=write("")).account == "default"
    other = tmp_path / "other.toml"
    other.write_text('account = "other"\n', encoding="utf-8")
    assert load(environment={"VOICEREG_CONFIG": str(other)}).account == "other"
    assert load(environment={"VOICEREG_CONFIG": ""}).account == "mine"


def test_a_flag_names_the_file_over_the_variable(write: Write, tmp_path: Path) -> None:
    missing = {"VOICEREG_CONFIG": str(tmp_path / "not-there.toml")}
    assert load(config=write(FILE), environment=missing).account == "file"


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path, by_variable: bool) -> None:
    path = tmp_path / "not-there.toml"
    environment = {"VOICEREG_CONFIG": str(path)} if by_variable else {}
    with pytest.raises(InvalidInput) as caught:
        load(config=None if by_variable else path, environment=environment)
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("config", str(path))
    assert "No such file" in problem.rule


def test_a_broken_default_file_is_not_passed_over() -> None:
    _write_default_file('"')
    with pytest.raises(InvalidInput, match="it is not TOML"):
        load(environment={})
