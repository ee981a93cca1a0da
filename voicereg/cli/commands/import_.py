"""``voicereg import``."""

from __future__ import annotations

from pathlib import Path

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.text import fitted, printable
from voicereg.cli.reading import opened
from voicereg.cli.rows import read_rows
from voicereg.domain.counts import many
from voicereg.domain.exchange import VoicesImported

_TOLD = 20
"""So many bad rows are told of one by one; JSON has all."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--skip-bad", is_flag=True, help="Pass over bad rows, rather than changing nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
@pass_app
def import_voices(app: App, /, file: Path, skip_bad: bool, dry_run: bool, as_json: bool) -> int:
    """Read voices from a file: put them on record, or change them.

    FILE is JSON lines or CSV, as "voicereg export" writes them, or kept by hand; - for stdin. A
    voice that is on no record is put on record; of one that is, tags, owner, note and pin
    become those of its row, what was not known is filled in, and what never changes must agree.
    A column that is not there changes nothing. Every row is checked before anything is changed,
    and nothing is where one is bad. The provider hears of nothing: "voicereg sync" compares.
    """
    with opened(file, "file") as stream:
        done = app.registry.imports.run(
            read_rows(stream), account=None, skip_bad=skip_bad, dry_run=dry_run
        )
    if as_json:
        print_json(done.as_dict())
    _tell(app, done, dry_run=dry_run)
    if done.problems:
        return ExitCode.FAILED if done.is_done or (dry_run and skip_bad) else ExitCode.USAGE
    return ExitCode.DONE


def _tell(app: App, done: VoicesImported, *, dry_run: bool) -> None:
    lines: dict[str, list[int]] = {}
    for problem in done.problems:
        lines.setdefault(problem.why, []).append(problem.line)
    for why, found in list(lines.items())[:_TOLD]:
        also = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        click.echo(fitted(printable(f"line {found[0]}{also}: {why}")), err=True)
    left = sum(len(found) for found in list(lines.values())[_TOLD:])
    if left:
        click.echo(f"and {many(left, 'bad row')} more", err=True)
    counts = f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} as they were"
    bad = f", {len(done.problems):,} bad" if done.problems else ""
    rows = many(done.rows, "row")
    if done.is_done:
        app.say(f"{rows}: {counts}{bad}")
    elif dry_run:
        app.say(f"{rows}: {counts}{bad}; nothing was changed: this is what would be")
    else:
        are = "is" if len(done.problems) == 1 else "are"
        refusal = (
            f"nothing was changed: {len(done.problems):,} of {rows} {are} bad; mend what is wrong, "
            "or pass over it with --skip-bad"
        )
        click.echo(fitted(refusal), err=True)
