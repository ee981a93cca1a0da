"""``voicereg report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import SIZE, all_accounts_option, json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.files import check_writable, write_file, write_lines
from voicereg.domain.clock import rfc3339
from voicereg.domain.counts import many

if TYPE_CHECKING:
    from voicereg.registry import Registry
    from voicereg.report import Facts, Previews

_MOST_ROWS = 1_000_000


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    required=True,
    help="Where to; - for stdout.",
)
@all_accounts_option
@click.option(
    "--embed-up-to",
    "room_bytes",
    type=SIZE,
    default="20MB",
    show_default=True,
    metavar="SIZE",
    help="How much room previews may take in the page; the others go into a folder beside it.",
)
@click.option("--no-previews", is_flag=True, help="Leave all previews out.")
@click.option(
    "--rows",
    "most_rows",
    type=click.IntRange(1, _MOST_ROWS),
    default=5_000,
    show_default=True,
    metavar="N",
    help="How many voices the table holds at most; charts and figures count all.",
)
@json_option
@pass_app
def report(
    app: App,
    /,
    output: Path,
    all_accounts: bool,
    room_bytes: int,
    no_previews: bool,
    most_rows: int,
    as_json: bool,
) -> int:
    """Write one HTML page about the registry.

    Quotas with a forecast, deadlines by week, uses by month, the voices unused for the longest,
    what the next round warns of, and all voices with search, filters and their previews. One file
    that asks for nothing from anywhere: for a browser, a phone, a mail, or paper.

    Previews are embedded, those of the soonest deadlines first, while there is room. Where there
    is none, the others are written into a folder beside the page, named after it. Nothing is asked
    of the provider: run "voicereg sync" before, for fresh figures.
    """
    to_stdout = output == Path("-")
    if to_stdout and as_json:
        raise click.UsageError("The page goes to stdout: --json has no place there.")
    if to_stdout and sys.stdout.isatty():
        raise click.UsageError("A page is not written to a terminal: give a file with -o.")
    if not to_stdout:
        check_writable(output)
    from voicereg.report import Page, Placement

    registry = app.registry
    facts = _facts(registry, all_accounts=all_accounts, most_rows=most_rows)
    # Beside a pipe or a device, there is nothing.
    is_file = not to_stdout and (output.is_file() or not output.exists())
    beside = f"{output.stem}-previews" if is_file else None
    previews = _placed(facts, no_previews=no_previews, room_bytes=room_bytes, beside=beside)
    page = Page(facts, previews, read_preview=registry.reports.preview)
    if to_stdout:
        for piece in page.pieces():
            sys.stdout.buffer.write(piece.encode())
        sys.stdout.buffer.flush()
    else:
        # Before the page, so that it never links to what is not there.
        _write_beside(registry, facts, previews, output.parent)
        write_lines(output, page.pieces())
    counts = {place: len(previews.placed(place)) for place in Placement}
    if as_json:
        print_json(
            {
                "file": str(output),
                "bytes": output.stat().st_size if output.is_file() else None,
                "made_at": rfc3339(facts.registry.read_at),
                "accounts": list(facts.registry.accounts),
                "voices": facts.standing + facts.gone,
                "rows": len(facts.registry.voices),
                "previews": {
                    "embedded": counts[Placement.EMBEDDED],
                    "beside": counts[Placement.BESIDE],
                    "left_out": counts[Placement.LEFT_OUT],
                    "folder": str(output.parent / previews.folder)
                    if counts[Placement.BESIDE]
                    else None,
                },
                "warnings": facts.warned.news,
            }
        )
    elif not to_stdout:
        app.say(f"wrote {output} ({many(len(facts.registry.voices), 'voice')})")
    if counts[Placement.BESIDE]:
        app.say(
            f"{many(counts[Placement.BESIDE], 'preview')} beside it in "
            f"{output.parent / previews.folder}: the folder goes wherever the page goes"
        )
    if counts[Placement.LEFT_OUT] and not no_previews:
        app.say(f"{many(counts[Placement.LEFT_OUT], 'preview')} left out of the page")
    if facts.left_out:
        app.say(
            f"{many(facts.left_out, 'voice')} not in the table, which holds {most_rows:,}: "
            "--rows makes it longer"
        )
    return ExitCode.DONE


def _facts(registry: Registry, *, all_accounts: bool, most_rows: int) -> Facts:
    from voicereg.housekeeping.foresight import foresee
    from voicereg.report import read_facts

    if all_accounts:
        names = [found.name for found in registry.accounts.all()]
    else:
        names = [registry.accounts.one().name]
    foreseen = foresee(registry, names)
    return read_facts(
        registry,
        account=registry.ALL_ACCOUNTS if all_accounts else names[0],
        concerns=foreseen.concerns,
        messages=foreseen.messages,
        most_voices=most_rows,
    )


def _placed(facts: Facts, *, no_previews: bool, room_bytes: int, beside: str | None) -> Previews:
    from voicereg.report import Previews

    found = facts.registry
    if no_previews:
        return Previews.none(found.voices, found.previews)
    return Previews.place(found.voices, found.previews, room_bytes=room_bytes, folder=beside)


def _write_beside(registry: Registry, facts: Facts, previews: Previews, parent: Path) -> None:
    from voicereg.domain.errors import InvalidInput, Problem
    from voicereg.report import Placement
    from voicereg.report.previews import file_name

    voices = previews.placed(Placement.BESIDE)
    if not voices:
        return
    folder = parent / previews.folder
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(Problem("file", str(folder), why)) from error
    for voice in voices:
        audio = registry.reports.preview(voice)
        if audio is not None:
            kept = facts.registry.previews[voice]
            write_file(folder / file_name(voice, kept.response_format), audio.playable)
