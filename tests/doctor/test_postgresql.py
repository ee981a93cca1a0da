"""A PostgreSQL registry that cannot be reached, or not be worked on."""

from __future__ import annotations

import fcntl
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.databases import PostgresServer
from tests.doctor.support import KEY, Patient
from tests.engine.waiting import LONG
from tests.schema import frozen


@pytest.fixture(autouse=True)
def _schema_not_compared() -> None:
    """Here it is."""


@pytest.fixture
def role(postgresql: PostgresServer) -> Iterator[str]:
    """A user who may connect, and nothing else; asked for before the database that it gets into."""
    name = f"r{secrets.token_hex(8)}"
    postgresql.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{KEY}'")
    yield name
    postgresql.execute(f"DROP ROLE {name}")


def at(url: str, **parts: str) -> str:
    """A URL with other parts."""
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_all_is_well(shared_patient: Patient) -> None:
    report = shared_patient.examine()

    assert report.loud == []
    assert "answers: PostgreSQL " in report.ok("database.reach").what
    assert "may read and write" in report.ok("database.rights").what
    assert report.skipped("database.file").what == "the database is no SQLite file"
    assert "agrees with the database's" in report.ok("clock.server").what


def test_a_server_that_is_down(admit: Callable[[str], Patient]) -> None:
    url = f"postgresql://me:{KEY}@127.0.0.1:{unused_port()}/voicereg"

    found = admit(url).examine().wrong("database.reach")

    assert "postgresql://me:***@127.0.0.1" in found.what
    assert "start the server, or correct the host and port" in (found.advice or "")


