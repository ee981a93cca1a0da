"""Tables: fitted to a terminal by rich, or tab-separated where another program reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click

from voicereg.cli.output.text import printable

Row = TypeVar("Row")
_NARROWEST = 6
_FOLDED = 20


@dataclass(frozen=True)  # with slots, Python 3.11 fails on Column[Row](…)
class Column(Generic[Row]):
    """One column of a table."""

    title: str
    value: Callable[[Row], str]
    right: bool = False
    style: Callable[[Row], str] | None = None
    from_width: int = 0
    """Shown on terminals at least this many columns wide; always where a program reads."""
    flexible: bool = False
    """May be cut with an ellipsis to fit; the others are shown whole."""
    folds: bool = False
    """Is shown whole, over several lines where it must."""


def on_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def print_table(
    rows: Iterable[Row],
    columns: Sequence[Column[Row]],
    empty: str,
    say: Callable[[str], None],
) -> None:
    """A table.

    Args:
        rows: what to show.
        columns: how.
        empty: said where there are no rows.
        say: how things are said that are no result.
    """
    shown = list(rows)
    if not shown:
        say(empty)
    if not on_terminal():
        _print_tab_separated(shown, columns)
    elif shown:
        _print_fitted(shown, columns)


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line; what is empty is left out."""
    filled = [(name, value) for name, value in fields if value]
    if not on_terminal():
        for name, value in filled:
            click.echo(f"{name}\t{printable(value)}")
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in filled:
        grid.add_row(name, Text(printable(value)))
    _console().print(grid)


def _print_tab_separated(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> None:
    lines = ["\t".join(column.title for column in columns)]
    # A tab or a line feed in a value is spelled out, so that the columns hold.
    lines += ["\t".join(printable(column.value(row)) for column in columns) for row in rows]
    click.echo("\n".join(lines))


def _print_fitted(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = _console()
    fitting = [column for column in columns if column.from_width <= console.width]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in fitting:
        table.add_column(
            Text(column.title, no_wrap=True),
            justify="right" if column.right else "left",
            # Rich narrows only columns that may wrap; the cells themselves do not.
            no_wrap=not (column.flexible or column.folds),
            overflow="fold" if column.folds else "ellipsis",
            min_width=_narrowest(column, rows),
        )
    for row in rows:
        table.add_row(
            *(
                Text(
                    printable(column.value(row)),
                    style=column.style(row) if column.style else "",
                    no_wrap=not column.folds,
                )
                for column in fitting
            )
        )
    console.print(table)


def _narrowest(column: Column[Row], rows: Sequence[Row]) -> int:
    """The cells that a column takes at the least."""
    whole = _width(column, rows)
    if column.folds:
        return min(_FOLDED, whole)
    return _NARROWEST if column.flexible else whole


def _width(column: Column[Row], rows: Sequence[Row]) -> int:
    """The cells that a column takes when it is shown whole; a Chinese character takes two."""
    from rich.cells import cell_len

    return max(
        cell_len(text) for text in (column.title, *(printable(column.value(r)) for r in rows))
    )


def _console() -> Any:
    from rich.console import Console

    return Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False)
