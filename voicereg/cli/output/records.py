"""Lists of things, in the format that was asked for. A new format is one more entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from voicereg.cli.output.documents import print_csv, print_json, print_json_lines

if TYPE_CHECKING:
    from voicereg.cli.output.tables import Column

Row = TypeVar("Row")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Records(Generic[Row]):
    """What a command found, and how each format shows it."""

    rows: Sequence[Row]
    as_dict: Callable[[Row], dict[str, Any]]
    keys: Sequence[str]
    """The keys of every dictionary, for a CSV that has a header even without rows."""
    columns: Callable[[], Sequence[Column[Row]]]
    """The columns of a table, made only where one is wanted."""
    empty: str
    """Said where there are no rows."""


def _as_table(records: Records[Any], say: Say) -> None:
    from voicereg.cli.output.tables import print_table

    print_table(records.rows, records.columns(), records.empty, say)


def _as_json(records: Records[Any], say: Say) -> None:
    print_json([records.as_dict(row) for row in records.rows])


def _as_json_lines(records: Records[Any], say: Say) -> None:
    print_json_lines(records.as_dict(row) for row in records.rows)


def _as_csv(records: Records[Any], say: Say) -> None:
    print_csv((records.as_dict(row) for row in records.rows), records.keys)


FORMATS: Mapping[str, Callable[[Records[Any], Say], None]] = {
    "table": _as_table,
    "json": _as_json,
    "jsonl": _as_json_lines,
    "csv": _as_csv,
}


def print_records(records: Records[Row], output_format: str, say: Say) -> None:
    """Print what was found.

    Args:
        records: what, and how.
        output_format: one of :data:`FORMATS`.
        say: how things are said that are no result.
    """
    FORMATS[output_format](records, say)
