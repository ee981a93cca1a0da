"""The tables in code, and those that the migrations make, are the same."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from tests.schema.portraits import portrait
from voicereg import tables
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision


@pytest.fixture
def migrated(empty_database_url: str) -> dict[str, dict[str, Any]]:
    database = Database.open(empty_database_url)
    migrate.upgrade(database)
    found = portrait(empty_database_url)
    migrate.downgrade(database, "base")
    database.close()
    return found


def test_the_migration_tool_finds_no_difference(database_url: str) -> None:
    database = Database.open(database_url)

    assert migrate.differences(database) == []
    database.close()


def test_a_difference_is_found(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE voices ADD COLUMN stray TEXT")
        connection.exec_driver_sql("DROP INDEX ix_voices_slots")

    found = {difference[0] for difference in migrate.differences(database)}

    assert found == {"remove_column", "add_index"}
    database.close()


def test_the_database_describes_both_alike(
    migrated: dict[str, dict[str, Any]], empty_database_url: str
) -> None:
    """The same database words the tables of the code and those of the migrations."""
    engine = sa.create_engine(empty_database_url)
    tables.metadata.create_all(engine)
    engine.dispose()

    assert migrated == portrait(empty_database_url)


def test_every_check_of_the_code_is_in_the_migrated_database(
    migrated: dict[str, dict[str, Any]],
) -> None:
    wanted = {
        table.name: {
            str(check.name) for check in table.constraints if isinstance(check, sa.CheckConstraint)
        }
        for table in tables.metadata.sorted_tables
    }

    assert {name: set(table["checks"]) for name, table in migrated.items()} == wanted
    assert len(wanted["voices"]) >= 10


def test_all_constraints_have_names(migrated: dict[str, dict[str, Any]], backend: str) -> None:
    """What has no name cannot be changed by a later migration."""
    for name, table in migrated.items():
        if (backend, name) == ("sqlite", "events"):
            continue  # AUTOINCREMENT is possible only where the key stands without a name
        assert "'name': None" not in repr(table), name


def test_the_revisions_of_the_code_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(migrate._config())

    in_order = [script.revision for script in scripts.walk_revisions()][::-1]

    assert scripts.get_heads() == [HEAD]
    assert tuple(in_order) == REVISIONS


def test_a_database_of_the_code_needs_no_migration(database_url: str) -> None:
    database = Database.open(database_url)

    assert found_revision(database) == HEAD
    database.close()


def test_audit_ids_are_never_given_again(database_url: str) -> None:
    """An id that was in the log stands for that change for good."""
    database = Database.open(database_url)
    event = {"at": sa.func.current_timestamp(), "actor": "tester", "action": "test"}
    with database.write() as connection:
        first = connection.execute(
            sa.insert(tables.events).values(**event).returning(tables.events.c.id)
        ).scalar_one()
        connection.execute(sa.delete(tables.events))
        second = connection.execute(
            sa.insert(tables.events).values(**event).returning(tables.events.c.id)
        ).scalar_one()

    assert second > first
    database.close()
