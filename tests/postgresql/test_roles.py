"""The documented roles: one that migrates, one that works and can do no more than that."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, creating
from tests.postgresql.servers import OwnServer
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD, REVISIONS

ROLES = Path(__file__).parents[2] / "contrib/postgresql/roles.sql"


@pytest.fixture
def name(server: OwnServer) -> Iterator[str]:
    made = f"t{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {made}")
    server.execute(ROLES.read_text(), made)
    yield made
    server.execute(f"DROP DATABASE {made} WITH (FORCE)")
    server.execute("DROP ROLE voicereg_owner")
    server.execute("DROP ROLE voicereg_worker")


def test_one_migrates_and_one_works(
    start: Callable[[str], Cli], server: OwnServer, name: str
) -> None:
    owner, worker = (server.url(name, user=f"voicereg_{role}") for role in ("owner", "worker"))
    cli = start(worker)
    assert_refused(
        cli("db", "upgrade"),
        1,
        "permission denied for schema public",
        "let the owner of the tables",
    )
    # The worker begins with an older schema: what comes later needs no grant.
    database = Database.open(owner)
    migrate.upgrade(database, REVISIONS[0])
    database.close()
    assert_refused(cli("list"), 1, REVISIONS[0], "db upgrade")
    assert_refused(cli("db", "upgrade"), 1, "must be owner of table", "let the owner of the tables")
    assert REVISIONS[0] in cli.done("db", "current").out
    cli.done("-d", owner, "db", "upgrade")
    assert HEAD in cli.done("db", "current").out

    made = cli.created("qwen-tts", "--preview", "voice.wav")
    for words in (
        creating("cosyvoice"),
        ["edit", made, "--tag", "team=news", "--note", "for the news"],
        ["list", "--search", "warm"],
        ["list", "--search", "wa"],
        ["show", made],
        ["alias", "set", "narrator", made],
        ["alias", "list"],
        ["alias", "remove", "narrator"],
        ["use", made],
        ["use", made, "--at", "2026-01-01T00:00:00Z", "--correct"],
        ["account", "add", "other", "--region", "cn-beijing", "--api-key-env", "OTHER_KEY"],
        ["account", "edit", "other", "--limit", "qwen-tts=10"],
        ["account", "remove", "other"],
        ["quota"],
        ["expiring"],
        ["sync"],
        ["housekeeping", "run"],
        ["housekeeping", "status"],
        ["events"],
        ["preview", made, "-o", "again.wav"],
        ["synthesize", made, "Hello.", "-o", "hello.wav"],
        ["doctor"],
        ["db", "check"],
        ["db", "copy", "copy.db"],
        ["delete", made, "--force", "--yes"],
    ):
        cli.done(*words)


def test_the_worker_changes_no_table(server: OwnServer, name: str) -> None:
    database = Database.open(server.url(name, user="voicereg_owner"))
    migrate.upgrade(database)
    database.close()

    with psycopg.connect(server.url(name, user="voicereg_worker"), autocommit=True) as worker:
        for statement in (
            "DROP TABLE events",
            "TRUNCATE events",
            "ALTER TABLE voices ADD COLUMN colour text",
            "CREATE TABLE mine (id int)",
            "CREATE INDEX mine ON voices (name)",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION voicereg_grams",
            "ALTER TABLE voices OWNER TO voicereg_worker",
            "GRANT SELECT ON voices TO PUBLIC",
            "SET ROLE voicereg_owner",
        ):
            try:
                worker.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            # A grant of what one has not to give is a warning only.
            assert statement.startswith("GRANT"), statement
        told = worker.execute("SELECT has_table_privilege('public', 'voices', 'SELECT')")
        assert told.fetchone() == (False,)
