"""PgBouncer in transaction mode: every kind of work, and exactly the limit."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Cli
from tests.cli.support import creating
from tests.postgresql.servers import OwnServer, PgBouncer, needs_pgbouncer, pgbouncer
from tests.processes.running import CONTEXT, running
from tests.processes.work import Place, design_one
from tests.schema.rows import add_voices
from voicereg.engine import Database
from voicereg.sandbox import Sandbox

pytestmark = needs_pgbouncer


@pytest.fixture(scope="module")
def bouncer(the_own_server: OwnServer) -> Iterator[PgBouncer]:
    if not the_own_server.is_running:
        the_own_server.start()
    with pgbouncer(the_own_server.port) as before_it:
        yield before_it


@pytest.fixture
def name(server: OwnServer, bouncer: PgBouncer) -> Iterator[str]:
    made = f"t{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {made}")
    yield made
    server.execute(f"DROP DATABASE {made} WITH (FORCE)")


def test_every_kind_of_work(start: Callable[[str], Cli], bouncer: PgBouncer, name: str) -> None:
    cli = start(bouncer.url(name))
    cli.done("db", "upgrade")
    made = cli.created()
    for words in (
        creating("cosyvoice"),
        ["list"],
        ["show", made],
        ["edit", made, "--tag", "team=news"],
        ["alias", "set", "narrator", made],
        ["use", made],
        ["quota"],
        ["expiring"],
        ["sync"],
        ["housekeeping", "run"],
        ["list", "--format", "jsonl"],
        ["db", "copy", "copy.db"],
        ["events"],
        ["doctor"],
        ["db", "check"],
        ["delete", made, "--force", "--yes"],
        ["db", "upgrade"],
    ):
        cli.done(*words)


def test_many_on_few_connections_leave_nothing_behind(bouncer: PgBouncer, name: str) -> None:
    """What one transaction sets, the next one on the same connection does not find."""
    databases = [Database.open(bouncer.url(name)) for _ in range(10)]
    for database in databases:
        with database.migrating() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (n int)")
        with database.write() as connection:
            for number in range(10):  # as often as would make a driver prepare a statement
                connection.execute(sa.text("INSERT INTO t VALUES (:n)"), {"n": number})
        with database.snapshot() as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == (
                "repeatable read"
            )
    plain = sa.create_engine(bouncer.url(name), poolclass=sa.pool.NullPool, isolation_level=None)
    with plain.connect() as connection:
        for setting, value in (
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
            ("default_transaction_isolation", "read committed"),
        ):
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == value
        for view in ("pg_prepared_statements", "pg_listening_channels()"):
            assert connection.exec_driver_sql(f"SELECT * FROM {view}").all() == []
        held = connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")
        assert held.all() == []
    plain.dispose()
    for database in databases:
        database.close()


def _create_at_once(server: OwnServer, bouncer: PgBouncer, sandbox: Sandbox, count: int) -> None:
    """So many processes create at 990 of 1,000."""
    made = f"t{uuid.uuid4().hex}"
    direct = Database.open(server.create(made))
    with direct.write() as connection:
        add_voices(connection, 990)
    direct.close()
    sandbox.fill("qwen-tts", 990)
    place = Place(bouncer.url(made), sandbox.base_url, sandbox.api_key)
    together = CONTEXT.Barrier(count)
    with running(design_one, place, together, count=count) as others:
        told = [other.hear() for other in others]
        assert [other.end() for other in others] == [0] * count

    assert Counter(how for how, _ in told) == {"made": 10, "refused": count - 10}, told
    assert {what for how, what in told if how == "refused"} == {"here"}
    with place.open() as registry:
        quota = registry.quota("qwen-tts")
        assert (quota.used, quota.creating, quota.unresolved) == (1000, 0, 0)
    assert len(sandbox.voices("qwen-tts")) == 1000
    server.execute(f"DROP DATABASE {made} WITH (FORCE)")


def test_exactly_the_limit(server: OwnServer, bouncer: PgBouncer, sandbox: Sandbox) -> None:
    _create_at_once(server, bouncer, sandbox, 12)


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(5))
def test_exactly_the_limit_for_32_processes(
    server: OwnServer, bouncer: PgBouncer, sandbox: Sandbox, turn: int
) -> None:
    _create_at_once(server, bouncer, sandbox, 32)
