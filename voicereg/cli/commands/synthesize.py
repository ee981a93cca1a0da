"""``voicereg synthesize``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.files import check_writable

_ENDINGS = {".wav": "wav", ".mp3": "mp3", ".pcm": "pcm", ".opus": "opus"}


@click.command()
@click.argument("voice", type=VOICE)
@click.argument("text", required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to; - for stdout. Its ending says the format: .wav, .mp3, .pcm, .opus.",
)
@click.option(
    "--format",
    "response_format",
    type=click.Choice(sorted(_ENDINGS.values())),
    help="The format, where the file's ending does not say.",
)
@click.option("--sample-rate", type=int, metavar="HZ", help="24000 unless said.")
@click.option("--source", metavar="NAME", help="Who uses the voice, for the record.")
@json_option
@pass_app
def synthesize(
    app: App,
    /,
    voice: str,
    text: str | None,
    output: Path,
    response_format: str | None,
    sample_rate: int | None,
    source: str | None,
    as_json: bool,
) -> int:
    """Speak TEXT with a voice, and record the use.

    TEXT is read from stdin when it is left out. The voice's own target model is the one that is
    asked. The file is there when it is complete, and not before.
    """
    to_stdout = output == Path("-")
    if to_stdout and as_json:
        raise click.UsageError("The audio goes to stdout: --json has no place there.")
    if to_stdout and sys.stdout.isatty():
        raise click.UsageError("Audio is not written to a terminal: give a file with -o.")
    if not to_stdout:
        check_writable(output)
    if text is None:
        if sys.stdin.isatty():
            app.say("type the text; Ctrl-D ends it")
        text = sys.stdin.read()
    found, spoken = app.registry.synthesize(
        voice,
        text.rstrip("\n"),
        sys.stdout.buffer if to_stdout else output,
        response_format=response_format or _ENDINGS.get(output.suffix.lower()),
        sample_rate=sample_rate,
        source=source,
    )
    told = {
        "id": found.id,
        "voice_id": found.voice_id,
        "target_model": found.target_model,
        **spoken.as_dict(),
    }
    if as_json:
        print_json({**told, "file": str(output)})
    else:
        app.say(
            f"{'wrote ' + str(output) if not to_stdout else 'done'} "
            f"({spoken.file_format}, {spoken.size_bytes:,} bytes); first audio after "
            f"{told['first_audio_after_ms']} ms; request {spoken.request_id or 'unknown'}"
        )
    return ExitCode.DONE
