"""``voicereg metrics``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.text import printable


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="A file for the node exporter, ending in .prom; - for stdout, as without it.",
)
@json_option
@pass_app
def metrics(app: App, /, output: Path | None, as_json: bool) -> int:
    """Print figures for Prometheus, or write them to a file.

    Of every account: quotas, voices by state, the soonest deadlines, and how housekeeping goes.
    With --json, the same figures as a document; with -o as well, what was written.
    """
    from voicereg.metrics.figures import read_figures

    if output is None or output == Path("-"):
        if as_json:
            print_json(read_figures(app.registry).as_dict())
        else:
            _print(_exposition(app))
        return ExitCode.DONE
    from voicereg.metrics.textfile import check_name, write_textfile

    check_name(output)
    text = _exposition(app)
    write_textfile(output, text)
    if as_json:
        print_json({"file": str(output), "bytes": len(text)})
    else:
        app.say(f"wrote {output} ({len(text):,} bytes)")
    return ExitCode.DONE


def _exposition(app: App) -> bytes:
    from voicereg.metrics.exposition import ensure_available, expose
    from voicereg.metrics.figures import read_figures

    ensure_available()
    return expose(read_figures(app.registry))


def _print(text: bytes) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(printable(text.decode(), keep_lines=True))
    else:
        # Byte by byte what Prometheus reads, whatever the encoding of stdout.
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
