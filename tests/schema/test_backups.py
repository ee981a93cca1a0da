"""A SQLite file is copied before it is upgraded, or not upgraded."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from tests.fakes import START, FakeClock
from tests.schema import frozen
from voicereg import DatabaseUnusable
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.backups import back_up
from voicereg.schema.revisions import HEAD, found_revision

OLD = "0001"
NAME = f"voices.db.{OLD}-{START:%Y%m%dT%H%M%SZ}.backup"


def _content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def _names(directory: Path) -> set[str]:
    return {found.name for found in directory.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the version before this one."""
    directory = tmp_path / "registry"
    directory.mkdir()
    frozen.load(f"sqlite:///{directory / 'voices.db'}", OLD)
    return directory / "voices.db"


@pytest.fixture
def database(path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{path}", clock=clock)
    yield opened
    opened.close()


def _refused(database: Database) -> str:
    """The refusal, after a check that nothing was changed or left."""
    assert database.path is not None
    before, names = _content(database.path), _names(database.path.parent)
    with pytest.raises(DatabaseUnusable) as caught:
        migrate.upgrade(database)
    assert _content(database.path) == before
    assert _names(database.path.parent) - names <= {
        f"{database.path.name}-{x}" for x in ("wal", "shm")
    }
    assert "nothing was changed" in str(caught.value)
    assert caught.value.advice is not None
    assert str(database.path.parent) in caught.value.advice
    return str(caught.value)


def test_the_copy_is_the_old_database(database: Database, path: Path) -> None:
    before = _content(path)

    assert migrate.upgrade(database) == (OLD, HEAD, path.with_name(NAME))

    assert _content(path.with_name(NAME)) == before
    assert _content(path) != before


def test_it_is_for_its_owner_alone_whatever_the_umask(database: Database, path: Path) -> None:
    path.chmod(0o644)
    umask = os.umask(0)
    try:
        copy = migrate.upgrade(database).backup
    finally:
        os.umask(umask)

    assert copy is not None
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_it_is_one_file_that_stands_alone(database: Database, path: Path) -> None:
    migrate.upgrade(database)
    database.close()

    assert _names(path.parent) == {"voices.db", NAME}


def test_the_copy_put_back_is_the_registry_as_it_was(database: Database, path: Path) -> None:
    before = frozen.rows(f"sqlite:///{path}")
    copy = migrate.upgrade(database).backup
    database.close()
    assert copy is not None

    shutil.copyfile(copy, path)

    assert frozen.rows(f"sqlite:///{path}") == before
    again = Database.open(f"sqlite:///{path}")
    assert found_revision(again) == OLD
    assert migrate.upgrade(again).before == OLD
    again.close()


def test_it_holds_what_is_not_in_the_main_file_yet(database: Database, path: Path) -> None:
    """What was committed last is beside it, in the log that SQLite writes ahead."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_autocheckpoint=0")
        other.execute("UPDATE voices SET note = 'written a moment ago'")
        other.commit()
        assert b"written a moment ago" not in path.read_bytes()

        copy = migrate.upgrade(database).backup

    assert copy is not None
    with closing(sqlite3.connect(copy)) as connection:
        notes = {note for (note,) in connection.execute("SELECT note FROM voices")}
    assert notes == {"written a moment ago"}


def test_one_who_reads_meanwhile_is_not_in_the_way(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN")
        (voices,) = other.execute("SELECT count(*) FROM voices").fetchone()

        assert migrate.upgrade(database).backup is not None

        assert other.execute("SELECT count(*) FROM voices").fetchone() == (voices,)
        assert "absences" not in {
            name for (name,) in other.execute("SELECT name FROM sqlite_master")
        }


def test_a_file_of_that_name_is_left_alone(database: Database, path: Path) -> None:
    path.with_name(NAME).write_text("mine")
    path.with_name(NAME.replace(".backup", "-2.backup")).symlink_to(path.with_name("elsewhere"))

    copy = migrate.upgrade(database).backup

    assert copy == path.with_name(NAME.replace(".backup", "-3.backup"))
    assert path.with_name(NAME).read_text() == "mine"
    assert not path.with_name("elsewhere").exists()


@pytest.mark.parametrize("name", ["voices 旁白 100%.db", "a?b#c.db", "-voices"])
def test_odd_names(tmp_path: Path, clock: FakeClock, name: str) -> None:
    path = tmp_path / "voices"
    frozen.load(f"sqlite:///{path}", OLD)
    opened = Database.open(f"sqlite:///{path}", clock=clock)
    opened.close()
    path.rename(tmp_path / name)
    database = Database.open(
        "sqlite:///" + str(tmp_path / name).replace("%", "%25").replace("?", "%3F"), clock=clock
    )
    assert database.path == tmp_path / name

    assert migrate.upgrade(database).backup == tmp_path / NAME.replace("voices.db", name)
    database.close()


def test_a_new_file_needs_none(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'new.db'}")

    assert migrate.upgrade(database) == (None, HEAD, None)
    assert migrate.upgrade(database) == (HEAD, HEAD, None)

    database.close()
    assert not list(tmp_path.glob("*.backup"))


def test_a_copy_outlives_an_upgrade_that_fails(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError

    before = _content(path)
    monkeypatch.setattr(command, "upgrade", broken)

    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(database)

    assert _content(path) == before
    assert _content(path.with_name(NAME)) == before


def test_a_copy_whose_name_would_be_too_long(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / ("v" * 240)
    frozen.load(f"sqlite:///{path}", OLD)
    database = Database.open(f"sqlite:///{path}", clock=clock)

    assert "File name too long" in _refused(database)
    database.close()


def test_a_copy_that_cannot_be_written(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refusing(path: Any, *given: Any) -> int:
        if str(path).endswith(".backup"):
            raise PermissionError(13, "Permission denied")
        return real(path, *given)

    monkeypatch.setattr(os, "open", refusing)

    assert "Permission denied" in _refused(database)


def test_one_who_keeps_the_file_to_himself(database: Database, path: Path) -> None:
    """Then sqlite3 alone would try for ever."""
    pooled = database._engine.raw_connection()
    pooled.cursor().execute("PRAGMA journal_mode=DELETE")
    pooled.cursor().execute("PRAGMA busy_timeout=0")
    pooled.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(DatabaseUnusable, match="holds the database"):
            back_up(database, OLD, START)

    assert not list(path.parent.glob("*.backup"))


_FULL = """
import resource, sys
from voicereg.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (2 ** 16, 2 ** 16))
sys.exit(run(sys.argv[1:]))
"""


def test_a_disk_that_becomes_full(path: Path) -> None:
    """Files may not grow beyond 64 KiB here: the copy is begun, and cannot be ended."""
    assert path.stat().st_size > 2**16
    before = _content(path)

    done = subprocess.run(
        [sys.executable, "-c", _FULL, "-d", str(path), "db", "upgrade"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "no backup could be made before the upgrade" in done.stderr
    assert "nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert _content(path) == before
    assert _names(path.parent) == {"voices.db"}
