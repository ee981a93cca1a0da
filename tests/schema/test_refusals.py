"""Databases of another version, or of another program, are refused and left as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from voicereg import Registry, SchemaMismatch, Settings
from voicereg.engine import Database
from voicereg.schema import migrate, revisions
from voicereg.schema.revisions import HEAD, found_revision


def _run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _state(url: str) -> Any:
    """All that a refusal might change: the bytes of a file, the tables and rows of a server."""
    if url.startswith("sqlite"):
        return Path(str(make_url(url).database)).read_bytes()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1".encode()).fetchall()
            for (name,) in names
        }


def _open(url: str) -> None:
    Registry.open(url, settings=Settings()).close()


def _upgrade(url: str) -> None:
    database = Database.open(url)
    try:
        migrate.upgrade(database)
    finally:
        database.close()


def _refused(url: str, attempt: Callable[[str], None]) -> SchemaMismatch:
    """The refusal, after a check that it changed nothing."""
    before = _state(url)
    with pytest.raises(SchemaMismatch) as caught:
        attempt(url)
    assert _state(url) == before
    assert "nothing was changed" in str(caught.value)
    assert caught.value.expected == revisions.HEAD
    assert revisions.HEAD in str(caught.value)
    return caught.value


@pytest.mark.parametrize("attempt", [_open, _upgrade])
@pytest.mark.parametrize("revision", ["9999", "a1b2c3d4e5f6"])
def test_a_newer_database_is_refused(
    database_url: str, revision: str, attempt: Callable[[str], None]
) -> None:
    _run(database_url, f"UPDATE alembic_version SET version_num = '{revision}'")

    refusal = _refused(database_url, attempt)

    assert refusal.found == revision
    assert revision in str(refusal)
    assert "newer" in str(refusal)
    assert refusal.advice == "update this program with: pip install --upgrade voicereg"


def test_an_older_database_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "REVISIONS", (HEAD, "later"))
    monkeypatch.setattr(revisions, "HEAD", "later")

    refusal = _refused(database_url, _open)

    assert refusal.found == HEAD
    assert HEAD in str(refusal)
    assert "older" in str(refusal)
    assert refusal.advice == "bring it up to date with: voicereg db upgrade"


def test_a_database_of_a_released_version_is_refused(released_url: str, released: str) -> None:
    refusal = _refused(released_url, _open)

    assert refusal.found == released
    assert f"its schema is {released}" in str(refusal)
    assert f"needs {HEAD}" in str(refusal)
    assert refusal.advice == "bring it up to date with: voicereg db upgrade"


@pytest.mark.parametrize("attempt", [_open, _upgrade])
def test_tables_of_another_program_are_refused(
    empty_database_url: str, attempt: Callable[[str], None]
) -> None:
    _run(empty_database_url, "CREATE TABLE guests (name TEXT)", "INSERT INTO guests VALUES ('x')")

    refusal = _refused(empty_database_url, attempt)

    assert refusal.found is None
    assert "not voicereg's" in str(refusal)
    assert refusal.advice is not None
    assert "--database" in refusal.advice


@pytest.mark.parametrize("attempt", [_open, _upgrade])
@pytest.mark.parametrize("revision", [HEAD, "ae10"])
def test_a_database_that_another_program_migrates_is_refused(
    empty_database_url: str, revision: str, attempt: Callable[[str], None]
) -> None:
    """Alembic serves many programs, and many of them name their first revision 0001."""
    _run(
        empty_database_url,
        "CREATE TABLE guests (name TEXT)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        f"INSERT INTO alembic_version VALUES ('{revision}')",
    )

    assert "not voicereg's" in str(_refused(empty_database_url, attempt))


def test_an_empty_postgresql_database_asks_for_an_upgrade(
    empty_database_url: str, backend: str
) -> None:
    if backend == "sqlite":
        _open(empty_database_url)
        database = Database.open(empty_database_url)
        assert found_revision(database) == HEAD
        assert migrate.differences(database) == []
        database.close()
        return
    refusal = _refused(empty_database_url, _open)

    assert refusal.found is None
    assert "is empty" in str(refusal)
    assert refusal.advice == "set it up with: voicereg db upgrade"


def test_another_programs_file_keeps_its_journal_mode(tmp_path: Path) -> None:
    """The mode is written into the file, and outlasts the connection."""
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE guests (name TEXT)")
    other.commit()
    other.close()

    _refused(f"sqlite:///{path}", _open)

    assert {found.name for found in tmp_path.glob("other.db*")} == {"other.db"}
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()
