"""Transactions that change the schema: children are kept, broken references are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tests.schema.rows import voice_row
from voicereg import DatabaseUnusable
from voicereg.engine import Database
from voicereg.tables import voice_tags, voices

ORPHAN = {"voice": "nobody", "key": "team", "value": "news"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    with opened.write() as connection:
        connection.execute(sa.insert(voices).values(**voice_row()))
        connection.execute(sa.insert(voice_tags).values(voice="avoice", key="team", value="news"))
    yield opened
    opened.close()


def _tags(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(voice_tags.c.key)).scalars())


def test_a_table_that_is_rebuilt_keeps_its_children(database: Database, backend: str) -> None:
    with database.migrating() as connection:
        operations = Operations(MigrationContext.configure(connection))
        rebuild = "always" if backend == "sqlite" else "auto"
        with operations.batch_alter_table("voices", recreate=rebuild) as batch:  # type: ignore[arg-type]
            batch.add_column(sa.Column("colour", sa.Text))

    assert _tags(database) == ["team"]
    with database.read() as connection:
        assert "colour" in {
            column["name"] for column in sa.inspect(connection).get_columns("voices")
        }


def test_broken_references_undo_it(database: Database) -> None:
    def migrate() -> None:
        with database.migrating() as connection:
            connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
            connection.execute(sa.insert(voice_tags).values(ORPHAN))

    with pytest.raises(DatabaseUnusable) as caught:
        migrate()

    assert "reference" in str(caught.value) or "foreign key" in str(caught.value)
    assert _tags(database) == ["team"]
    with database.read() as connection:
        assert "made" not in sa.inspect(connection).get_table_names()


def test_references_are_checked_again_afterwards(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), database.migrating():
            raise ZeroDivisionError
        with (
            pytest.raises(DatabaseUnusable, match=r"(?i)foreign key"),
            database.write() as connection,
        ):
            connection.execute(sa.insert(voice_tags).values(ORPHAN))


def test_an_error_undoes_changes_of_the_schema(database: Database) -> None:
    def migrate() -> None:
        with database.migrating() as connection:
            connection.exec_driver_sql("DROP TABLE voice_tags")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate()

    assert _tags(database) == ["team"]
