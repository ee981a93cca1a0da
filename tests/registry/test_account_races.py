"""A create that waits while its account is moved to another quota group counts in the new one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import OpenRegistry
from tests.fakes import NARRATOR
from voicereg import Family, Registry
from voicereg.tables import accounts, quota_groups, quota_limits, voices


@pytest.mark.parametrize("limit", [0, 5])
def test_a_create_counts_where_its_account_was_moved_meanwhile(
    registry: Registry, open_registry: OpenRegistry, database_url: str, limit: int, tmp_path: Path
) -> None:
    engine = sa.create_engine(database_url, poolclass=sa.pool.NullPool)
    outcome: list[object] = []

    def reserve() -> None:
        try:
            outcome.append(open_registry().reserve(**NARRATOR))
        except Exception as error:  # noqa: BLE001 - it is looked at below
            outcome.append(type(error).__name__)

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        account = connection.execute(sa.select(accounts).with_for_update()).one()
        waiting = threading.Thread(target=reserve)
        waiting.start()
        if engine.dialect.name == "postgresql":
            while not connection.exec_driver_sql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            ).first():
                waiting.join(0.01)
                # What a backend waits for is a snapshot of its own, kept for the transaction.
                connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        now = account.created_at
        group: int = connection.execute(
            sa.insert(quota_groups).values(name="other", created_at=now).returning(sa.column("id"))
        ).scalar_one()
        connection.execute(
            sa.insert(quota_limits),
            [
                {"quota_group_id": group, "family": family, "slots": limit, "updated_at": now}
                for family in Family
            ],
        )
        connection.execute(sa.update(accounts).values(quota_group_id=group))
        connection.commit()
    waiting.join()
    if limit == 0:
        assert outcome == ["QuotaExceeded"]
        return
    with engine.connect() as connection:
        assert connection.execute(sa.select(voices.c.quota_group_id)).scalars().all() == [group]
    assert registry.quota("qwen-tts").used == 1
