"""The command line in process: on a database and a sandbox of the test's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.support import Result, content, creating
from tests.databases import SqliteTemplate
from voicereg.cli.main import run
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox


class Cli:
    """Runs command lines as a shell would, and looks at what they changed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], sandbox: Sandbox, database: str) -> None:
        self._capsys = capsys
        self.sandbox = sandbox
        self.database = database

    def __call__(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        code = run(arguments)
        captured = self._capsys.readouterr()
        return Result(code, captured.out, captured.err)

    def done(self, *arguments: str) -> Result:
        """Run what must go well."""
        result = self(*arguments)
        assert result.code == 0, result
        return result

    def created(self, family: str = "qwen-tts", *options: str) -> str:
        """Design a voice, and return its registry id."""
        voice: str = self.done(*creating(family, "--json", *options)).json()["id"]
        return voice

    def content(self) -> dict[str, list[object]]:
        return content(self.database)

    @property
    def actions(self) -> list[str]:
        """What the provider was asked, in order."""
        return [request.body["input"]["action"] for request in self.sandbox.requests]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    logger = logging.getLogger("voicereg")
    before = (logger.handlers[:], logger.level, logger.propagate)
    last_resort = logging.lastResort
    yield
    logging.lastResort = last_resort
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> Callable[[str], Cli]:
    """Makes the command line speak of a database."""

    def with_database(url: str) -> Cli:
        monkeypatch.setenv("VOICEREG_DATABASE", url)
        monkeypatch.setenv("VOICEREG_BASE_URL", sandbox.base_url)
        monkeypatch.setenv(DEFAULT_KEY_VARIABLE, sandbox.api_key)
        return Cli(capsys, sandbox, url)

    return with_database


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: SqliteTemplate) -> str:
    return sqlite_template.copy_to(tmp_path / "voicereg.db")


@pytest.fixture
def cli(start: Callable[[str], Cli], sqlite_url: str) -> Cli:
    """The command line on a SQLite database; for both kinds, ask for ``cli_on_each``."""
    return start(sqlite_url)


@pytest.fixture
def cli_on_each(start: Callable[[str], Cli], database_url: str) -> Cli:
    """The command line on a database of each kind in turn."""
    return start(database_url)
