"""What somebody has changed by hand is told in sentences."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from voicereg.engine import Database
from voicereg.schema.checks import problems
from voicereg.schema.differences import worded

ON_BOTH = {
    "ALTER TABLE voices ADD COLUMN mood TEXT": "table voices has a column more: mood",
    "ALTER TABLE voice_previews DROP COLUMN sample_rate": (
        "table voice_previews lacks the column sample_rate"
    ),
    "DROP TABLE voice_previews": "there is no table voice_previews",
    "CREATE TABLE stray (a INTEGER)": "there is a table more: stray",
    "DROP INDEX ix_voices_slots": (
        "table voices lacks the index ix_voices_slots (quota_group_id, family, state, deadline_at)"
    ),
    "CREATE INDEX ix_stray ON voices (name, owner)": (
        "table voices has an index more: ix_stray (name, owner)"
    ),
    "CREATE UNIQUE INDEX ix_stray ON voices (name, id)": (
        "table voices has a unique index more: ix_stray (name, id)"
    ),
}
ON_POSTGRESQL = {
    "ALTER TABLE voices ALTER COLUMN name TYPE varchar(10)": (
        "column name of table voices is of the type VARCHAR(10), not TEXT"
    ),
    "ALTER TABLE voices ALTER COLUMN owner SET NOT NULL": (
        "column owner of table voices must not be empty"
    ),
    "ALTER TABLE voices ALTER COLUMN name DROP NOT NULL": (
        "column name of table voices may be empty"
    ),
    "ALTER TABLE accounts DROP CONSTRAINT uq_accounts_name": (
        "table accounts lacks the unique constraint uq_accounts_name (name)"
    ),
    "ALTER TABLE voices ADD CONSTRAINT uq_stray UNIQUE (name, id)": (
        "table voices has a unique constraint more: uq_stray (name, id)"
    ),
    "ALTER TABLE voice_tags DROP CONSTRAINT fk_voice_tags_voice_voices": (
        "table voice_tags lacks the foreign key fk_voice_tags_voice_voices "
        "(voice refers to voices.id)"
    ),
    "ALTER TABLE voice_tags ADD CONSTRAINT fk_stray FOREIGN KEY (key) REFERENCES voices (id)": (
        "table voice_tags has a foreign key more: fk_stray (key refers to voices.id)"
    ),
    "CREATE INDEX ix_stray ON voices (lower(owner))": (
        "table voices has an index more: ix_stray (lower(owner))"
    ),
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    yield database
    database.close()


@pytest.mark.parametrize("statement", [*ON_BOTH, *ON_POSTGRESQL])
def test_a_change_by_hand_is_a_sentence(database: Database, backend: str, statement: str) -> None:
    if backend == "sqlite" and statement in ON_POSTGRESQL:
        pytest.skip("SQLite has no such statement, or cannot tell")
    with database.write() as connection:
        connection.exec_driver_sql(statement)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's, of an index that it skips half of
        found = problems(database)

    assert found == [f"the schema differs: {(ON_BOTH | ON_POSTGRESQL)[statement]}"]


def test_what_nobody_knows_yet_is_told_all_the_same() -> None:
    assert list(worded([("add_trigger", object())])) == ["add trigger would mend it"]
