"""Databases as released versions left them, kept as SQL: what users have, and bring up to date.

They are never changed, and never made again: a mistake in one is a mistake that users have. Each
holds the same three accounts (two share a quota group), voices in every state there was, and what
its revision brought. In 0002 these are syncs that were complete and that were not, absences, slots
that are unseen, refused and surplus, a voice of no known model, and an unresolved create that keeps
the end of its lease. It was 0001, upgraded, and then worked on. So was 0003 made of 0002: it has
aliases, one of them of a voice that is gone by now, uses by day and source, also of gone voices
and of voices on no record, last uses that moved deadlines, one of them corrected by hand, files
and writers of uses, and a surplus that a sync found. And 0004 of 0003: after rounds of
housekeeping over a year, by a schedule and by hand, none of which had keys, it has the steps'
failures, messages that were delivered, that failed and that nobody knows of, what channels were
told, and a round that was killed, with its lease and the schedule's. 0005 is 0004 upgraded: it has
the same rows, and their texts to be searched.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from voicereg.tables import BESIDE_TABLES

_HERE = Path(__file__).parent

RELEASED = ("0001", "0002", "0003", "0004", "0005")
"""The revisions that were released, and are not the newest."""


def load(url: str, revision: str) -> None:
    """Fill an empty database with what the version of that revision left."""
    if _is_sqlite(url):
        dump = (_HERE / f"{revision}.sqlite.sql").read_text(encoding="utf-8")
        path = _path(url)
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(dump)
        return
    dump = (_HERE / f"{revision}.postgresql.sql").read_text(encoding="utf-8")
    with psycopg.connect(_plain(url)) as connection:
        connection.execute(dump.encode())


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables but that of the revision, as the driver gives them.

    On SQLite, these are the very texts and numbers that are in the file.
    """
    if _is_sqlite(url):
        return _sqlite_rows(_path(url))
    with psycopg.connect(_plain(url)) as server:
        names = [
            name
            for (name,) in server.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        cursor = server.cursor(row_factory=psycopg.rows.dict_row)
        found = {}
        for name in names:
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
            found[name] = _in_order(cursor.fetchall())
    return _without_revision(found)


def _sqlite_rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row["name"].startswith(BESIDE_TABLES)
        ]
        return _without_revision(
            {
                name: _in_order(map(dict, connection.execute(f"SELECT * FROM {name}")))
                for name in names
            }
        )


def _in_order(found: Any) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: repr(sorted(row.items())))


def _without_revision(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: found[name] for name in sorted(found) if name != "alembic_version"}


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _path(url: str) -> Path:
    return Path(str(make_url(url).database))


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")
