"""``voicereg show``."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_fields
from voicereg.cli.output.voices import voice_fields


@click.command()
@click.argument("voice")
@click.option("--refresh", is_flag=True, help="Ask the provider first how its review stands.")
@json_option
@pass_app
def show(app: App, /, voice: str, refresh: bool, as_json: bool) -> int:
    """Show everything known of a voice.

    VOICE is a registry id, a provider's voice id, or a unique beginning of one.
    """
    found = app.registry.refresh(voice) if refresh else app.registry.voice(voice)
    now = app.registry.now()
    if as_json:
        print_json(found.as_dict(now))
    else:
        print_fields(voice_fields(found, now))
    return ExitCode.DONE
