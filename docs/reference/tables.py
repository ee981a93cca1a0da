"""The page of the tables: what the program expects of a database."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from docs.reference.attributes import attributes_of
from docs.reference.markdown import code, docstring, first_sentence, table
from voicereg import tables
from voicereg.domain.accounts import Account
from voicereg.domain.aliases import Alias
from voicereg.domain.events import Event
from voicereg.domain.messages import Message
from voicereg.domain.rounds import RoundRecord, StepState
from voicereg.domain.voices import Voice

_KINDS: dict[str, type] = {
    "accounts": Account,
    "aliases": Alias,
    "events": Event,
    "messages": Message,
    "rounds": RoundRecord,
    "step_states": StepState,
    "voices": Voice,
}
"""What a row of a table becomes, whose attributes are called as the columns are."""
_TOP = """# Tables

What the tables of a registry hold; [the data model](../data-model.md) says how they belong
together. Both databases have the same tables, columns, constraints and indexes. Where a type is
another, SQLite's is first.
`voicereg db check` compares a database with this, and `voicereg doctor` does, too. Beside them,
`alembic_version` holds the schema's revision, and each database has an index of words of its own
over `voice_texts`, for `--search`.

Times are aware. PostgreSQL keeps them as `TIMESTAMP WITH TIME ZONE`; SQLite as text in UTC, such as
`2026-11-23 09:00:00.000000+00:00`, which sorts.

"""


def page() -> str:
    """The page."""
    comments = _comments()
    parts = [_TOP]
    for each in tables.metadata.tables.values():
        parts += [f"## {each.name}\n\n", _said_of(each), _columns(each, comments), "\n"]
        rules = _rules(each)
        if rules:
            parts += ["".join(f"- {rule}\n" for rule in rules), "\n"]
    return "".join(parts).rstrip("\n") + "\n"


def _columns(each: sa.Table, comments: dict[tuple[str, str], str]) -> str:
    rows = [
        (
            code(column.name),
            _type(column),
            "" if column.nullable else "not null",
            docstring(
                comments.get((each.name, column.name)) or _said_in(each.name, column.name),
                none="null",
            ),
        )
        for column in each.columns
    ]
    return table(("column", "type", "", "meaning"), rows)


def _type(column: sa.Column[object]) -> str:
    kinds = [
        column.type.compile(dialect)
        for dialect in (sqlite.dialect(), postgresql.dialect())  # type: ignore[no-untyped-call]
    ]
    if isinstance(column.type, tables.UtcDateTime):
        return "time"
    return " or ".join(code(kind) for kind in dict.fromkeys(kinds))


def _rules(each: sa.Table) -> list[str]:
    """Constraints and indexes, each in a line."""
    found = [f"primary key: {_names(each.primary_key.columns)}"]
    for key in sorted(each.foreign_key_constraints, key=lambda key: list(key.column_keys)):
        gone = ", goes with it" if key.ondelete == "CASCADE" else ""
        found.append(f"{_names(key.columns)} refers to {code(key.referred_table.name)}{gone}")
    unique = [rule for rule in each.constraints if isinstance(rule, sa.UniqueConstraint)]
    found += sorted(f"unique: {_names(rule.columns)}" for rule in unique)
    checks = [rule for rule in each.constraints if isinstance(rule, sa.CheckConstraint)]
    found += sorted(f"check: {code(' '.join(str(rule.sqltext).split()))}" for rule in checks)
    for index in sorted(each.indexes, key=lambda index: str(index.name)):
        kind = "unique index" if index.unique else "index"
        only = index.dialect_options["sqlite"]["where"]
        found.append(
            f"{kind}: {_names(index.columns)}"
            + (f" where {code(str(only))}" if only is not None else "")
        )
    return found


def _names(columns: Iterable[sa.Column[Any]]) -> str:
    return ", ".join(code(column.name) for column in columns)


def _said_in(table_name: str, column: str) -> str:
    kind = _KINDS.get(table_name)
    known = attributes_of(kind).get(column) if kind else None
    return first_sentence(known.docstring) if known else ""


def _said_of(each: sa.Table) -> str:
    """The docstring below a table."""
    found = re.search(
        rf'^    "{each.name}",\n    metadata,\n.*?^\)\n(?:"""(.*?)""")?',
        inspect.getsource(tables),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    return docstring(found[1]) + "\n\n" if found[1] else ""


def _comments() -> dict[tuple[str, str], str]:
    """The comments above columns, by table and column."""
    found: dict[tuple[str, str], str] = {}
    table_name, said = "", ""
    for line in inspect.getsource(tables).splitlines():
        if named := re.fullmatch(r'    "(\w+)",', line):
            table_name = named[1]
        elif comment := re.fullmatch(r"    # (.+)", line):
            said = f"{said} {comment[1]}".strip()
        elif column := re.match(r'    sa\.Column\("(\w+)"', line):
            if said:
                found[table_name, column[1]] = said
            said = ""
        else:
            said = ""
    return found
