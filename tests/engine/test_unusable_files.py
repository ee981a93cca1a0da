"""SQLite files that cannot be used: every one is told apart, and none is harmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.databases import SqliteTemplate
from tests.schema.rows import add_voices
from voicereg import DatabaseUnusable, Registry, Settings
from voicereg.engine import Database
from voicereg.tables import voice_previews, voices


def _open(path: Path) -> None:
    Registry.open(str(path), settings=Settings()).close()


def _list(path: Path) -> None:
    with Registry.open(str(path), settings=Settings()) as registry:
        registry.voices()


def _refusal(path: Path) -> DatabaseUnusable:
    with pytest.raises(DatabaseUnusable) as caught:
        _open(path)
    assert str(path) in str(caught.value)
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 2\x00" * 64])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    refusal = _refusal(path)

    assert refusal.advice == "it is not a SQLite file: give another with --database"
    assert path.read_bytes() == content


def test_a_damaged_file(tmp_path: Path, sqlite_template: SqliteTemplate) -> None:
    path = tmp_path / "voicereg.db"
    database = Database.open(sqlite_template.copy_to(path))
    with database.write() as connection:
        add_voices(connection, 500)
    database.close()
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    for start in range(page, len(content), page):  # all but the schema's first page
        content[start : start + 100] = b"\xff" * 100
    path.write_bytes(content)

    with pytest.raises(DatabaseUnusable) as caught:
        _list(path)

    assert "malformed" in str(caught.value)
    assert caught.value.advice == "it is damaged: put a backup in its place"


def _directory(path: Path) -> Path:
    path.mkdir()
    return path


def _below_a_file(path: Path) -> Path:
    path.write_text("a file")
    return path / "voicereg.db"


def _far_below_a_file(path: Path) -> Path:
    path.write_text("a file")
    return path / "deep" / "voicereg.db"


def _not_to_be_made(path: Path) -> Path:
    """Where nobody can make anything, not even root."""
    return Path("/proc/voicereg/voicereg.db")


@pytest.mark.parametrize("place", [_directory, _below_a_file, _far_below_a_file, _not_to_be_made])
def test_a_place_where_no_file_can_be(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    refusal = _refusal(place(tmp_path / "taken"))

    assert refusal.advice is not None
    assert "readable and writable" in refusal.advice


def test_a_path_with_a_null_byte() -> None:
    with pytest.raises(DatabaseUnusable):
        Database.open("sqlite:////tmp/a%00b.db")


def test_a_full_disk(tmp_path: Path, sqlite_template: SqliteTemplate) -> None:
    database = Database.open(sqlite_template.copy_to(tmp_path / "voicereg.db"))

    def fill() -> None:
        with database.write() as connection:
            fill_up(connection)

    def fill_up(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        add_voices(connection, 1)
        connection.execute(
            sa.insert(voice_previews).values(
                voice="filled000000",
                data=b"\x00" * 1_000_000,
                response_format="wav",
                kept_at=sa.select(voices.c.created_at).scalar_subquery(),
            )
        )

    with pytest.raises(DatabaseUnusable) as caught:
        fill()

    assert "full" in str(caught.value)
    assert caught.value.advice == "the disk is full: make room"
    with database.read() as connection:
        assert connection.execute(sa.select(voices.c.id)).all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    database.close()


def test_a_file_that_cannot_be_written(tmp_path: Path, sqlite_template: SqliteTemplate) -> None:
    database = Database.open(sqlite_template.copy_to(tmp_path / "voicereg.db"))
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")

    with pytest.raises(DatabaseUnusable) as caught, database.write() as connection:
        add_voices(connection, 1)

    assert caught.value.advice == "make the file and its directory writable"
    database.close()


def test_the_cause_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database, " * 100)

    cause = _refusal(path).__cause__

    assert isinstance(cause, sa.exc.DatabaseError)
    assert isinstance(cause.orig, sqlite3.DatabaseError)
