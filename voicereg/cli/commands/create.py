"""``voicereg create``: a voice from a description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import complete_models, complete_tags
from voicereg.cli.designing import carry_out, design_options, show_request, wait_for_review
from voicereg.cli.options import FAMILY, KeyValue, each_once, json_option
from voicereg.domain.designs import (
    DEFAULT_RESPONSE_FORMAT,
    DEFAULT_SAMPLE_RATE_HZ,
    DesignOptions,
)


@click.command()
@click.option(
    "--model",
    required=True,
    metavar="MODEL",
    shell_complete=complete_models,
    help="The target model.",
)
@click.option("--prompt", required=True, metavar="TEXT", help="The description of the voice.")
@click.option("--preview-text", required=True, metavar="TEXT", help="What the preview says.")
@click.option(
    "--name",
    required=True,
    metavar="NAME",
    help="Part of the voice id: 1 to 10 letters and digits (CosyVoice); to 16, also _ (Qwen).",
)
@click.option("--language", metavar="CODE", help="The language, such as zh or en.")
@click.option(
    "--sample-rate",
    type=int,
    default=DEFAULT_SAMPLE_RATE_HZ,
    show_default=True,
    metavar="HZ",
    help="Of the preview audio.",
)
@click.option(
    "--response-format",
    default=DEFAULT_RESPONSE_FORMAT,
    show_default=True,
    metavar="FORMAT",
    help="Of the preview audio: wav, mp3, pcm, opus.",
)
@click.option("--family", type=FAMILY, help="Needed for a model whose name does not tell it.")
@click.option(
    "--tag",
    "tags",
    type=KeyValue(),
    multiple=True,
    callback=each_once,
    shell_complete=complete_tags,
    help="Kept with the voice.",
)
@click.option("--owner", metavar="NAME", help="Kept with the voice.")
@click.option("--note", metavar="TEXT", help="Kept with the voice.")
@click.option("--pin", is_flag=True, help="It must stay: it is not deleted without --force.")
@design_options
@json_option
@pass_app
def create(
    app: App,
    /,
    model: str,
    preview_file: Path | None,
    tags: dict[str, str],
    wait_seconds: float | None,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Design a voice at the provider.

    The voice is recorded and its slot is held before the provider is asked, which takes ten to
    thirty seconds. CosyVoice voices are then reviewed: exit code 0 when the voice is usable, or
    still being reviewed after the wait (and says so); 5 when the review refused it.
    """
    wait = wait_for_review(wait_seconds, no_wait=no_wait)
    asked: DesignOptions = {"target_model": model, "tags": tags, **given}  # type: ignore[typeddict-item]
    if dry_run:
        return show_request(app, asked, as_json=as_json)
    return carry_out(app, asked, wait=wait, preview_file=preview_file, as_json=as_json)
