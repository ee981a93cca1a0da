"""PostgreSQL databases that are emptied after a test, and lent to the next: to make one is slow."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg import sql

from voicereg.tables import metadata

_USES = 50
"""So often a database is lent: what was deleted from it slows it down in the end."""
_LOOK = """
SELECT md5(concat_ws(' ',
    (SELECT string_agg(version_num, ' ' ORDER BY version_num) FROM alembic_version),
    (SELECT string_agg(concat_ws(' ', oid, relname, xmin), ' ' ORDER BY oid) FROM pg_class
      WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        AND relkind <> 't'),
    (SELECT count(*) FROM pg_attribute),
    (SELECT count(*) FROM pg_proc),
    (SELECT count(*) FROM pg_trigger),
    (SELECT count(*) FROM pg_db_role_setting),
    (SELECT string_agg(concat_ws(' ', oid, xmin), ' ' ORDER BY oid) FROM pg_constraint)
))
"""
"""What changes with the schema, and with nothing that is written into the tables."""


class Lending:
    """Lends databases with the current schema and nothing in them.

    A connection to each is kept: it has all tables in mind, which a new one would read again.
    """

    def __init__(self, create: Callable[[], str], drop: Callable[[str], None]) -> None:
        self._create = create
        self._drop = drop
        self._connections: dict[str, psycopg.Connection] = {}
        self._looks: dict[str, str] = {}
        self._uses: dict[str, int] = {}
        self._free: list[str] = []
        self._emptying: bytes | None = None

    def lend(self) -> str:
        if self._free:
            return self._free.pop()
        url = self._create()
        connection = psycopg.connect(url.replace("+psycopg", ""))
        with connection.transaction():
            self._looks[url] = _look(connection)
            if self._emptying is None:
                self._emptying = _statements(connection)
        self._connections[url] = connection
        self._uses[url] = 0
        return url

    def take_back(self, url: str) -> None:
        """Empty it; or drop it, where a test has changed more than rows."""
        self._uses[url] += 1
        connection = self._connections[url]
        try:
            with connection.transaction():
                is_as_it_was = _look(connection) == self._looks[url]
            if is_as_it_was and self._uses[url] < _USES:
                self.empty(url)
                self._free.append(url)
                return
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            pass  # it was dropped, or renamed, or the connection was ended
        del self._connections[url]
        connection.close()
        self._drop(url)

    def empty(self, url: str) -> None:
        """Make it as it was when it was new."""
        assert self._emptying is not None
        connection = self._connections[url]
        with connection.transaction():
            connection.execute(self._emptying)

    def close(self) -> None:
        """End what is kept open."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


def _look(connection: psycopg.Connection) -> str:
    return repr(connection.execute(_LOOK).fetchone())


def _statements(connection: psycopg.Connection) -> bytes:
    """What brings a database back to how this one is."""
    # A test that left a transaction open fails here, rather than hanging the next one.
    parts: list[sql.Composable] = [sql.SQL("SET LOCAL lock_timeout = '20s'")]
    tables = [table.name for table in metadata.sorted_tables]
    parts += [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in reversed(tables)]
    for name in tables:
        held = connection.execute(
            sql.SQL("SELECT json_agg(held)::text FROM {} AS held").format(sql.Identifier(name))
        ).fetchone()
        if held and held[0]:
            refill = "INSERT INTO {0} SELECT * FROM json_populate_recordset(null::{0}, {1})"
            parts.append(sql.SQL(refill).format(sql.Identifier(name), sql.Literal(held[0])))
    for sequence, last in connection.execute(
        "SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
    ).fetchall():
        parts.append(
            sql.SQL("SELECT setval({}, {}, {})").format(
                sql.Literal(sequence), sql.Literal(last or 1), sql.Literal(last is not None)
            )
        )
    return sql.SQL("; ").join(parts).as_bytes(connection)
