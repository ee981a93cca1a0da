"""``voicereg delete``."""

from __future__ import annotations

import sys

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode, describe, exit_code
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_table
from voicereg.cli.output.text import printable
from voicereg.cli.output.voices import voice_columns
from voicereg.domain.errors import VoiceregError
from voicereg.domain.voices import Voice


@click.command()
@click.argument("voices", nargs=-1, required=True, metavar="VOICE...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Delete pinned voices, too.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@json_option
@pass_app
def delete(
    app: App, /, voices: tuple[str, ...], yes: bool, force: bool, dry_run: bool, as_json: bool
) -> int:
    """Delete voices at the provider, then here.

    A deleted voice cannot be had back: the same prompt gives another voice. Its record is kept.
    VOICE is an exact id; a beginning does not do. Nothing is deleted when one of them cannot be.
    """
    registry = app.registry
    found = {
        voice.id: voice
        for voice in (registry.check_delete(reference, force=force) for reference in voices)
    }
    doomed = list(found.values())
    if dry_run:
        _print(app, doomed, as_json, single=len(doomed) == 1)
        app.say("nothing was deleted: this is what would be")
        return ExitCode.DONE
    if not yes:
        _ask(doomed)
    deleted: list[Voice] = []
    worst = ExitCode.DONE
    for voice in doomed:
        try:
            deleted.append(registry.delete(voice.id, force=force))
        except VoiceregError as error:
            if len(doomed) == 1:
                raise
            click.echo(describe(error), err=True)
            worst = worst or exit_code(error)
            deleted.append(registry.voice(voice.id))
    _print(app, deleted, as_json, single=len(doomed) == 1)
    return worst


def _ask(doomed: list[Voice]) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: say --yes to delete.")
    for voice in doomed:
        click.echo(
            printable(f"  {voice.id}  {voice.name}  {voice.target_model}  {voice.state.value}"),
            err=True,
        )
    what = "this voice" if len(doomed) == 1 else f"these {len(doomed)} voices"
    if not click.confirm(f"Delete {what} for good?", err=True):
        click.echo("voicereg: nothing was deleted", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)


def _print(app: App, voices: list[Voice], as_json: bool, *, single: bool) -> None:
    now = app.registry.now()
    if as_json:
        documents = [voice.as_dict(now) for voice in voices]
        print_json(documents[0] if single else documents)
    else:
        print_table(voices, voice_columns(now, with_account=False), "no voices", app.say)
