"""Migrations up and down, empty and with data."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from tests.conftest import OpenRegistry
from tests.fakes import ANNOUNCER, NARRATOR, START
from tests.schema.rows import everything, voice_row
from voicereg import Registry, tables
from voicereg.domain.families import Family
from voicereg.domain.states import State
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision

BEFORE = dict(zip(REVISIONS, ("base", *REVISIONS), strict=False))


def _fill(registry: Registry, database: Database) -> None:
    """Rows in every table: the usual ones by the registry, the rest by hand."""
    registry.accounts.add(
        "studio",
        region="ap-southeast-1",
        workspace="w1",
        base_url=None,
        api_key_env="STUDIO_KEY",
        quota_group=None,
        limits={Family.QWEN_TTS: 5},
        unchecked=False,
    )
    first = registry.design(**NARRATOR, tags={"team": "news"})
    registry.design(**ANNOUNCER, note="旁白", pin=True)
    with database.write() as connection:
        for state in State:
            connection.execute(
                sa.insert(tables.voices).values(
                    **voice_row(
                        id=f"by-hand-{state}",
                        voice_id=f"id-{state}",
                        state=state,
                        replaces=first.id,
                    )
                )
            )
        connection.execute(
            sa.insert(tables.sync_states).values(
                account_id=1, family=Family.QWEN_TTS, tried_at=START, problem="no answer"
            )
        )
        connection.execute(
            sa.insert(tables.absences).values(voice=first.id, since=START, listings=1)
        )
        uses = {"day": START.date(), "source": "reader.py", "uses": 2}
        for table, row in (
            (
                tables.aliases,
                {"account_id": 1, "name": "anchor", "voice": first.id, "updated_at": START},
            ),
            (tables.voice_uses, {"voice": first.id, **uses}),
            (tables.unclaimed_uses, {"voice_id": "unknown", "last_used_at": START, **uses}),
            (tables.use_writers, {"writer": "host:1:a", "batch": 1, "written_at": START}),
            (tables.use_files, {"digest": "00", "size_bytes": 1, "read_at": START}),
            (
                tables.leases,
                {
                    "name": "round",
                    "token": "t",
                    "holder": "lin@studio-1",
                    "taken_at": START,
                    "expires_at": START,
                },
            ),
            (tables.rounds, {"holder": "lin@studio-1", "started_at": START}),
            (
                tables.step_states,
                {"name": "sync", "account": "default", "tried_at": START, "error": "no answer"},
            ),
            (
                tables.warnings,
                {
                    "channel": "mail",
                    "account_id": 1,
                    "kind": "deadline",
                    "key": first.id,
                    "grade": 30,
                    "told_at": START,
                },
            ),
            (
                tables.messages,
                {"id": "m1", "channel": "mail", "made_at": START, "items": [{"key": first.id}]},
            ),
        ):
            connection.execute(sa.insert(table).values(**row))
        rows = everything(connection)
    assert all(rows.values()), "every table must hold something"


def _tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_default_account_is_there(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    assert migrate.upgrade(database) == (None, HEAD, None)
    with database.read() as connection:
        account = connection.execute(
            sa.select(
                tables.accounts.c.name,
                tables.accounts.c.region,
                tables.accounts.c.workspace,
                tables.accounts.c.base_url,
                tables.accounts.c.api_key_env,
                tables.quota_groups.c.name,
            ).join(tables.quota_groups)
        ).one()
        limits = connection.execute(
            sa.select(tables.quota_limits.c.family, tables.quota_limits.c.slots)
        ).all()
        made_at = connection.execute(sa.select(tables.accounts.c.created_at)).scalar_one()

    assert tuple(account) == ("default", "cn-beijing", None, None, "DASHSCOPE_API_KEY", "default")
    assert {tuple(limit) for limit in limits} == {("cosyvoice", 1000), ("qwen-tts", 1000)}
    assert made_at.utcoffset() is not None
    database.close()


def test_a_second_upgrade_does_nothing(open_registry: OpenRegistry, database_url: str) -> None:
    database = Database.open(database_url)
    _fill(open_registry(), database)
    with database.read() as connection:
        before = everything(connection)

    assert migrate.upgrade(database) == (HEAD, HEAD, None)

    with database.read() as connection:
        assert everything(connection) == before
    database.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_migration_goes_up_and_down(empty_database_url: str, revision: str) -> None:
    database = Database.open(empty_database_url)
    if BEFORE[revision] != "base":
        migrate.upgrade(database, BEFORE[revision])
    before = _tables(database) - {"alembic_version"}

    migrate.upgrade(database, revision)
    assert found_revision(database) == revision
    made = _tables(database)
    migrate.downgrade(database, BEFORE[revision])
    assert _tables(database) - {"alembic_version"} == before
    migrate.upgrade(database, revision)

    assert _tables(database) == made
    assert found_revision(database) == revision
    database.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_migration_goes_down_and_up_with_data(
    open_registry: OpenRegistry, database_url: str, revision: str
) -> None:
    database = Database.open(database_url)
    _fill(open_registry(), database)
    with database.read() as connection:
        voices = connection.execute(sa.select(sa.func.count()).select_from(tables.voices)).scalar()

    migrate.downgrade(database, BEFORE[revision])
    migrate.upgrade(database)

    assert found_revision(database) == HEAD
    assert migrate.differences(database) == []
    with database.read() as connection:
        left = connection.execute(sa.select(sa.func.count()).select_from(tables.voices)).scalar()
        names = connection.execute(sa.select(tables.accounts.c.name)).scalars().all()
    assert left == (0 if BEFORE[revision] == "base" else voices)
    assert "default" in names
    database.close()


def test_a_database_taken_down_to_nothing_can_be_set_up_again(
    empty_database_url: str,
) -> None:
    database = Database.open(empty_database_url)
    migrate.upgrade(database)
    migrate.downgrade(database, "base")
    assert found_revision(database) is None

    assert migrate.upgrade(database) == (None, HEAD, None)
    assert migrate.differences(database) == []
    database.close()


def test_an_upgrade_that_fails_leaves_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of an upgrade is one transaction, on SQLite too."""
    upgrade = command.upgrade

    def broken(*given: Any) -> None:
        upgrade(*given)
        raise ZeroDivisionError

    monkeypatch.setattr(command, "upgrade", broken)
    database = Database.open(empty_database_url)

    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(database)

    assert _tables(database) == set()
    database.close()
