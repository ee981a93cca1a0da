"""Rows of a file, JSON lines or CSV: written to be harmless, and read back as they were.

In CSV, a text that a spreadsheet would run as a formula gets an apostrophe before it, as does one
that begins like what is written for another; one with characters that nobody sees is written as
JSON does. Both come back as they were.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from voicereg.cli.output.documents import FORMULA_STARTS
from voicereg.cli.output.text import escaped_json, printable
from voicereg.domain.errors import InvalidInput, Problem

FORMATS = ("jsonl", "csv")
_MARKED = (*FORMULA_STARTS, "'", '"')
"""What a text begins with that gets an apostrophe."""
_encode = json.JSONEncoder(ensure_ascii=False).encode

Cells = Mapping[str, Any] | Exception
"""What a row holds, by key; or why it cannot be read."""


def lines_of(rows: Iterable[Mapping[str, Any]], keys: Sequence[str], form: str) -> Iterator[str]:
    """The lines of a file, each with its end.

    Args:
        rows: each with all of the keys.
        keys: the columns.
        form: one of :data:`FORMATS`.
    """
    if form == "jsonl":
        for row in rows:
            yield escaped_json(_encode(row)) + "\n"
        return
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(keys)
    for row in rows:
        writer.writerow([_cell(row[key]) for key in keys])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def read_rows(file: BinaryIO) -> Iterator[tuple[int, Cells]]:
    """Each row with the line that it begins at, counted from 1.

    Args:
        file: its beginning tells whether it is JSON lines, one JSON array, or CSV.

    Raises:
        InvalidInput: it is none of them.
    """
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidInput(Problem("file", "", f"line {line} is not UTF-8")) from None
    beginning = text.lstrip()[:1]
    if beginning == "{":
        return _json_lines(text)
    if beginning == "[":
        return _json_array(text)
    return _csv_rows(text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return escaped_json(_encode(value))
    text = str(value)
    if printable(text, keep_lines=True) != text or text == "":
        return escaped_json(_encode(text))
    return "'" + text if isinstance(value, str) and text.startswith(_MARKED) else text


def _text(cell: str) -> str:
    """What :func:`_cell` was given; what people typed that only looks like it stays as it is."""
    if cell.startswith("'") and cell[1:].startswith(_MARKED):
        return cell[1:]
    if cell.startswith('"'):
        try:
            value = json.loads(cell)
        except ValueError:
            return cell
        return value if isinstance(value, str) else cell
    return cell


def _value(key: str, cell: str) -> Any:
    if key in _NESTED and cell:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell  # whoever reads the row says what it should have been
    return _text(cell)


_NESTED = ("tags", "aliases")


def _json_lines(text: str) -> Iterator[tuple[int, Cells]]:
    # Not `splitlines`: JSON may hold characters that it would break a line at.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(text: str) -> Cells:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ValueError("it is no JSON")
    return value if isinstance(value, dict) else ValueError("it is no JSON object")


def _json_array(text: str) -> Iterator[tuple[int, Cells]]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(Problem("file", "", f"it is no JSON: {error}")) from None
    for number, value in enumerate(values, 1):
        is_object = isinstance(value, dict)
        yield number, value if is_object else ValueError("it is no JSON object")


def _csv_rows(text: str) -> Iterator[tuple[int, Cells]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] | None = None
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield begins, ValueError(f"it is no CSV: {error}")
            return
        if cells is None:
            break
        if not any(cells):
            continue
        if names is None:
            names = [name.strip() for name in cells]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise InvalidInput(Problem("file", twice[0], "this column is there twice"))
        elif len(cells) != len(names):
            yield begins, ValueError(f"it has {len(cells)} cells; the first line has {len(names)}")
        else:
            yield (
                begins,
                {name: _value(name, cell) for name, cell in zip(names, cells, strict=True)},
            )
    if names is None:
        raise InvalidInput(
            Problem("file", "", "it is empty: JSON lines, or CSV with a line of names, is read")
        )
