"""``voicereg show``."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.charts import uses_chart
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import on_terminal, print_fields
from voicereg.cli.output.voices import voice_fields


@click.command()
@click.argument("voice", type=VOICE)
@click.option("--refresh", is_flag=True, help="Ask the provider first how its review stands.")
@json_option
@pass_app
def show(app: App, /, voice: str, refresh: bool, as_json: bool) -> int:
    """Show everything known of a voice.

    VOICE is a registry id, a provider's voice id, an alias, or a unique beginning of an id. On a
    terminal, a chart shows how often it was used in the last year, and by which source.
    """
    found = app.registry.refresh(voice) if refresh else app.registry.voice(voice)
    now = app.registry.now()
    daily = app.registry.daily_uses(found.id, account=found.account)
    successors = app.registry.successors(found.id, account=found.account)
    if as_json:
        print_json(
            {
                **found.as_dict(now),
                "replaced_by": [new.id for new in successors],
                "daily_uses": [one.as_dict() for one in daily],
            }
        )
        return ExitCode.DONE
    fields = voice_fields(found, now)
    if successors:
        fields.append(("replaced_by", " ".join(new.id for new in successors)))
    print_fields(fields)
    if on_terminal():
        for line in uses_chart(daily, now.date()):
            click.echo(line)
    else:
        uses = sum(one.uses for one in daily)
        click.echo(f"uses_in_the_last_year\t{uses}")
    return ExitCode.DONE
