"""``voicereg alias``: stable names for services."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import all_accounts_option, format_options, json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.records import Records, print_records
from voicereg.cli.output.tables import Column, print_table
from voicereg.cli.output.text import local_time
from voicereg.domain.aliases import ALIAS_KEYS, Alias


@click.group()
def alias() -> None:
    """Manage the names that services resolve to voices.

    A service asks for "narrator", and gets the id and the target model of the voice that the name
    stands for today. A name goes wherever a VOICE is asked for.
    """


@alias.command("set")
@click.argument("name")
@click.argument("voice", type=VOICE)
@json_option
@pass_app
def set_alias(app: App, /, name: str, voice: str, as_json: bool) -> int:
    """Let NAME stand for VOICE.

    A name that is there already moves, in one step.
    """
    _print(app, app.registry.aliases.set(name, voice), as_json)
    return ExitCode.DONE


@alias.command("list")
@all_accounts_option
@format_options
@pass_app
def list_aliases(app: App, /, all_accounts: bool, output_format: str) -> int:
    """List all names, and what they stand for."""
    registry = app.registry
    found = registry.aliases.all(registry.ALL_ACCOUNTS if all_accounts else None)
    records = Records(
        found, as_dict=Alias.as_dict, keys=ALIAS_KEYS, columns=_columns, empty="no aliases"
    )
    print_records(records, output_format, app.say)
    return ExitCode.DONE


@alias.command("remove")
@click.argument("name")
@json_option
@pass_app
def remove_alias(app: App, /, name: str, as_json: bool) -> int:
    """Let NAME stand for nothing."""
    removed = app.registry.aliases.remove(name)
    if as_json:
        print_json(removed.as_dict())
    else:
        app.say(f"removed the alias {name} of voice {removed.voice}")
    return ExitCode.DONE


def _print(app: App, found: Alias, as_json: bool) -> None:
    if as_json:
        print_json(found.as_dict())
    else:
        print_table([found], _columns(), "", app.say)


def _columns() -> list[Column[Alias]]:
    return [
        Column("NAME", lambda found: found.name),
        Column("VOICE", lambda found: found.voice),
        Column("STATE", lambda found: found.state.value),
        Column("MODEL", lambda found: found.target_model or "unknown", flexible=True),
        Column("VOICE ID", lambda found: found.voice_id or "", flexible=True, from_width=100),
        Column("ACCOUNT", lambda found: found.account, flexible=True, from_width=100),
        Column("SINCE", lambda found: local_time(found.updated_at), from_width=120),
    ]
