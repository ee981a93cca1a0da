"""``voicereg export``."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.filters import filter_options, wanted
from voicereg.cli.options import all_accounts_option
from voicereg.cli.output.files import write_lines
from voicereg.cli.rows import FORMATS, lines_of
from voicereg.domain.counts import many
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.exchange import EXCHANGE_KEYS, as_row


@click.command("export")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to; stdout unless said.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How; by the file's ending unless said, else JSON lines.",
)
@click.option("--bom", is_flag=True, help="Begin with the mark that Excel needs for Chinese.")
@filter_options()
@click.option("--without-gone", is_flag=True, help="Only voices that the provider may have.")
@all_accounts_option
@pass_app
def export_voices(
    app: App,
    /,
    output: Path | None,
    form: str | None,
    bom: bool,
    without_gone: bool,
    all_accounts: bool,
    **given: Any,
) -> int:
    """Write voices to a file.

    JSON lines or CSV, a row for each voice of the account, gone ones too; the filters of "voicereg
    list" choose some. "voicereg import" reads the file again. Previews, counts of uses and the
    audit log are not in it: "voicereg db copy" moves a whole registry, and "voicereg db backup"
    keeps one.
    """
    registry = app.registry
    chosen = form or _form_of(output)
    which = wanted(given)
    which["with_gone"] = not without_gone
    voices = registry.iter_voices(account=registry.ALL_ACCOUNTS if all_accounts else None, **which)
    count = 0

    def rows() -> Any:
        nonlocal count
        for voice in voices:
            count += 1
            yield as_row(voice)

    lines = lines_of(rows(), EXCHANGE_KEYS, chosen)
    if bom:
        if chosen != "csv":
            raise click.UsageError("--bom goes with CSV: JSON lines must not begin with it.")
        lines = chain(["\ufeff"], lines)
    if output is None or output == Path("-"):
        for line in lines:
            sys.stdout.write(line)
        sys.stdout.flush()
        return ExitCode.DONE
    write_lines(output, lines)
    app.say(f"wrote {many(count, 'voice')} to {output}")
    return ExitCode.DONE


_FORMS = {"": "jsonl", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


def _form_of(output: Path | None) -> str:
    """What the ending of a file tells.

    Raises:
        InvalidInput: nothing that can be written.
    """
    ending = "" if output is None else output.suffix.lower()
    if ending not in _FORMS:
        rule = f"{ending} is not written; name it .jsonl or .csv, or say which with --format"
        raise InvalidInput(Problem("output", str(output), rule))
    return _FORMS[ending]
