"""What the doctor found, as people read it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from voicereg.cli.output.tables import Column, on_terminal, print_table
from voicereg.cli.output.text import printable
from voicereg.doctor.findings import Finding, Outcome
from voicereg.domain.counts import many

_STYLES = {
    Outcome.OK: "dim green",
    Outcome.WARNING: "bold yellow",
    Outcome.WRONG: "bold red",
    Outcome.SKIPPED: "dim",
}
_QUIET = (Outcome.OK, Outcome.SKIPPED)
"""Nothing is to be done."""
_TITLES = {
    "account": "accounts",
    "channel": "channels",
    "install": "installation",
    "rounds": "housekeeping",
}
"""Of groups whose checks do not begin with it."""


def print_findings(
    findings: Sequence[Finding], say: Callable[[str], None], *, verbose: bool
) -> None:
    """What is to be mended, with the advice below; and a line of each group that is in order.

    Where a program reads, a table with a line for each finding.

    Args:
        findings: what was found, in order.
        say: how things are said that are no result.
        verbose: people, too, get every finding.
    """
    if on_terminal():
        _print_fitted(findings if verbose else list(_summed_up(findings)))
    else:
        print_table(findings, _COLUMNS, "", say)
    say(summary(findings))


def summary(findings: Sequence[Finding]) -> str:
    """How it all is, in a line."""
    wrong = sum(finding.outcome is Outcome.WRONG for finding in findings)
    warnings = sum(finding.outcome is Outcome.WARNING for finding in findings)
    also = f", {many(warnings, 'warning')}" if warnings else ""
    if wrong:
        return f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong{also}"
    return f"nothing is wrong{also}"


_COLUMNS = (
    Column[Finding]("CHECK", lambda finding: finding.check),
    Column[Finding]("RESULT", lambda finding: finding.outcome.value),
    Column[Finding]("WHAT", lambda finding: finding.what),
    Column[Finding]("ADVICE", lambda finding: finding.advice or ""),
)


def _group(finding: Finding) -> str:
    return finding.check.partition(".")[0]


def _summed_up(findings: Sequence[Finding]) -> Iterator[Finding]:
    """What is to be mended; of a group in which nothing is, how it is."""
    for name, group in groupby(findings, _group):
        found = list(group)
        loud = [finding for finding in found if finding.outcome not in _QUIET]
        if loud or len(found) == 1:
            yield from loud or found
        elif good := [finding for finding in found if finding.outcome is Outcome.OK]:
            yield Finding(
                name, Outcome.OK, f"{len(good)} checks" if len(good) > 1 else good[0].what
            )
        else:
            yield found[0]


def _print_fitted(findings: Sequence[Finding]) -> None:
    """Nothing is cut: what is wrong is to be read to its end, and advice to be typed."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, group in groupby(findings, _group):
        title = _TITLES.get(name, name)
        for finding in group:
            is_quiet = finding.outcome in _QUIET
            grid.add_row(
                Text(title, "dim" if is_quiet else "bold"),
                Text(finding.outcome.value, _STYLES[finding.outcome]),
                Text(printable(finding.what), "dim" if is_quiet else ""),
            )
            if finding.advice:
                grid.add_row("", "", Padding(Text(printable(finding.advice)), (0, 0, 0, 2)))
            title = ""
    console.print(grid)
