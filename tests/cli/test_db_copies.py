"""``voicereg db copy`` and ``voicereg db backup``."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, content
from tests.databases import PostgresServer
from voicereg.schema.revisions import HEAD

SECRET = "not-to-be-shown"


@pytest.fixture
def empty(postgresql: PostgresServer) -> Callable[[], str]:
    return lambda: postgresql.create(migrated=False)


def test_to_postgresql_and_back(
    cli: Cli, start: Callable[[str], Cli], empty: Callable[[], str]
) -> None:
    voice = cli.created("qwen-tts", "--tag", "团队=新闻", "--note", "主播")
    cli.done("alias", "set", "anchor", voice)
    cli.done("use", voice, "--source", "reader")
    before = cli.content()
    url = empty()

    copied = cli.done("db", "copy", url)
    there = start(url)
    back = there.done("db", "copy", "back.db", "--json").json()

    assert "holds the same" in copied.err
    assert "1 voice," in copied.err
    assert "VOICEREG_DATABASE" in copied.err
    assert content(url) == before
    assert back["rows"]["voices"] == 1
    assert back["resumed"] is False
    assert start("sqlite:///back.db").done("show", "anchor", "--json").json()["id"] == voice
    assert content("sqlite:///back.db") == before
    assert stat.S_IMODE(Path("back.db").stat().st_mode) == 0o600
    assert there.done("list", "--search", "主播", "--json").json()[0]["id"] == voice
    there.created()


def test_nothing_is_copied_over_a_registry(cli: Cli, tmp_path: Path) -> None:
    cli.created()
    cli.done("db", "copy", "other.db")

    again = cli("db", "copy", "other.db")
    itself = cli("db", "copy", cli.database)

    assert_refused(again, 1, "is not copied", "a registry already", "give an empty database")
    assert_refused(itself, 1, "a registry already")


def test_no_command_works_on_what_is_not_complete(cli: Cli, start: Callable[[str], Cli]) -> None:
    cli.done("db", "copy", "other.db")
    with closing(sqlite3.connect("other.db")) as connection, connection:
        connection.execute(f"UPDATE alembic_version SET version_num = 'copy {HEAD} 0123456789ab'")
    other = start("sqlite:///other.db")

    for words in (["list"], ["db", "upgrade"], ["db", "copy", "third.db"]):
        assert_refused(other(*words), 1, "an unfinished copy", "voicereg db copy")
    assert other.done("db", "current", "--json").json()["needed"] == HEAD


def test_a_password_is_not_shown(cli: Cli) -> None:
    refused = cli("db", "copy", f"postgresql://worker:{SECRET}@127.0.0.1:1/registry")

    assert refused.code == 1
    assert "127.0.0.1" in refused.err
    assert SECRET not in refused.err + refused.out


@pytest.mark.parametrize("url", ["", "mysql://host/name", "postgresql://host:x/name"])
def test_a_url_that_is_none(cli: Cli, url: str) -> None:
    refused = cli("db", "copy", url)

    assert refused.code in {1, 2}
    assert refused.err.startswith(("voicereg: ", "Usage: "))
    assert list(Path().iterdir()) == []


def test_a_backup_stands_beside_the_database(cli: Cli) -> None:
    cli.created()
    before = cli.content()

    told = cli.done("db", "backup", "--json").json()

    backup = Path(told["backup"])
    assert backup.name.startswith("voicereg.db.")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert content(f"sqlite:///{backup}") == before
    assert str(backup) not in (cli.done("db", "backup", "named.db").err)


def test_a_backup_of_a_database_that_is_used(cli: Cli) -> None:
    """Whole, at some moment: each transaction is in it or is not."""
    path = cli.database.removeprefix("sqlite:///")
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE pairs (number INTEGER)")
            number = 0
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pairs VALUES (?)", (number,))
                connection.execute("INSERT INTO pairs VALUES (?)", (number,))
                connection.execute("COMMIT")
                number += 1
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        for number in range(5):
            cli.done("db", "backup", f"{number}.db")
    finally:
        stop.set()
        writer.join()

    for number in range(5):
        with closing(sqlite3.connect(f"{number}.db")) as connection:
            odd = connection.execute(
                "SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2"
            ).fetchall()
            assert odd == []
            assert connection.execute("SELECT count(*) FROM pairs").fetchone() > (0,)


def test_a_backup_overwrites_nothing(cli: Cli) -> None:
    Path("mine.db").write_text("mine")

    refused = cli("db", "backup", "mine.db")

    assert_refused(refused, 1, "no backup was made", "such a file already", "another name")
    assert Path("mine.db").read_text() == "mine"


def test_a_backup_that_cannot_be_made_leaves_nothing(cli: Cli) -> None:
    Path("file").write_text("")

    refused = cli("db", "backup", "file/backup.db")

    assert_refused(refused, 1, "no backup was made")
    assert sorted(path.name for path in Path().iterdir()) == ["file"]


def test_a_damaged_file_gives_no_backup(cli: Cli) -> None:
    for _ in range(3):
        cli.created()
    path = Path(cli.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'voices'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096 + 100)
        file.write(b"\xff" * 3900)

    refused = cli("db", "backup", "backup.db")

    assert refused.code == 1
    assert not Path("backup.db").exists()


def test_an_empty_file_has_nothing_to_back_up(start: Callable[[str], Cli], tmp_path: Path) -> None:
    refused = start(f"sqlite:///{tmp_path / 'new.db'}")("db", "backup", "backup.db")

    assert_refused(refused, 1, "is empty")
    assert not Path("backup.db").exists()


def test_postgresql_has_its_own_backups(
    start: Callable[[str], Cli], postgresql: PostgresServer
) -> None:
    url = postgresql.create(migrated=True)

    refused = start(url)("db", "backup")

    assert refused.code == 2
    assert "pg_dump" in refused.err
    assert "voicereg db copy" in refused.err
