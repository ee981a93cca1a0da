"""A whole registry, brought from one database to another: SQLite to PostgreSQL, and back.

Both are read side by side in the order of their keys, and what differs is written. So a copy that
was interrupted goes on where it was, one that was made while somebody worked on the source is
brought up to date, and the last look, which must find no difference, is the check.

Until then the copy says that it is unfinished, in the place where every version of the program
looks for the revision of a schema; none works on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from voicereg.domain.errors import CopyRefused, SchemaMismatch
from voicereg.engine import Database
from voicereg.schema.revisions import (
    HEAD,
    REVISIONS,
    ensure_current,
    found_revision,
    is_unfinished_copy,
    set_revision,
    unfinished_copy,
)
from voicereg.tables import accounts, leases, metadata

_LEFT_OUT = frozenset({leases})
"""Leases are of processes that work on the source."""
_TABLES = tuple(table for table in metadata.sorted_tables if table not in _LEFT_OUT)
"""Each after those that it refers to."""
_PAGE = 500
_MOST_BYTES = 4_000_000
"""So much is held before it is written, beside the rows of a page: previews are large."""
_LOOKS = 3
"""How often differences are written before somebody is told to let the source alone."""

_EMPTY = "give an empty database, or a file that is not there"

Key = tuple[Any, ...]
Row = dict[str, Any]
OnRows = Callable[[str, int], None]
"""Told of a table, and of how many more of its rows have been compared."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did."""

    rows: Mapping[str, int]
    """How many rows of each table both databases hold now."""
    written: int
    """How many of them were added or changed by this run."""
    removed: int
    """How many were taken out of the copy by this run, as the source has them no more."""
    was_resumed: bool
    """Whether an earlier run had begun it."""


def count_rows(database: Database) -> dict[str, int]:
    """How many rows each table has, for a progress bar."""
    with database.read() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in _TABLES
        }


def copy_registry(source: Database, target: Database, *, on_rows: OnRows | None = None) -> Copied:
    """Make a database hold exactly what another holds.

    Args:
        source: a registry of this version.
        target: an empty database, or one in which an earlier copy of the same registry was
            interrupted.
        on_rows: told how far it is.

    Raises:
        CopyRefused: the target holds something else, or the source is being worked on.
        SchemaMismatch: the source is of another version.
        DatabaseProblem: one of them cannot be used; what is copied stays, and the copy goes on
            when it is run again.
    """
    found = found_revision(source)
    if found != HEAD:
        ensure_current(source)  # raises, or sets an empty file up
    identity = _identity(source)
    was_resumed = _prepare(source, target, identity)
    work = _Work(source, target, on_rows or (lambda table, rows: None))
    for _ in range(_LOOKS):
        differences = work.look()
        if not differences:
            break
    else:
        raise CopyRefused(
            target.display,
            f"{source.display} was changed while it was copied",
            "stop what uses it, and run this again: it goes on where it is",
        )
    with target.write() as connection:
        _set_sequences(connection)
        set_revision(connection, HEAD)
    if not target.is_sqlite:
        with target.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    return Copied(work.rows, work.written, work.removed, was_resumed)


def _identity(database: Database) -> str:
    """What tells a registry from others, whatever happens to it and wherever it lies."""
    with database.read() as connection:
        made_at = connection.execute(
            sa.select(sa.func.min(accounts.c.created_at), sa.func.min(accounts.c.id))
        ).one()
    return hashlib.sha256(repr(tuple(made_at)).encode()).hexdigest()[:12]


def _prepare(source: Database, target: Database, identity: str) -> bool:
    """Make the target ready; whether an earlier copy had begun."""
    try:
        found = found_revision(target)
    except SchemaMismatch as mismatch:
        raise CopyRefused(target.display, f"it {mismatch.why}", _EMPTY) from None
    if found is not None and is_unfinished_copy(found):
        if found == unfinished_copy(identity):
            return True
        raise CopyRefused(
            target.display,
            "it holds an unfinished copy of another registry, or by another version",
            _EMPTY,
        )
    if found is not None:
        why = "it is a registry already" if found in REVISIONS else "it holds a newer registry"
        raise CopyRefused(target.display, why, _EMPTY)
    from voicereg.schema import migrate

    migrate.upgrade(target)
    with target.write() as connection:
        set_revision(connection, unfinished_copy(identity))
        for table in reversed(_TABLES):
            connection.execute(sa.delete(table))  # what is made with a database
    return False


