"""``voicereg edit``."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import KeyValue, each_once, json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_table
from voicereg.cli.output.voices import voice_columns


@click.command()
@click.argument("voices", nargs=-1, required=True, metavar="VOICE...")
@click.option(
    "--tag", "tags", type=KeyValue(), multiple=True, callback=each_once, help="Add or change a tag."
)
@click.option("--untag", multiple=True, metavar="KEY", help="Remove a tag.")
@click.option("--owner", metavar="NAME", help="Set the owner; empty: none.")
@click.option("--note", metavar="TEXT", help="Set the note; empty: none.")
@click.option("--pin/--unpin", default=None, help="Whether the voice must stay.")
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
    as_json: bool,
) -> int:
    """Change tags, owner, note or pin of voices.

    All of them are changed, or none. The provider never hears of it.
    """
    if not tags and not untag and owner is None and note is None and pin is None:
        raise click.UsageError("Nothing to change: say --tag, --untag, --owner, --note or --pin.")
    edited = app.registry.edit(*voices, tags=tags, untag=untag, owner=owner, note=note, pin=pin)
    now = app.registry.now()
    if as_json:
        documents = [voice.as_dict(now) for voice in edited]
        print_json(documents[0] if len(voices) == 1 else documents)
    else:
        print_table(edited, voice_columns(now, with_account=False), "no voices", app.say)
    return ExitCode.DONE
