"""Databases and settings that cannot be worked with."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, content, creating, execute
from voicereg.schema.revisions import HEAD

COMMANDS = [["list"], ["quota", "--json"], creating(), ["db", "current"]]


def under_a_file(directory: Path, good: Path) -> Path:
    (directory / "file").write_text("a file")
    return directory / "file" / "voices.db"


def a_directory(directory: Path, good: Path) -> Path:
    (directory / "voices.db").mkdir()
    return directory / "voices.db"


def not_a_database(directory: Path, good: Path) -> Path:
    (directory / "voices.db").write_text("Dear diary, today nothing happened. " * 100)
    return directory / "voices.db"


def corrupt(directory: Path, good: Path) -> Path:
    data = good.read_bytes()
    (directory / "voices.db").write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    return directory / "voices.db"


UNUSABLE: list[tuple[Callable[[Path, Path], Path], str]] = [
    (under_a_file, "readable and writable"),
    (a_directory, "Is a directory"),
    (not_a_database, "file is not a database"),
    (corrupt, "it is damaged"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(("make", "said"), UNUSABLE)
def test_a_file_that_cannot_be_a_registry(
    cli: Cli, tmp_path: Path, make: Callable[[Path, Path], Path], said: str, words: list[str]
) -> None:
    bad = make(tmp_path, Path(cli.database.removeprefix("sqlite:///")))
    before = bad.read_bytes() if bad.is_file() else None

    result = cli("-d", str(bad), *words)

    assert_refused(result, 1, f"the database {bad} cannot be used", said)
    assert (bad.read_bytes() if bad.is_file() else None) == before
    assert cli.actions == []


@pytest.mark.parametrize("words", [["list"], creating(), ["db", "upgrade"]], ids=lambda w: w[0])
def test_a_database_of_a_newer_version(cli_on_each: Cli, words: list[str]) -> None:
    execute(cli_on_each.database, "UPDATE alembic_version SET version_num = '9999'")
    before = content(cli_on_each.database)

    result = cli_on_each(*words)

    assert_refused(result, 1, "is newer than this program", "9999", HEAD, "pip install --upgrade")
    assert content(cli_on_each.database) == before
    assert cli_on_each.actions == []


def test_a_newer_database_can_still_be_looked_at(cli: Cli) -> None:
    execute(cli.database, "UPDATE alembic_version SET version_num = '9999'")

    assert cli.done("db", "current", "--json").json()["current"] == "9999"
    checked = cli("db", "check", "--json")
    assert (checked.code, checked.json()["ok"]) == (1, False)


def test_the_database_of_another_program(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    execute(url, "CREATE TABLE recipes (name TEXT)")

    for words in (["list"], ["db", "upgrade"]):
        assert_refused(cli("-d", url, *words), 1, "holds tables that are not voicereg's")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("words", [["list"], ["quota"], creating()], ids=lambda words: words[0])
def test_an_empty_postgresql_database(
    start: Callable[[str], Cli], empty_database_url: str, words: list[str]
) -> None:
    cli = start(empty_database_url)

    assert_refused(cli(*words), 1, "is empty", "set it up with: voicereg db upgrade")
    assert cli.actions == []


def test_a_server_that_is_not_there(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = cli("-d", f"postgresql://user:hidden@127.0.0.1:{port}/voices", "list")

    assert_refused(result, 1, "cannot be used", "check that the server runs")
    assert "hidden" not in result.err


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://user:hidden@host/voices", 2, "it must be sqlite:///PATH or postgresql://…"),
        ("sqlite://", 1, "a registry must outlive the program"),
        ("sqlite:///:memory:", 1, "a registry must outlive the program"),
    ],
)
def test_a_database_of_the_wrong_kind(cli: Cli, url: str, code: int, said: str) -> None:
    result = cli("-d", url, "list")

    assert_refused(result, code, said)
    assert "hidden" not in result.err


BAD_SETTINGS = [
    ('colour = "red"', "colour: there is no such setting"),
    ("[create]\nspeed = 3", "create.speed: there is no such setting"),
    ("create = 3", "create: it must be a table [create]"),
    ("this is not TOML", "it is not TOML"),
    ('[create]\nsettle_after = "soon"', 'it must be a duration such as "15m"'),
    ('[create]\nsettle_after = "10s"', "it must be longer than any create can last"),
    ("[quota]\nwarning = 80", "it must be a share between 0 and 1"),
    ("database = 3", "database: it must be a text"),
]


@pytest.mark.parametrize(("text", "said"), BAD_SETTINGS)
def test_a_settings_file_that_does_not_fit(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    before = cli.content()

    assert_refused(cli("--config", str(file), *creating()), 2, said)

    assert cli.content() == before
    assert cli.actions == []


def test_a_settings_file_that_is_not_there(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_refused(cli("--config", "nowhere.toml", "list"), 2, "config: ", "nowhere.toml")
    monkeypatch.setenv("VOICEREG_CONFIG", "elsewhere.toml")
    assert_refused(cli("list"), 2, "config: ", "elsewhere.toml")


@pytest.mark.parametrize("value", ["soon", "10s", "-15m", "0m"])
def test_a_settle_time_that_is_none(cli: Cli, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VOICEREG_SETTLE_AFTER", value)

    assert_refused(cli("list"), 2, "settle_after" if value == "10s" else "VOICEREG_SETTLE_AFTER")


def test_flags_come_before_the_environment_and_that_before_the_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flag", "variable", "file"):
        cli.done("account", "add", name)
    settings = tmp_path / "settings.toml"
    settings.write_text('account = "file"')

    def selected(*flags: str) -> str:
        name: str = cli.done(*flags, "quota", "--json").json()[0]["account"]
        return name

    assert selected() == "default"
    monkeypatch.setenv("VOICEREG_CONFIG", str(settings))
    assert selected() == "file"
    monkeypatch.setenv("VOICEREG_ACCOUNT", "variable")
    assert selected() == "variable"
    assert selected("-a", "flag") == "flag"


def test_a_new_registry_is_set_up_at_first_use_for_its_owner_alone(
    cli: Cli, tmp_path: Path
) -> None:
    new = tmp_path / "a" / "new" / "registry.db"

    assert cli.done("-d", str(new), "list", "--json").json() == []
    assert new.stat().st_mode & 0o777 == 0o600
