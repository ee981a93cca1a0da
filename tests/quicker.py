"""What makes many small tests cheaper, and changes nothing of what they test."""

from __future__ import annotations

import functools
import gc
import os
import ssl
import sys
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


def share_certificates() -> None:
    """Have the certificates that are trusted be read once.

    To read them takes longer than most tests, and every HTTP client does so when it is made, also
    one that then speaks to a sandbox alone. Nothing here changes the context that it is given.
    """
    once: Any = functools.cache(ssl.create_default_context)
    ssl.create_default_context = once


def keep_compiled_modules() -> None:
    """Have Python keep the modules that it compiles, whatever the environment says.

    Tests start hundreds of processes. They run what is compiled, as where it is installed.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
