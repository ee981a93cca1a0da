"""Two upgrades at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from tests.schema import frozen
from voicereg import tables
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD, found_revision

LONG = 60


def _accounts(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.accounts.c.name)).scalars())


def test_the_second_waits_for_the_first(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade
    inside, asked, begun, go = (threading.Event() for _ in range(4))
    order: list[str] = []
    first, second = (Database.open(empty_database_url) for _ in range(2))
    with second.read():  # connected, so that what follows is the lock alone
        pass

    def noted(*given: Any) -> None:
        who = threading.current_thread().name
        order.append(f"{who} begins")
        if who == "second":
            begun.set()
        upgrade(*given)
        if who == "first":
            inside.set()
            assert go.wait(LONG)
        order.append(f"{who} ends")

    def before_cursor(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if threading.current_thread().name == "second" and (
            statement.startswith("BEGIN EXCLUSIVE") or "pg_advisory" in statement
        ):
            asked.set()

    monkeypatch.setattr(command, "upgrade", noted)
    # The lock of the process would hide that of the database, which other hosts meet alone.
    monkeypatch.setattr(migrate, "_ALEMBIC", nullcontext())
    sa.event.listen(sa.Engine, "before_cursor_execute", before_cursor)
    results: dict[str, Any] = {}

    def run(name: str, database: Database) -> None:
        results[name] = migrate.upgrade(database)

    threads = [
        threading.Thread(target=run, args=("first", first), name="first"),
        threading.Thread(target=run, args=("second", second), name="second"),
    ]
    try:
        threads[0].start()
        assert inside.wait(LONG)
        threads[1].start()
        assert asked.wait(LONG)
        assert not begun.wait(0.3), "the second did not wait"
    finally:
        go.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(LONG)
        sa.event.remove(sa.Engine, "before_cursor_execute", before_cursor)

    assert order == ["first begins", "first ends", "second begins", "second ends"]
    assert results == {"first": (None, HEAD, None), "second": (HEAD, HEAD, None)}
    assert _accounts(first) == ["default"]
    first.close()
    second.close()


def test_many_at_once_on_one_empty_database(empty_database_url: str) -> None:
    databases = [Database.open(empty_database_url) for _ in range(4)]
    together = threading.Barrier(len(databases))

    def run(database: Database) -> migrate.Upgrade:
        together.wait(LONG)
        return migrate.upgrade(database)

    with ThreadPoolExecutor(len(databases)) as pool:
        results = list(pool.map(run, databases))

    assert sorted(results, key=repr) == [(HEAD, HEAD, None)] * 3 + [(None, HEAD, None)]
    assert _accounts(databases[0]) == ["default"]
    assert migrate.differences(databases[0]) == []
    for database in databases:
        database.close()


def test_many_at_once_on_one_database_of_a_released_version(
    released_url: str, released: str, backend: str
) -> None:
    before = frozen.rows(released_url)
    databases = [Database.open(released_url) for _ in range(4)]
    together = threading.Barrier(len(databases))

    def run(database: Database) -> migrate.Upgrade:
        together.wait(LONG)
        return migrate.upgrade(database)

    with ThreadPoolExecutor(len(databases)) as pool:
        first, *others = sorted(pool.map(run, databases), key=lambda done: str(done.before))

    assert (first.before, first.after) == (released, HEAD)
    assert others == [(HEAD, HEAD, None)] * 3
    assert migrate.differences(databases[0]) == []
    after = frozen.rows(released_url)
    assert {name: len(after[name]) for name in before} == {
        name: len(held) for name, held in before.items()
    }
    if backend == "sqlite":
        assert first.backup is not None
        assert frozen.rows(f"sqlite:///{first.backup}") == before
        assert list(first.backup.parent.glob("*.backup")) == [first.backup]
    else:
        assert first.backup is None
    for database in databases:
        database.close()


def test_different_databases_at_once_in_one_process(tmp_path: Path) -> None:
    """The migration tool keeps what it works on in global variables."""
    databases = [Database.open(f"sqlite:///{tmp_path / f'{number}.db'}") for number in range(6)]
    together = threading.Barrier(len(databases))

    def run(database: Database) -> migrate.Upgrade:
        together.wait(LONG)
        return migrate.upgrade(database)

    with ThreadPoolExecutor(len(databases)) as pool:
        results = list(pool.map(run, databases))

    assert results == [(None, HEAD, None)] * len(databases)
    for database in databases:
        assert found_revision(database) == HEAD
        assert _accounts(database) == ["default"]
        database.close()