def test_a_server_that_does_not_answer(admit: Callable[[str], Patient]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://me:{KEY}@127.0.0.1:{silent.getsockname()[1]}/v?connect_timeout=2"

        found = admit(url).examine().wrong("database.reach")

    assert "a firewall lets this machine through" in (found.advice or "")


def test_a_socket_that_is_not_there(admit: Callable[[str], Patient], tmp_path: Path) -> None:
    found = admit(f"postgresql:///voicereg?host={tmp_path}").examine().wrong("database.reach")

    assert "start the server, or name its host" in (found.advice or "")


@contextmanager
def asking_for_a_password(server: PostgresServer, role: str, url: str) -> Iterator[None]:
    """The server asks a role for its password; all others come in as before."""
    with psycopg.connect(server.uri) as connection:
        row = connection.execute("SHOW hba_file").fetchone()
    assert row is not None
    file, line = Path(row[0]), f"local all {role} scram-sha-256\n"
    # Others may be at the same tests with the same server.
    with (file.parent.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = file.read_text(encoding="utf-8")
        file.write_text(line + before, encoding="utf-8")
        server.execute("SELECT pg_reload_conf()")
        try:
            _wait_until_refused(at(url, username=role))
            yield
        finally:
            file.write_text(before, encoding="utf-8")
            server.execute("SELECT pg_reload_conf()")


def _wait_until_refused(url: str) -> None:
    give_up_at = time.monotonic() + LONG
    while time.monotonic() < give_up_at:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.01)
    raise AssertionError("the server does not ask for a password")


@pytest.mark.parametrize("password", ["not-that-one", ""])
def test_a_password_that_is_wrong(
    role: str,
    shared_patient: Patient,
    postgresql: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    url = at(shared_patient.url, username=role, password=password)
    monkeypatch.setenv("VOICEREG_DATABASE", url)

    with asking_for_a_password(postgresql, role, shared_patient.url):
        report = shared_patient.examine()

    found = report.wrong("database.reach")
    assert "password" in found.what
    assert "correct the password in the database URL, or set PGPASSWORD" in (found.advice or "")
    assert "not-that-one" not in report.result.out + report.result.err


@pytest.mark.parametrize(
    ("part", "advice"),
    [
        ("username", "correct the user in the database URL"),
        ("database", "voicereg db upgrade"),
    ],
)
def test_a_name_that_there_is_not(
    shared_patient: Patient, monkeypatch: pytest.MonkeyPatch, part: str, advice: str
) -> None:
    monkeypatch.setenv("VOICEREG_DATABASE", at(shared_patient.url, **{part: "nobody"}))

    found = shared_patient.examine().wrong("database.reach")

    assert "does not exist" in found.what
    assert advice in (found.advice or "")


def test_a_user_who_may_not_write(
    role: str, shared_patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_patient.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    monkeypatch.setenv("VOICEREG_DATABASE", at(shared_patient.url, username=role))

    found = shared_patient.examine().wrong("database.rights")

    assert f"the user {role} lacks INSERT on absences" in found.what
    assert "more" in found.what
    assert f"ON ALL TABLES IN SCHEMA public TO {role}" in (found.advice or "")


def test_a_user_who_may_write_and_count_nothing(
    role: str, shared_patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What many forget to grant."""
    shared_patient.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    monkeypatch.setenv("VOICEREG_DATABASE", at(shared_patient.url, username=role))

    found = shared_patient.examine().wrong("database.rights")

    assert "lacks USAGE on accounts_id_seq" in found.what
    assert f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}" in (found.advice or "")


def test_a_user_who_may_not_even_read(
    role: str, shared_patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEREG_DATABASE", at(shared_patient.url, username=role))

    report = shared_patient.examine()

    found = report.wrong("database.rights")
    assert f"the user {role} lacks SELECT on absences" in found.what
    assert f"TO {role}" in (found.advice or "")
    assert report.loud == ["database.rights"]


def test_a_user_who_may_use_no_schema(
    role: str, shared_patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_patient.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    monkeypatch.setenv("VOICEREG_DATABASE", at(shared_patient.url, username=role))

    report = shared_patient.examine()

    found = report.wrong("database.rights")
    assert "may use no schema" in found.what
    assert found.advice == f"let the owner run: GRANT USAGE ON SCHEMA public TO {role}"


def test_a_server_that_takes_no_changes(
    shared_patient: Patient, postgresql: PostgresServer
) -> None:
    name = make_url(shared_patient.url).database
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    report = shared_patient.examine()

    found = report.wrong("database.rights")
    assert "the server takes no changes" in found.what
    assert "name the primary server" in (found.advice or "")
    assert "is sound" in report.ok("database.sound").what


@pytest.fixture
def bare(postgresql: PostgresServer) -> Iterator[str]:
    """A database with nothing in it."""
    url = postgresql.create(migrated=False)
    yield url
    postgresql.drop(url)


def test_a_database_that_is_not_set_up(admit: Callable[[str], Patient], bare: str) -> None:
    report = admit(bare).examine()

    assert "is empty" in report.wrong("database.schema").what
    assert report.wrong("database.schema").advice == "set it up with: voicereg db upgrade"
    assert report.loud == ["database.schema"]


def test_a_database_that_the_user_may_not_set_up(
    admit: Callable[[str], Patient], bare: str, role: str, postgresql: PostgresServer
) -> None:
    patient = admit(bare)
    patient.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    report = admit(at(bare, username=role)).examine()

    assert f"the user {role} may make no tables" in report.wrong("database.rights").what
    advice = report.wrong("database.rights").advice or ""
    assert f"GRANT CREATE ON SCHEMA public TO {role}" in advice


def test_an_older_version(admit: Callable[[str], Patient], bare: str) -> None:
    frozen.load(bare, "0003")

    found = admit(bare).examine().wrong("database.schema")

    assert "its schema is 0003" in found.what
    assert found.advice == "bring it up to date with: voicereg db upgrade"


def test_a_newer_version(shared_patient: Patient) -> None:
    shared_patient.execute("UPDATE alembic_version SET version_num = '9999'")

    found = shared_patient.examine().wrong("database.schema")

    assert "pip install --upgrade voicereg" in (found.advice or "")


def test_the_database_of_another_program(admit: Callable[[str], Patient], bare: str) -> None:
    patient = admit(bare)
    patient.execute("CREATE TABLE customers (name TEXT)")

    found = patient.examine().wrong("database.schema")

    assert "holds tables that are not voicereg's" in found.what


def test_what_was_changed_by_hand(shared_patient: Patient) -> None:
    shared_patient.execute("ALTER TABLE voices DROP COLUMN note CASCADE")

    found = shared_patient.examine().wrong("database.sound")

    assert "the schema differs" in found.what
    assert "undo that" in (found.advice or "")
