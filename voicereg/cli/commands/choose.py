"""``voicereg choose``: one of several voices made for the same key."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.chosen import ask, check_askable, show_chosen, these
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode, describe, exit_code
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import Column, print_table
from voicereg.cli.output.text import local_date
from voicereg.cli.output.voices import state_style
from voicereg.domain.voices import Voice


@click.command()
@click.argument("voice", type=VOICE, required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and do nothing.")
@json_option
@pass_app
def choose(app: App, /, voice: str | None, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Keep one of several voices made for the same key, and delete the rest.

    A manifest asks for several with "candidates: 3", as the same prompt gives a different voice
    each time. Listen to them ("voicereg preview VOICE --play"), and choose VOICE by its exact id:
    it takes the alias that the manifest gives, and the others are deleted for good.

    Without VOICE, the voices to choose from are listed.
    """
    registry = app.registry
    if voice is None:
        found = registry.candidates.all()
        if as_json:
            now = registry.now()
            print_json([candidate.as_dict(now) for candidate in found])
        else:
            print_table(found, _COLUMNS, "there is nothing to choose from", app.say)
        return ExitCode.DONE
    kept, others = registry.candidates.others(voice)
    if dry_run:
        _print(app, kept, others, as_json)
        app.say("nothing was done: these others would be deleted")
        return ExitCode.DONE
    if others and not yes:
        check_askable("keep it and delete the others")
    if others:
        app.say(f"these others were made for {kept.candidate_for or kept.manifest_key}:")
        show_chosen(others)
    if others and not yes:
        ask(f"Keep {kept.id}, and delete {these(len(others))} for good?", otherwise="all are kept")
    kept = registry.candidates.choose(kept.id)
    worst, deleted = ExitCode.DONE, []
    for other, error in registry.candidates.delete_others(kept, others):
        deleted.append(other)
        if error is not None:
            click.echo(describe(error), err=True)
            worst = worst or exit_code(error)
    _print(app, kept, deleted, as_json)
    names = f", known as {', '.join(kept.aliases)}" if kept.aliases else ""
    app.say(f"{kept.id} is the voice of {kept.manifest_key}{names}")
    if worst is not ExitCode.DONE:
        app.say(f"voicereg choose {kept.id} deletes what is left")
    return worst


def _print(app: App, kept: Voice, others: list[Voice], as_json: bool) -> None:
    now = app.registry.now()
    if as_json:
        others_shown = [other.as_dict(now) for other in others]
        print_json({"chosen": kept.as_dict(now), "others": others_shown})
    else:
        print_table([kept, *others], _COLUMNS, "", app.say)


def _alias(voice: Voice) -> str:
    """The names that it has, or would take."""
    if voice.state.is_gone:
        return ""
    return voice.candidate_alias or ", ".join(voice.aliases)


_COLUMNS = (
    Column[Voice]("KEY", lambda voice: voice.candidate_for or voice.manifest_key or ""),
    Column[Voice]("ID", lambda voice: voice.id),
    Column[Voice]("NAME", lambda voice: voice.name, flexible=True),
    Column[Voice]("STATE", lambda voice: voice.state.value, style=state_style),
    Column[Voice]("ALIAS", _alias),
    Column[Voice]("CREATED", lambda voice: local_date(voice.created_at), from_width=90),
    Column[Voice]("MODEL", lambda voice: voice.target_model or "", from_width=110),
    Column[Voice]("VOICE ID", lambda voice: voice.voice_id or "", from_width=150),
)
