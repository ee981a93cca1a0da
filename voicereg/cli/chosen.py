"""Voices that a command is about to change: named one by one, or found by filters, and shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

from voicereg.cli.app import App
from voicereg.cli.failures import ExitCode
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_table
from voicereg.cli.output.text import printable
from voicereg.cli.output.voices import voice_columns
from voicereg.domain.filters import FilterOptions
from voicereg.domain.voices import Voice


def check_choice(references: Sequence[str], where: FilterOptions) -> None:
    """Make sure that voices are either named or filtered, as both could be meant in two ways.

    Raises:
        UsageError: they are not.
    """
    if references and where:
        raise click.UsageError(
            "Name the voices, or say which by --where-… options: both could mean two things."
        )
    if not references and not where:
        raise click.UsageError("Name a VOICE, or say which are meant by --where-… options.")


def show_chosen(voices: Iterable[Voice]) -> None:
    """Print what is about to be changed, on stderr, one line for each."""
    for voice in voices:
        click.echo(
            printable(f"  {voice.id}  {voice.name}  {voice.target_model}  {voice.state.value}"),
            err=True,
        )


def print_changed(app: App, voices: Sequence[Voice], as_json: bool, *, single: bool) -> None:
    """Print what was changed, or would be; as one object where one voice was named."""
    now = app.registry.now()
    if as_json:
        documents = [voice.as_dict(now) for voice in voices]
        print_json(documents[0] if single else documents)
    else:
        print_table(voices, voice_columns(now, with_account=False), "no voices", app.say)


def check_askable(to: str) -> None:
    """Make sure that there is somebody to ask.

    Args:
        to: what ``--yes`` would do instead.

    Raises:
        UsageError: there is not.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody can be asked here: say --yes to {to}.")


def ask(question: str, *, otherwise: str) -> None:
    """Go on only with a yes.

    Args:
        question: what is asked.
        otherwise: what is said of a no.

    Raises:
        Exit: the answer is no.
    """
    if not click.confirm(question, err=True):
        click.echo(f"voicereg: {otherwise}", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)


def these(count: int) -> str:
    """``this voice``, or how many of them."""
    return "this voice" if count == 1 else f"these {count} voices"
