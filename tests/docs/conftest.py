"""A reader's machine: a new home directory, and a sandbox where the provider would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli, _in_a_directory_of_its_own, _logging_as_before
from voicereg.sandbox import Sandbox

__all__ = ["_in_a_directory_of_its_own", "_logging_as_before", "cli"]


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sandbox: Sandbox,
    tmp_path: Path,
) -> Cli:
    """The command line of a user who has nothing yet."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    return Cli(capsys, sandbox, "")
