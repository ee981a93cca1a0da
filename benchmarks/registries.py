"""Registries for benchmarks, filled directly."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.population import LIVE_PER_ACCOUNT, PER_ACCOUNT, batches, text_row
from voicereg.domain.families import Family
from voicereg.engine import Database
from voicereg.schema.migrate import upgrade
from voicereg.tables import (
    accounts,
    metadata,
    quota_groups,
    quota_limits,
    voice_tags,
    voice_texts,
    voices,
)

_START = datetime(2020, 1, 1, tzinfo=UTC)

_PROMPTS = (
    "A composed middle-aged male announcer with a deep, rich and magnetic voice.",
    "沉稳的中年男性播音员，嗓音低沉浑厚，富有磁性，语速平稳，吐字清晰。",
)


def fill(path: Path, count: int) -> None:
    """Set a SQLite registry up with ``count`` usable voices, half of each family, a tag each."""
    database = Database.open(f"sqlite:///{path}")
    upgrade(database)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with database.write() as connection:
        account = connection.execute(sa.select(accounts)).one()
        connection.execute(sa.update(quota_limits).values(slots=max(1000, count)))
        rows = []
        for number in range(count):
            cosyvoice = number % 2 == 0
            model = "cosyvoice-v3.5-plus" if cosyvoice else "qwen3-tts-vd-2026-01-26"
            created = start + timedelta(minutes=number)
            rows.append(
                {
                    "id": f"v{number:011d}",
                    "account_id": account.id,
                    "quota_group_id": account.quota_group_id,
                    "family": "cosyvoice" if cosyvoice else "qwen-tts",
                    "voice_id": f"{model}-vd-bench-{number:08d}",
                    "target_model": model,
                    "origin": "designed",
                    "state": "active",
                    "name": f"bench{number % 1000}",
                    "prompt": _PROMPTS[number % len(_PROMPTS)],
                    "preview_text": "Dear listeners, hello everyone.",
                    "sample_rate": 24000,
                    "response_format": "wav",
                    "created_at": created,
                    "deadline_at": created + timedelta(days=365),
                    "deadline_basis": "created",
                    "pinned": False,
                    "owner": "studio",
                    "updated_at": created,
                }
            )
        connection.execute(sa.insert(voices), rows)
        connection.execute(
            sa.insert(voice_tags),
            [{"voice": row["id"], "key": "use", "value": "news"} for row in rows],
        )
        connection.execute(sa.insert(voice_texts), [text_row(row) for row in rows])
    database.close()


def populate(
    url: str,
    count: int,
    *,
    accounts: int | None = None,
    live: int = LIVE_PER_ACCOUNT,
    seed: int = 0,
) -> None:
    """Set a registry up as it is after years, in flat memory; PostgreSQL or SQLite.

    Args:
        url: an empty database.
        count: how many voices.
        accounts: how many accounts share them; None: as many as their quotas need.
        live: how many of an account's voices are still there, where it has more than that.
        seed: of everything that is by chance.
    """
    database = Database.open(url)
    upgrade(database)
    wanted = accounts or max(1, round(count / PER_ACCOUNT))
    known = _add_accounts(database, wanted)
    with _without_index_of_words(database):
        for batch in batches(count, known, live=live, seed=seed):
            with database.write() as connection:
                for table, rows in vars(batch).items():
                    if rows:
                        connection.execute(sa.insert(metadata.tables[table]), rows)
    if not database.is_sqlite:
        # As a server does by itself; nobody does it for a file.
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


@contextmanager
def _without_index_of_words(database: Database) -> Iterator[None]:
    """While very many texts are added, and made of all of them afterwards: that is quicker."""
    if database.is_sqlite:
        kept = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'voice_texts'"
        drop = "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE tbl_name = 'voice_texts'"
        drop += " AND type = 'trigger'"
        refill = ["INSERT INTO voice_words (voice_words) VALUES ('rebuild')"]
    else:
        kept = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_voice_texts_grams'"
        drop = "SELECT 'DROP INDEX ix_voice_texts_grams'"
        refill = []
    with database.write() as connection:
        kept_statements = connection.exec_driver_sql(kept).scalars().all()
        for statement in connection.exec_driver_sql(drop).scalars().all():
            connection.exec_driver_sql(statement)
    yield
    with database.migrating() as connection:  # which may take longer than a statement should
        for statement in [*refill, *kept_statements]:
            connection.exec_driver_sql(statement)


def _add_accounts(database: Database, count: int) -> list[tuple[int, int, str]]:
    with database.write() as connection:
        for number in range(1, count):
            group = connection.execute(
                sa.insert(quota_groups)
                .values(name=f"account-{number:04}", created_at=_START)
                .returning(quota_groups.c.id)
            ).scalar_one()
            connection.execute(
                sa.insert(quota_limits),
                [
                    {
                        "quota_group_id": group,
                        "family": family,
                        "slots": 1_000,
                        "updated_at": _START,
                    }
                    for family in Family
                ],
            )
            connection.execute(
                sa.insert(accounts).values(
                    name=f"account-{number:04}",
                    region="cn-beijing",
                    api_key_env="DASHSCOPE_API_KEY",
                    quota_group_id=group,
                    created_at=_START,
                    updated_at=_START,
                )
            )
        query = sa.select(accounts.c.id, accounts.c.quota_group_id, accounts.c.name)
        return [(id_, group, name) for id_, group, name in connection.execute(query)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=populate.__doc__)
    parser.add_argument("url", help="an empty database")
    parser.add_argument("--voices", type=int, default=10_000)
    parser.add_argument("--accounts", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    populate(given.url, given.voices, accounts=given.accounts, seed=given.seed)
