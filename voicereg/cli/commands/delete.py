"""``voicereg delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.chosen import ask, check_askable, check_choice, print_changed, show_chosen, these
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode, describe, exit_code
from voicereg.cli.filters import filter_options, wanted
from voicereg.cli.options import json_option
from voicereg.cli.output.text import printable
from voicereg.domain.errors import StateConflict, VoiceProtected, VoiceregError
from voicereg.domain.voices import Voice

if TYPE_CHECKING:
    from voicereg.registry import Registry


@click.command()
@click.argument("voices", type=VOICE, nargs=-1, metavar="[VOICE...]")
@filter_options("where-")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Delete pinned and aliased voices, too.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@json_option
@pass_app
def delete(
    app: App,
    /,
    voices: tuple[str, ...],
    yes: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Delete voices at the provider, then here.

    A deleted voice cannot be had back: the same prompt gives another voice. Its record is kept.
    VOICE is an exact id; a beginning does not do. Nothing is deleted when one of them cannot be.

    Instead of naming voices, say which by the filters of "voicereg list": --where-unused-for 300.
    What is found is printed first. Pinned and aliased voices are left alone, and so is one that is
    used before you have said yes.
    """
    where = wanted(given)
    check_choice(voices, where)
    registry = app.registry
    if where:
        doomed = _deletable(registry, registry.voices(**where), force=force)
    else:
        named = (registry.check_delete(reference, force=force) for reference in voices)
        doomed = list({voice.id: voice for voice in named}.values())
    is_single = len(doomed) == 1 and not where
    if dry_run or not doomed:
        print_changed(app, doomed, as_json, single=is_single)
        if doomed:
            app.say("nothing was deleted: this is what would be")
        return ExitCode.DONE
    if not yes:
        check_askable("delete")
    if where or not yes:
        show_chosen(doomed)
    if not yes:
        ask(f"Delete {these(len(doomed))} for good?", otherwise="nothing was deleted")
    deleted: list[Voice] = []
    worst = ExitCode.DONE
    for voice in doomed:
        try:
            if where:
                _check_unused_since(registry, voice)
            deleted.append(registry.delete(voice.id, force=force))
        except VoiceregError as error:
            if is_single:
                raise
            click.echo(describe(error), err=True)
            worst = worst or exit_code(error)
            deleted.append(registry.voice(voice.id))
    print_changed(app, deleted, as_json, single=is_single)
    return worst


def _deletable(registry: Registry, voices: list[Voice], *, force: bool) -> list[Voice]:
    """Those that the provider has and that can be deleted; why the others cannot is told."""
    doomed = []
    for voice in voices:
        if voice.state.is_gone:
            continue
        try:
            doomed.append(registry.check_delete(voice.id, force=force))
        except (VoiceProtected, StateConflict) as error:
            click.echo(f"left alone: {printable(str(error))}", err=True)
    return doomed


def _check_unused_since(registry: Registry, voice: Voice) -> None:
    """What a filter found is shown, and may be used until somebody has said yes."""
    now = registry.voice(voice.id)
    if now.last_activity_at != voice.last_activity_at:
        raise StateConflict(now, "it was used since it was listed, and is left alone")
