"""Migrations, run by Alembic. Loaded only by what migrates."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from voicereg import tables
from voicereg.engine import Database
from voicereg.schema.backups import back_up
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision, mismatch

_ALEMBIC = threading.Lock()
"""Alembic keeps what it works on in global variables: one migration at a time in a process."""


class Upgrade(NamedTuple):
    """What an upgrade did."""

    before: str | None
    """The revision that it found; None: the database was empty."""
    after: str
    backup: Path | None
    """The copy of a SQLite file as it was; None: it was empty, or had nothing to be changed."""


def upgrade(database: Database, revision: str = HEAD) -> Upgrade:
    """Bring a database to ``revision``. A second upgrade at the same time waits, then does nothing.

    A SQLite file is copied first. The copy is kept when the upgrade fails, too.

    Raises:
        SchemaMismatch: it is newer than this version, or not voicereg's.
        DatabaseUnusable: no backup could be made, or the upgrade failed; nothing was changed.
    """
    _refuse_newer(database, found_revision(database))
    with database.migrating() as connection:
        # Another upgrade may have come first; from here on, none does.
        before = found_revision(database, connection)
        _refuse_newer(database, before)
        backup = None
        if database.is_sqlite and before in REVISIONS[: REVISIONS.index(revision)]:
            assert before is not None  # noqa: S101 - None is no revision
            backup = back_up(database, before, database.now(connection))
        with _ALEMBIC:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    return Upgrade(before, revision, backup)


def _refuse_newer(database: Database, found: str | None) -> None:
    if found is None or found in REVISIONS:
        return
    raise mismatch(database, found)


def downgrade(database: Database, revision: str) -> None:
    """Take a database back to ``revision`` (``base``: to nothing). For tests and emergencies."""
    with database.migrating() as connection, _ALEMBIC:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def differences(database: Database) -> list[Any]:
    """Where a database's tables differ from those that this version expects."""
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": tables.is_described}
        )
        return list(compare_metadata(context, tables.metadata))


def _config() -> Config:
    packaged = Path(__file__).parent
    root = packaged if (packaged / "migrations").is_dir() else packaged.parent.parent
    config = Config(root / "alembic.ini")
    config.set_main_option("script_location", str(root / "migrations").replace("%", "%%"))
    return config
