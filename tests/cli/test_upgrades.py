"""``voicereg db upgrade`` on databases of released versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, creating
from tests.schema import frozen
from voicereg.schema.revisions import HEAD


@pytest.fixture
def cli_before(start: Callable[[str], Cli], released_url: str) -> Cli:
    """The command line on a database of a released version."""
    return start(released_url)


@pytest.mark.parametrize("words", [["list"], ["quota"], creating()], ids=lambda words: words[0])
def test_an_older_database_asks_for_an_upgrade(
    cli_before: Cli, released: str, words: list[str]
) -> None:
    before = frozen.rows(cli_before.database)

    result = cli_before(*words)

    assert_refused(
        result, 1, "is older than this program", released, HEAD, "with: voicereg db upgrade"
    )
    assert frozen.rows(cli_before.database) == before
    assert cli_before.actions == []


def test_an_upgrade(cli_before: Cli, released: str, backend: str) -> None:
    result = cli_before.done("db", "upgrade")

    assert result.out == ""
    assert f"{released} -> {HEAD}" in result.err
    copies = list(Path(cli_before.database.removeprefix("sqlite:///")).parent.glob("*.backup"))
    assert [str(copy) in result.err.replace("\n", "") for copy in copies] == (
        [True] if backend == "sqlite" else []
    )
    assert "is sound" in cli_before.done("db", "check").err
    assert "xinwen" in cli_before.done("list").out
    assert f"is at {HEAD} already" in cli_before.done("db", "upgrade").err


def test_an_upgrade_as_json(cli_before: Cli, released: str, backend: str) -> None:
    before = frozen.rows(cli_before.database)

    said = cli_before.done("db", "upgrade", "--json").json()

    assert (said["from"], said["to"]) == (released, HEAD)
    if backend == "sqlite":
        assert frozen.rows(f"sqlite:///{said['backup']}") == before
    else:
        assert said["backup"] is None
    again = cli_before.done("db", "upgrade", "--json").json()
    assert (again["from"], again["to"], again["backup"]) == (HEAD, HEAD, None)
