"""``voicereg preview``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.files import write_file
from voicereg.cli.output.text import printable
from voicereg.cli.players import play, player_for
from voicereg.domain.audio import PreviewAudio
from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import InvalidInput, NoPreview, Problem
from voicereg.domain.voices import Voice

_TEXTS = {
    "zh": "大家好，这是我的声音。很高兴认识你们。",
    "en": "Hello everyone, this is my voice. It is good to meet you.",
}
"""Said where nothing is known of what a voice was to say."""


@click.command()
@click.argument("voice", type=VOICE)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to; - for stdout. Without it: the registry id, in this directory.",
)
@click.option(
    "--make", is_flag=True, help="Where none is kept, speak one with the voice, and keep it."
)
@click.option("--play", "plays", is_flag=True, help="Play it; without -o, write no file.")
@click.option("--text", metavar="TEXT", help="What it says; the voice's preview text unless said.")
@json_option
@pass_app
def preview(
    app: App,
    /,
    voice: str,
    output: Path | None,
    make: bool,
    plays: bool,
    text: str | None,
    as_json: bool,
) -> int:
    """Write a voice's preview audio, or play it.

    It was kept when VOICE was made, and is the only recording of how the voice sounded then. An
    imported or adopted voice has none: --make speaks one, which counts as a use.

    --play takes a player of this machine, or the one that the variable VOICEREG_PLAYER names.
    """
    if text is not None and not make:
        raise click.UsageError("--text goes with --make.")
    found, audio = _made(app, voice, text) if make else app.registry.preview(voice)
    player = player_for(audio.response_format, os.environ) if plays else None
    if output == Path("-"):
        if as_json:
            raise click.UsageError("The audio goes to stdout: --json has no place there.")
        if sys.stdout.isatty():
            raise click.UsageError("Audio is not written to a terminal: give a file with -o.")
        sys.stdout.buffer.write(audio.data)
        return ExitCode.DONE
    if player is not None and output is None:
        if as_json:
            print_json(_document(found, audio, None))
        return _play(app, found, audio, player)
    # Made of the registry's own id and a format of letters: nothing of it can leave the directory.
    target = output or Path(f"{found.id}.{audio.response_format}")
    if output is None and target.exists():
        raise InvalidInput(
            Problem("file", str(target), "it exists already"),
            advice="name the file with -o to write over it",
        )
    write_file(target, audio.data)
    if as_json:
        print_json(_document(found, audio, target))
    else:
        app.say(f"wrote {target} ({audio.response_format}, {len(audio.data):,} bytes)")
    return ExitCode.DONE if player is None else _play(app, found, audio, player)


def _play(app: App, voice: Voice, audio: PreviewAudio, player: Sequence[str]) -> int:
    app.say(f"playing {voice.id} ({voice.name}) with {player[0]}")
    code = play(audio, player)
    if code == 0:
        return ExitCode.DONE
    click.echo(f"voicereg: {printable(player[0])} ended with exit code {code}", err=True)
    return ExitCode.FAILED


def _document(voice: Voice, audio: PreviewAudio, file: Path | None) -> dict[str, Any]:
    return {
        "id": voice.id,
        "voice_id": voice.voice_id,
        "file": None if file is None else str(file),
        "response_format": audio.response_format,
        "sample_rate": audio.sample_rate,
        "bytes": len(audio.data),
        "kept_at": rfc3339(audio.kept_at),
    }


def _made(app: App, reference: str, text: str | None) -> tuple[Voice, PreviewAudio]:
    """The preview that is kept; where there is none, one that is made now."""
    registry = app.registry
    voice = registry.voice(reference)
    try:
        return registry.preview(voice.id)
    except NoPreview:
        said = text or voice.preview_text or _TEXTS.get(voice.language or "zh", _TEXTS["en"])
        with tempfile.TemporaryDirectory(prefix="voicereg-") as directory:
            # A file: in a stream, a header could not say how long the audio is.
            file = Path(directory) / "preview"
            _, spoken = registry.synthesize(voice.id, said, file)
            made = PreviewAudio(file.read_bytes(), spoken.file_format, spoken.sample_rate)
        return voice, registry.keep_preview(voice.id, made)
