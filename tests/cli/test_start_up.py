"""What each command loads, and what it says of itself."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from typing import cast

import click
import pytest

import voicereg.cli.commands
from tests.cli.conftest import Cli
from tests.cli.support import finished, spawn
from voicereg.cli.main import COMMANDS
from voicereg.cli.main import cli as program
from voicereg.version import __version__

WITHOUT_JSON = {("demo",), ("housekeeping", "start"), ("export",), ("completion",)}
"""What runs until it is stopped, and what prints for programs only."""
LOADING = (
    sys.executable,
    "-c",
    "import sys\n"
    "from voicereg.cli.main import run\n"
    "code = run(sys.argv[1:])\n"
    "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    "sys.exit(code)\n",
)
HEAVY = {"sqlalchemy", "httpx", "rich", "alembic", "apscheduler", "apprise"}


def loaded(*arguments: str) -> set[str]:
    result = finished(spawn(*arguments, program=LOADING))
    assert result.code == 0
    assert result.out
    return set(result.err.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["create", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    modules = loaded(*words)

    assert "click" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("words", [["quota"], ["list", "--json"], ["list"], ["events"]])
def test_reading_loads_neither_network_nor_migrations(cli: Cli, words: list[str]) -> None:
    cli.created()

    modules = loaded(*words)

    assert "sqlalchemy" in modules
    assert not modules & (HEAVY - {"sqlalchemy"})


def test_the_version(cli: Cli) -> None:
    assert cli.done("--version").out == f"voicereg {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["list", "-h"], ["account", "--help"]])
def test_help_goes_to_stdout(cli: Cli, words: list[str]) -> None:
    result = cli.done(*words)

    assert result.out.startswith("Usage: voicereg")
    assert result.err == ""


def test_help_names_every_exit_code_and_command(cli: Cli) -> None:
    shown = cli.done("--help").out

    for code in range(7):
        assert f"{code} " in shown
    for name in COMMANDS:
        assert f"\n  {name} " in shown


def commands(
    group: click.Group = program, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group, with the words that call it."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield (*path, name), command
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))


ALL = dict(commands())


def test_every_module_of_commands_is_listed() -> None:
    modules = {
        f"{voicereg.cli.commands.__name__}.{module.name}"
        for module in pkgutil.iter_modules(voicereg.cli.commands.__path__)
    }

    assert {place.partition(":")[0] for place, _ in COMMANDS.values()} == modules


@pytest.mark.parametrize("name", COMMANDS)
def test_the_listed_line_is_the_commands_own(name: str) -> None:
    place, line = COMMANDS[name]
    module, _, attribute = place.partition(":")
    command = cast("click.Command", getattr(importlib.import_module(module), attribute))

    assert command.name == name
    assert command.get_short_help_str(limit=200) == line


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_everything_documents_itself(path: tuple[str, ...]) -> None:
    command = ALL[path]

    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("path", [p for p, c in ALL.items() if not isinstance(c, click.Group)])
def test_every_command_can_be_read_by_a_program(path: tuple[str, ...]) -> None:
    names = {name for each in ALL[path].params for name in each.opts}

    assert "--json" in names or path in WITHOUT_JSON
