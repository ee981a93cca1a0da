"""``voicereg resolve``."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_fields
from voicereg.cli.output.voices import voice_fields


@click.command()
@click.argument("voice", type=VOICE)
@click.option("--adopt", metavar="VOICE_ID", help="It made this voice of the provider's.")
@click.option("--release", is_flag=True, help="It made nothing: free its slot.")
@click.option(
    "--unchecked",
    is_flag=True,
    help="Adopt a voice though the provider shows another model or prompt.",
)
@json_option
@pass_app
def resolve(
    app: App, /, voice: str, adopt: str | None, release: bool, unchecked: bool, as_json: bool
) -> int:
    """Settle by hand a create whose outcome is unknown.

    VOICE is the create's registry id, as voicereg list --state unresolved shows it. A sync settles
    what it can by itself; this is for what it reports and leaves alone.
    """
    if (adopt is None) != release:
        raise click.UsageError("Say either --adopt VOICE_ID or --release.")
    if unchecked and adopt is None:
        raise click.UsageError("--unchecked goes with --adopt.")
    registry = app.registry
    settled = (
        registry.release(voice)
        if adopt is None
        else registry.adopt(voice, adopt, unchecked=unchecked)
    )
    now = registry.now()
    if as_json:
        print_json(settled.as_dict(now))
    else:
        print_fields(voice_fields(settled, now))
    return ExitCode.DONE
