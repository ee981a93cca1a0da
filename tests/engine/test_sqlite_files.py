"""SQLite: the pragmas of every connection, and who may read the files."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fakes import FakeClock
from voicereg import DatabaseBusy, Registry, Settings
from voicereg.engine import Database


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """The most open one there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def _pragmas(connection: sa.Connection) -> dict[str, object]:
    names = ("foreign_keys", "journal_mode", "synchronous")
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}


IN_FORCE = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2}


def test_the_pragmas_are_in_force_on_every_connection(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'voicereg.db'}")
    with ExitStack() as opened:
        for _ in range(7):  # more than the pool keeps
            assert _pragmas(opened.enter_context(database.read())) == IN_FORCE
    with database.write() as connection:
        assert _pragmas(connection) == IN_FORCE
    with database.migrating() as connection:
        assert _pragmas(connection) == IN_FORCE | {"foreign_keys": 0}
    with database.write() as connection:
        assert _pragmas(connection) == IN_FORCE, "after a migration, too"
    database.close()


def test_the_pragmas_are_in_force_in_other_threads(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'voicereg.db'}")
    seen: list[dict[str, object]] = []

    def look() -> None:
        with database.read() as connection:
            seen.append(_pragmas(connection))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)

    assert seen == [IN_FORCE]
    database.close()


@pytest.mark.usefixtures("usual_umask")
def test_what_is_made_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "made" / "voicereg.db"
    with Registry.open(str(path), settings=Settings()) as registry:
        assert registry.voices() == []
        database = Database.open(f"sqlite:///{path}")
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE more (id INTEGER)")
            modes = {
                found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()
            }
        database.close()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(("voicereg.db", "voicereg.db-wal", "voicereg.db-shm"), 0o600)


@pytest.mark.usefixtures("usual_umask")
def test_what_was_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "shared" / "voicereg.db"
    path.parent.mkdir(mode=0o750)
    path.touch(mode=0o640)

    Database.open(f"sqlite:///{path}").close()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["with space.db", "百分 %20.db", "what?.db", "a#b.db", "'q'.db"])
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    with Registry.open(str(tmp_path / name), settings=Settings()) as registry:
        assert registry.voices() == []

    assert [found.name for found in tmp_path.glob("*.db")] == [name]


def test_a_relative_path_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database.open("sqlite:///voicereg.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE here (id INTEGER)")

    database.close()
    assert (tmp_path / "voicereg.db").stat().st_size > 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_new_file_that_another_program_writes_is_waited_for(tmp_path: Path) -> None:
    """SQLite's own time-out does not cover the switch to WAL mode."""
    path = tmp_path / "voicereg.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[timedelta] = []

    def sleep(duration: timedelta) -> None:
        waits.append(duration)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    database = Database.open(f"sqlite:///{path}", sleep=sleep)
    with database.read() as connection:
        assert _pragmas(connection) == IN_FORCE

    assert len(waits) == 3
    database.close()
    other.close()


def test_a_new_file_is_not_waited_for_without_end(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "voicereg.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database.open(f"sqlite:///{path}", clock=clock, sleep=clock.sleep)

    with pytest.raises(DatabaseBusy), database.read():
        pass

    assert sum(clock.slept, timedelta(0)) >= timedelta(seconds=30)
    database.close()
    other.close()
