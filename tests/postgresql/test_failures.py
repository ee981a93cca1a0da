"""A server that fails: a clear message and code, nothing half done, and all is there afterwards."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, content, creating
from tests.postgresql.servers import OwnServer


@pytest.fixture
def cli(start: Callable[[str], Cli], server: OwnServer) -> Iterator[Cli]:
    """A registry with two voices, on a server of the test's own."""
    name = f"t{uuid.uuid4().hex}"
    opened = start(server.create(name))
    opened.created()
    opened.created("cosyvoice")
    yield opened
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _name(cli: Cli) -> str:
    return cli.database.rpartition("/")[2]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_server_that_is_gone(cli: Cli, server: OwnServer, how: signal.Signals) -> None:
    before, asked = content(cli.database), len(cli.actions)
    if how is signal.SIGKILL:
        server.kill()
    else:
        server.stop(how)
    try:
        for words in (["list"], creating(), ["use", "qwen-tts-vd-1"], ["db", "upgrade"]):
            assert_refused(cli(*words), 1, "onnection refused", "check that the server runs")
    finally:
        server.start()

    assert len(cli.actions) == asked, "nothing was sent"
    assert content(cli.database) == before
    cli.created()


def test_a_server_that_takes_no_changes(cli: Cli, server: OwnServer) -> None:
    before, asked = content(cli.database), len(cli.actions)
    server.execute(f"ALTER DATABASE {_name(cli)} SET default_transaction_read_only = on")
    assert len(cli.done("list", "--json").json()) == 2
    for words in (creating(), ["edit", "qwen-tts-vd-1", "--pin"], ["use", "qwen-tts-vd-1"]):
        result = cli(*words)
        assert result.code in {1, 4}, result
    assert_refused(cli(*creating()), 1, "read-only transaction", "name the primary")
    assert len(cli.actions) == asked
    server.execute(f"ALTER DATABASE {_name(cli)} RESET default_transaction_read_only")

    assert content(cli.database) == before
    cli.created()


@pytest.mark.parametrize(
    ("table", "words"),
    [("voice_tags", ["list"]), ("voice_tags", ["sync"]), ("events", creating())],
)
def test_a_table_that_is_gone(cli: Cli, server: OwnServer, table: str, words: list[str]) -> None:
    before, asked = content(cli.database), len(cli.sandbox.voices("qwen-tts"))
    server.execute(f"ALTER TABLE {table} RENAME TO gone", _name(cli))
    assert_refused(cli(*words), 1, f'relation "{table}" does not exist', "voicereg db check")
    assert cli("db", "check").code == 1
    server.execute(f"ALTER TABLE gone RENAME TO {table}", _name(cli))

    assert len(cli.sandbox.voices("qwen-tts")) == asked
    assert content(cli.database)["voices"] == before["voices"]
    cli.done("db", "check")


@pytest.fixture
def small_disk(server: OwnServer) -> Iterator[Path]:
    """A directory with little room, where that can be had."""
    place = server.directory / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        place.rmdir()
        pytest.skip("only root may mount a small disk")
    user = pwd.getpwnam("pgserver")
    os.chown(place, user.pw_uid, user.pw_gid)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
    place.rmdir()


def test_a_full_disk(start: Callable[[str], Cli], server: OwnServer, small_disk: Path) -> None:
    server.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    name = f"t{uuid.uuid4().hex}"
    url = server.create(name, "TABLESPACE small")
    cli = start(url)
    cli.created()
    before, asked = content(url), len(cli.actions)
    filling = small_disk / "filling"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    results = (cli(*creating()) for _ in range(200))  # there is some room in the pages yet
    result = next(result for result in results if result.code != 0)

    assert result.code in {1, 6}, result
    assert "No space left on device" in result.err
    assert "Traceback" not in result.err
    filling.unlink()
    after = content(url)
    assert before["voices"][0] in after["voices"]
    cli.done("db", "check")
    cli.created()
    cli.done("sync")
    assert len(cli.actions) > asked
    listed = cli.done("list", "--json").json()
    assert len(listed) == len(cli.sandbox.voices("qwen-tts"))
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.execute("DROP TABLESPACE small")
