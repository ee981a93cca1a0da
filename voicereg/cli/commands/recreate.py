"""``voicereg recreate``: a voice in place of one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE, complete_models
from voicereg.cli.designing import carry_out, design_options, show_request, wait_for_review
from voicereg.cli.options import json_option
from voicereg.domain.errors import StateConflict
from voicereg.domain.recreations import SOUNDS_DIFFERENT
from voicereg.domain.voices import Voice


@click.command()
@click.argument("voice", type=VOICE)
@click.option(
    "--model",
    "target_model",
    metavar="MODEL",
    shell_complete=complete_models,
    help="Another target model.",
)
@click.option("--prompt", metavar="TEXT", help="Another description.")
@click.option("--preview-text", metavar="TEXT", help="Another text for the preview.")
@click.option("--name", metavar="NAME", help="Another name.")
@click.option("--note", metavar="TEXT", help="Kept with the new voice.")
@click.option("--again", is_flag=True, help="Though it is there, or another stands in for it.")
@design_options
@json_option
@pass_app
def recreate(
    app: App,
    /,
    voice: str,
    again: bool,
    preview_file: Path | None,
    wait_seconds: float | None,
    no_wait: bool,
    unchecked: bool,
    dry_run: bool,
    as_json: bool,
    **changed: Any,
) -> int:
    """Design a voice anew, in place of one that is gone.

    It is made from what is on record of VOICE, and will sound different: the same description
    never gives the same voice again. The new voice gets the tags, the owner and the pin of the
    old one, and names it as the one that it replaces. The old record is kept. Aliases stay
    where they are until "voicereg alias set" moves them.
    """
    wait = wait_for_review(wait_seconds, no_wait=no_wait)
    registry = app.registry
    old = registry.voice(voice)
    asked = registry.asked_again(
        old.id, account=old.account, again=again, unchecked=unchecked, **changed
    )
    is_another = any(value is not None for value in changed.values())
    if not (old.state.is_gone or is_another or again):
        # The same once more costs a slot, and is seldom what is meant.
        raise StateConflict(old, "it is there", "--again makes another like it, beside it")
    app.say(SOUNDS_DIFFERENT)
    if dry_run:
        return show_request(app, asked, as_json=as_json, account=old.account)

    def say_what_is_left(new: Voice) -> None:
        for alias in old.aliases:
            app.say(
                f"the alias {alias} still stands for {old.id}; voicereg alias set {alias} {new.id} "
                "gives it to the new voice"
            )
        if not old.state.is_gone:
            app.say(f"{old.id} is still there: voicereg delete {old.id} frees its slot")

    return carry_out(
        app,
        asked,
        wait=wait,
        preview_file=preview_file,
        as_json=as_json,
        account=old.account,
        then=say_what_is_left,
    )
