"""Whether a database is sound: its schema, its references, and the file itself."""

from __future__ import annotations

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.engine import Database
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision, is_unfinished_copy
from voicereg.tables import accounts, quota_groups, quota_limits, voice_texts, voices


def problems(database: Database) -> list[str]:
    """What is wrong with a database, each in a sentence; empty when nothing is.

    Raises:
        DatabaseProblem: it cannot be read at all.
    """
    found = found_revision(database)
    if found is None:
        return ["the database is empty: set it up with voicereg db upgrade"]
    if is_unfinished_copy(found):
        return ["it holds an unfinished copy: the voicereg db copy that began it goes on with it"]
    if found != HEAD:
        way = "voicereg db upgrade" if found in REVISIONS else "a newer version of voicereg"
        return [f"the schema is {found}, this version needs {HEAD}: {way} mends it"]
    return [*_file_problems(database), *_schema_problems(database), *_data_problems(database)]


def _file_problems(database: Database) -> list[str]:
    if not database.is_sqlite:
        return []
    with database.snapshot() as connection:
        damage = [
            f"the file is damaged: {line}"
            for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars()
            if line != "ok"
        ]
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return damage + [f"{row[0]} row {row[1]} refers to a missing {row[2]}" for row in broken]


def _schema_problems(database: Database) -> list[str]:
    from voicereg.schema.differences import worded
    from voicereg.schema.migrate import differences

    return [f"the schema differs: {difference}" for difference in worded(differences(database))]


def _data_problems(database: Database) -> list[str]:
    strayed = (
        sa.select(voices.c.id)
        .join(accounts, voices.c.account_id == accounts.c.id)
        .where(voices.c.quota_group_id != accounts.c.quota_group_id)
    )
    unlimited = (
        sa.select(quota_groups.c.name)
        .join(quota_limits, quota_limits.c.quota_group_id == quota_groups.c.id, isouter=True)
        .group_by(quota_groups.c.name)
        .having(sa.func.count(quota_limits.c.family) < len(Family))
    )
    unsearchable = (
        sa.select(voices.c.id)
        .join(voice_texts, voice_texts.c.voice == voices.c.id, isouter=True)
        .where(voice_texts.c.id.is_(None))
    )
    # However long it takes: statements of a snapshot have no time-out.
    with database.snapshot() as connection:
        return [
            *(
                f"voice {voice} counts in another quota group than its account"
                for voice in connection.execute(strayed).scalars()
            ),
            *(
                f"quota group {group} lacks a limit"
                for group in connection.execute(unlimited).scalars()
            ),
            *(
                f"voice {voice} is not found by its words: voicereg edit --note mends it"
                for voice in connection.execute(unsearchable).scalars()
            ),
        ]