class _Work:
    def __init__(self, source: Database, target: Database, on_rows: OnRows) -> None:
        self._source = source
        self._target = target
        self._on_rows = on_rows
        self.rows: dict[str, int] = {}
        self.written = 0
        self.removed = 0

    def look(self) -> int:
        """Compare all tables, and write what differs.

        Returns:
            How many differences there were.
        """
        before = self.written + self.removed
        gone: dict[sa.Table, list[Key]] = {}
        with self._source.snapshot() as connection:
            for table in _TABLES:
                gone[table] = self._compare(connection, table)
            for table in _TABLES:
                if late := _late_columns(table):
                    self._link(connection, table, late)
        for table in reversed(_TABLES):
            self._remove(table, gone[table])
        return self.written + self.removed - before

    def _compare(self, connection: sa.Connection, table: sa.Table) -> list[Key]:
        """Write what one table lacks, and return the keys of what it has beyond the source."""
        late = _late_columns(table)
        gone: list[Key] = []
        batch = _Batch(self._target, table)
        count = compared = 0
        with ExitStack() as stack:
            stack.enter_context(batch)
            target = stack.enter_context(self._target.snapshot())
            for key, ours, theirs in _side_by_side(connection, target, table):
                if ours is None:
                    gone.append(key)
                    continue
                count += 1
                compared += 1
                if theirs is None:
                    batch.insert(ours | dict.fromkeys(late))
                elif any(ours[name] != theirs[name] for name in ours if name not in late):
                    batch.update(key, {name: ours[name] for name in ours if name not in late})
                if compared == _PAGE:
                    self._on_rows(table.name, compared)
                    compared = 0
        self._on_rows(table.name, compared)
        self.rows[table.name] = count
        self.written += batch.written
        return gone

    def _link(self, connection: sa.Connection, table: sa.Table, late: list[str]) -> None:
        """Write what refers to other rows of the same table, now that all are there."""
        batch = _Batch(self._target, table)
        with batch, self._target.snapshot() as target:
            for key, ours, theirs in _side_by_side(connection, target, table):
                if ours is None or theirs is None:
                    continue
                if any(ours[name] != theirs[name] for name in late):
                    batch.update(key, {name: ours[name] for name in late})
        self.written += batch.written

    def _remove(self, table: sa.Table, keys: list[Key]) -> None:
        for start in range(0, len(keys), _PAGE):
            with self._target.write() as connection:
                connection.execute(
                    sa.delete(table).where(_is_row(table)),
                    [_as_parameters(table, key) for key in keys[start : start + _PAGE]],
                )
        self.removed += len(keys)


@dataclass
class _Batch:
    """Rows that are written some at a time, and the rest at the end."""

    target: Database
    table: sa.Table
    written: int = 0
    _inserts: list[Row] = field(default_factory=list)
    _updates: list[tuple[Key, Row]] = field(default_factory=list)
    _bytes: int = 0

    def insert(self, row: Row) -> None:
        self._inserts.append(row)
        self._bytes += sum(len(value) for value in row.values() if isinstance(value, bytes))
        self._write_some()

    def update(self, key: Key, row: Row) -> None:
        self._updates.append((key, row))
        self._write_some()

    def _write_some(self) -> None:
        if len(self._inserts) + len(self._updates) >= _PAGE or self._bytes >= _MOST_BYTES:
            self._write()

    def _write(self) -> None:
        if not (self._inserts or self._updates):
            return
        with self.target.write() as connection:
            if self._inserts:
                connection.execute(sa.insert(self.table), self._inserts)
            for key, row in self._updates:
                changed = sa.update(self.table).where(_is_row(self.table)).values(**row)
                connection.execute(changed, _as_parameters(self.table, key))
        self.written += len(self._inserts) + len(self._updates)
        self._inserts, self._updates, self._bytes = [], [], 0

    def __enter__(self) -> _Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._write()


def _side_by_side(
    source: sa.Connection, target: sa.Connection, table: sa.Table
) -> Iterator[tuple[Key, Row | None, Row | None]]:
    """Each key with the row that either database has of it, in the order of the keys."""
    with _rows(source, table) as ours, _rows(target, table) as theirs:
        own, other = next(ours, None), next(theirs, None)
        while own is not None or other is not None:
            if other is None or (own is not None and own[0] < other[0]):
                assert own is not None  # noqa: S101 - one of them is there
                yield own[0], own[1], None
                own = next(ours, None)
            elif own is None or other[0] < own[0]:
                yield other[0], None, other[1]
                other = next(theirs, None)
            else:
                yield own[0], own[1], other[1]
                own, other = next(ours, None), next(theirs, None)


@contextmanager
def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[Iterator[tuple[Key, Row]]]:
    """All rows by their keys, in one order on every database, a page at a time."""
    keys = [column.name for column in table.primary_key]
    page = 20 if any(isinstance(column.type, sa.LargeBinary) for column in table.c) else _PAGE
    query = sa.select(table).order_by(
        *(_in_order(connection, column) for column in table.primary_key)
    )
    result = connection.execution_options(yield_per=page).execute(query)
    try:
        yield ((tuple(row[name] for name in keys), dict(row)) for row in result.mappings())
    finally:
        result.close()


def _in_order(connection: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column to order by as bytes are ordered; PostgreSQL would order texts by a language."""
    if connection.dialect.name == "sqlite" or not isinstance(column.type, sa.Text):
        return column
    return column.collate("C")


def _late_columns(table: sa.Table) -> list[str]:
    """The columns that refer to other rows of the same table."""
    return [
        column.name
        for column in table.c
        if any(key.column.table is table for key in column.foreign_keys)
    ]


def _is_row(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == sa.bindparam(f"key_{column.name}") for column in table.primary_key))


def _as_parameters(table: sa.Table, key: Key) -> Row:
    names = (column.name for column in table.primary_key)
    return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


def _set_sequences(connection: sa.Connection) -> None:
    """Have PostgreSQL go on counting after the numbers that were copied."""
    if connection.dialect.name == "sqlite":
        return  # it counts on from the highest by itself
    for table in _TABLES:
        column = table.autoincrement_column
        if column is None:
            continue
        highest = connection.execute(sa.select(sa.func.max(column))).scalar_one()
        if highest is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(sequence, highest)))
