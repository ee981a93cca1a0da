"""Which revision a database is at, told without loading the migration tool."""

from __future__ import annotations

import sqlalchemy as sa

from voicereg.domain.errors import SchemaMismatch
from voicereg.engine import Database

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision there has been, oldest first."""
HEAD = REVISIONS[-1]
_UNFINISHED = "copy "
_SET_REVISION = sa.text("UPDATE alembic_version SET version_num = :revision")


def found_revision(database: Database, connection: sa.Connection | None = None) -> str | None:
    """The revision of a database; None for an empty one.

    Args:
        database: the database.
        connection: a transaction on it that is to see it; None: one of its own.

    Raises:
        SchemaMismatch: it holds tables that are not voicereg's.
        DatabaseProblem: it cannot be read.
    """
    if connection is None:
        with database.read() as connection:
            return found_revision(database, connection)
    names = set(_table_names(connection))
    if "alembic_version" in names:
        revision: str | None = connection.execute(
            sa.text("SELECT version_num FROM alembic_version")
        ).scalar()
        # Alembic serves other programs, too, and many call their first revision 0001.
        if revision is not None and "voices" in names:
            return revision
    if names - {"alembic_version"}:
        mismatch = SchemaMismatch(
            database.display, found=None, expected=HEAD, why="holds tables that are not voicereg's"
        )
        mismatch.advice = "give the database of a registry, or an empty one, with --database"
        raise mismatch
    return None


def _table_names(connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return list(connection.exec_driver_sql(query.replace("%", "%%")).scalars())


def ensure_current(database: Database) -> None:
    """Make sure that this version can work on a database; set an empty SQLite file up.

    Raises:
        SchemaMismatch: it is older or newer than this version, or an empty PostgreSQL database.
    """
    found = found_revision(database)
    if found == HEAD:
        return
    if found is None and database.is_sqlite:
        from voicereg.schema import migrate

        migrate.upgrade(database)
        return
    raise mismatch(database, found)


def mismatch(database: Database, found: str | None) -> SchemaMismatch:
    """Why this version does not work on a database, and what to do.

    Args:
        database: the database.
        found: its revision, which is not :data:`HEAD`.
    """
    if found is None:
        why, advice = "is empty", "set it up with: voicereg db upgrade"
    elif found in REVISIONS:
        why, advice = "is older than this program", "bring it up to date with: voicereg db upgrade"
    elif found.startswith(_UNFINISHED):
        why = "holds an unfinished copy of another registry"
        advice = "finish it with the voicereg db copy that began it: it goes on where it was"
    else:
        why = "is newer than this program"
        advice = "update this program with: pip install --upgrade voicereg"
    error = SchemaMismatch(database.display, found=found, expected=HEAD, why=why)
    error.advice = advice
    return error


def unfinished_copy(identity: str) -> str:
    """What stands in the place of a revision while a registry is being copied."""
    return f"{_UNFINISHED}{HEAD} {identity}"


def is_unfinished_copy(found: str) -> bool:
    """Whether a revision that was found is none, but the mark of a copy that goes on."""
    return found.startswith(_UNFINISHED)


def set_revision(connection: sa.Connection, revision: str) -> None:
    """Say what a database holds, or :func:`unfinished_copy`."""
    connection.execute(_SET_REVISION, {"revision": revision})
