"""Where the tables of a database differ from those in code, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa


def worded(differences: Iterable[Any]) -> Iterator[str]:
    """A sentence for each difference, as Alembic tells them.

    What it would add is lacking, and what it would remove is there once too often. Changes of one
    column come in a list of their own.
    """
    for difference in differences:
        if isinstance(difference, list):
            yield from worded(difference)
            continue
        kind, *told = difference
        word = _WORDS.get(kind)
        # A kind that is not known here is one that a later Alembic has learnt to tell.
        yield word(*told) if word is not None else f"{kind.replace('_', ' ')} would mend it"


def _type(_: object, table: str, column: str, __: object, found: Any, wanted: Any) -> str:
    return f"column {column} of table {table} is of the type {found}, not {wanted}"


def _nullable(_: object, table: str, column: str, __: object, found: Any, wanted: Any) -> str:
    return f"column {column} of table {table} {'may' if found else 'must not'} be empty"


def _default(_: object, table: str, column: str, *more: object) -> str:
    return f"column {column} of table {table} has another default"


def _columns(of: sa.Index | sa.Constraint) -> str:
    parts = of.expressions if isinstance(of, sa.Index) else getattr(of, "columns", ())
    # Where one is an expression, its text.
    return ", ".join(str(getattr(part, "name", None) or part) for part in parts)


def _index(index: sa.Index) -> tuple[sa.Table | None, str, str]:
    kind = "unique index" if index.unique else "index"
    return index.table, kind, f"{index.name} ({_columns(index)})"


def _constraint(constraint: sa.Constraint) -> tuple[sa.Table | None, str, str]:
    kind = "unique constraint" if isinstance(constraint, sa.UniqueConstraint) else "constraint"
    name = f"{constraint.name} " if constraint.name else ""
    return constraint.table, kind, f"{name}({_columns(constraint)})"


def _foreign_key(key: sa.ForeignKeyConstraint) -> tuple[sa.Table | None, str, str]:
    name = f"{key.name} " if key.name else ""
    targets = ", ".join(element.target_fullname for element in key.elements)
    return key.table, "foreign key", f"{name}({', '.join(key.column_keys)} refers to {targets})"


def _lacks(describe: Callable[[Any], tuple[sa.Table | None, str, str]]) -> Callable[[Any], str]:
    def word(item: Any) -> str:
        table, kind, name = describe(item)
        return f"table {table} lacks the {kind} {name}"

    return word


def _has_more(describe: Callable[[Any], tuple[sa.Table | None, str, str]]) -> Callable[[Any], str]:
    def word(item: Any) -> str:
        table, kind, name = describe(item)
        return f"table {table} has {'an' if kind == 'index' else 'a'} {kind} more: {name}"

    return word


_WORDS: dict[str, Callable[..., str]] = {
    "add_table": lambda table: f"there is no table {table.name}",
    "remove_table": lambda table: f"there is a table more: {table.name}",
    "add_column": lambda _, table, column: f"table {table} lacks the column {column.name}",
    "remove_column": lambda _, table, column: f"table {table} has a column more: {column.name}",
    "add_index": _lacks(_index),
    "remove_index": _has_more(_index),
    "add_constraint": _lacks(_constraint),
    "remove_constraint": _has_more(_constraint),
    "add_fk": _lacks(_foreign_key),
    "remove_fk": _has_more(_foreign_key),
    "modify_type": _type,
    "modify_nullable": _nullable,
    "modify_default": _default,
}
"""By the kind of a difference: what it makes of the rest of it."""
