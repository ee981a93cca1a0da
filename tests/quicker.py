"""What makes many small tests cheaper, and changes nothing of what they test."""

from __future__ import annotations

import gc
from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_STATEMENTS = 4000
_compiled: dict[str, LRUCache[Any, Any]] = {}


def share_compiled_statements() -> None:
    """Have all engines for one kind of database use what any of them has compiled.

    Each test has an engine of its own, and a fifth of its time would go into compiling the same
    statements again. What is compiled is kept by dialect: those of one class are alike here.
    """
    make = Engine.__init__

    def make_sharing(self: Engine, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        self._compiled_cache = _compiled.setdefault(self.dialect.name, LRUCache(_STATEMENTS))

    alike = {
        "__hash__": lambda self: hash(type(self)),
        "__eq__": lambda self, other: type(self) is type(other),
    }
    for kind, changed in (
        (PGDialect_psycopg, alike),
        (SQLiteDialect_pysqlite, alike),
        (Engine, {"__init__": make_sharing}),
    ):
        for name, function in changed.items():
            setattr(kind, name, function)


def look_for_garbage_less_often() -> None:
    """What was imported stays; to go through all of it again and again is for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
