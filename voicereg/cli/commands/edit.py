"""``voicereg edit``."""

from __future__ import annotations

from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.chosen import ask, check_askable, check_choice, print_changed, show_chosen, these
from voicereg.cli.completion import VOICE, complete_tags
from voicereg.cli.failures import ExitCode
from voicereg.cli.filters import filter_options, wanted
from voicereg.cli.options import KeyValue, each_once, json_option
from voicereg.domain.counts import many


@click.command()
@click.argument("voices", type=VOICE, nargs=-1, metavar="[VOICE...]")
@click.option(
    "--tag",
    "tags",
    type=KeyValue(),
    multiple=True,
    callback=each_once,
    shell_complete=complete_tags,
    help="Add or change a tag.",
)
@click.option("--untag", multiple=True, metavar="KEY", help="Remove a tag.")
@click.option("--owner", metavar="NAME", help="Set the owner; empty: none.")
@click.option("--note", metavar="TEXT", help="Set the note; empty: none.")
@click.option("--pin/--unpin", default=None, help="Whether the voice must stay.")
@filter_options("where-")
@click.option("--yes", is_flag=True, help="Do not ask before the voices of a filter are changed.")
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@json_option
@pass_app
def edit(
    app: App,
    /,
    voices: tuple[str, ...],
    tags: dict[str, str],
    untag: tuple[str, ...],
    owner: str | None,
    note: str | None,
    pin: bool | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Change tags, owner, note or pin of voices.

    Name the voices, or say which by the filters of "voicereg list": --where-owner studio. What a
    filter finds is shown before it is changed. All voices are changed, or none. The provider never
    hears of it.
    """
    if not tags and not untag and owner is None and note is None and pin is None:
        raise click.UsageError("Nothing to change: say --tag, --untag, --owner, --note or --pin.")
    where = wanted(given)
    check_choice(voices, where)
    told = _told(tags, untag, owner, note, pin)
    registry = app.registry
    if where:
        chosen = registry.voices(**where)
    elif dry_run:
        chosen = list({voice.id: voice for voice in map(registry.voice, voices)}.values())
    else:
        chosen = []
    is_single = len(voices) == 1
    if dry_run or (where and not chosen):
        print_changed(app, chosen, as_json, single=is_single)
        if chosen:
            app.say("nothing was changed: these voices would be")
        return ExitCode.DONE
    if where and not yes:
        check_askable("change them")
        show_chosen(chosen)
        ask(f"Change {these(len(chosen))} ({told})?", otherwise="nothing was changed")
    edited = registry.edit(
        *(voice.id for voice in chosen),
        *voices,
        tags=tags,
        untag=untag,
        owner=owner,
        note=note,
        pin=pin,
    )
    print_changed(app, edited, as_json, single=is_single)
    if as_json:
        return ExitCode.DONE
    # At 80 columns, the table has no room for it.
    app.say(f"{many(len(edited), 'voice')}: {told}")
    return ExitCode.DONE


def _told(
    tags: dict[str, str],
    untag: tuple[str, ...],
    owner: str | None,
    note: str | None,
    pin: bool | None,
) -> str:
    """What is changed, in words."""
    told = [f"tag {key}={value}" if value else f"tag {key}" for key, value in tags.items()]
    told += [f"no tag {key}" for key in untag]
    told += [f"owner {owner or 'none'}"] if owner is not None else []
    told += ["another note" if note else "no note"] if note is not None else []
    told += ["pinned" if pin else "not pinned"] if pin is not None else []
    return ", ".join(told)
