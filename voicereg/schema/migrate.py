"""Migrations, run by Alembic. Loaded only by what migrates."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from voicereg import tables
from voicereg.domain.errors import SchemaMismatch
from voicereg.engine import Database
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision

_ALEMBIC = threading.Lock()
"""Alembic keeps what it works on in global variables: one migration at a time in a process."""


def upgrade(database: Database, revision: str = HEAD) -> tuple[str | None, str]:
    """Bring a database to ``revision``. A second upgrade at the same time waits, then does nothing.

    Returns:
        The revisions before and after.

    Raises:
        SchemaMismatch: it is newer than this version, or not voicereg's.
    """
    before = found_revision(database)
    if before is not None and before not in REVISIONS:
        mismatch = SchemaMismatch(
            database.display, found=before, expected=HEAD, why="is newer than this program"
        )
        mismatch.advice = "update this program with: pip install --upgrade voicereg"
        raise mismatch
    with database.migrating() as connection, _ALEMBIC:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return before, revision


def downgrade(database: Database, revision: str) -> None:
    """Take a database back to ``revision`` (``base``: to nothing). For tests and emergencies."""
    with database.migrating() as connection, _ALEMBIC:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def differences(database: Database) -> list[Any]:
    """Where a database's tables differ from those that this version expects."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))


def _config() -> Config:
    packaged = Path(__file__).parent
    root = packaged if (packaged / "migrations").is_dir() else packaged.parent.parent
    config = Config(root / "alembic.ini")
    config.set_main_option("script_location", str(root / "migrations").replace("%", "%%"))
    return config
