"""Machine-readable output: JSON, JSON lines and CSV, with stable keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voicereg.cli.output.text import escaped_json, printable

_encode = json.JSONEncoder(ensure_ascii=False).encode
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes a formula by, or what it passes over before one."""


def print_json(document: Any) -> None:
    """One JSON document: indented for people, compact for programs.

    (Indenting takes ten times as long, which is too much for a long list.)
    """
    indent = 2 if sys.stdout.isatty() or isinstance(document, dict) else None
    _print(escaped_json(json.dumps(document, ensure_ascii=False, indent=indent)) + "\n")


def print_json_lines(documents: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    for document in documents:
        sys.stdout.write(escaped_json(_encode(document)) + "\n")
    sys.stdout.flush()


def print_csv(documents: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A header, and a line for each document; what is nested is written as JSON.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    import csv
    import io

    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(columns)
    for document in documents:
        writer.writerow([_cell(document[name]) for name in columns])
    _print(lines.getvalue())


def _print(text: str) -> None:
    """Straight to stdout: `click.echo` looks through all of it for colours, and there are none."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return escaped_json(json.dumps(value, ensure_ascii=False))
    text = str(value)
    if isinstance(value, str) and text.startswith(FORMULA_STARTS):
        text = "'" + text
    return printable(text, keep_lines=True)
