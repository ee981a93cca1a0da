"""SQLite files that break while they are in use: what is said, and that what was there stays."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, content, creating, finished, spawn

PAGE = 4096


@pytest.fixture
def path(cli: Cli) -> Path:
    """A registry with voices and previews, all of it in the one file."""
    for family in ("qwen-tts", "cosyvoice", "qwen-tts"):
        cli.created(family)
    found = Path(cli.database.removeprefix("sqlite:///"))
    with sqlite3.connect(found) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return found


def overwritten(data: bytes) -> bytes:
    """All pages but the schema's have lost their beginnings."""
    broken = bytearray(data)
    for start in range(PAGE, len(broken), PAGE):
        broken[start : start + 200] = b"\xff" * 200
    return bytes(broken)


def without_its_header(data: bytes) -> bytes:
    return b"\x00" * 100 + data[100:]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2 + 100]


BREAKS = [
    (overwritten, "malformed", "put a backup in its place"),
    (without_its_header, "not a database", "give another with --database"),
    (truncated, "malformed", "put a backup in its place"),
]


@pytest.mark.parametrize(("breaks", "said", "advice"), BREAKS)
@pytest.mark.parametrize("words", [["list"], creating(), ["db", "backup", "copy.db"]])
def test_a_damaged_file(
    cli: Cli,
    path: Path,
    breaks: Callable[[bytes], bytes],
    said: str,
    advice: str,
    words: list[str],
) -> None:
    before, whole, asked = content(cli.database), path.read_bytes(), len(cli.actions)
    path.write_bytes(breaks(whole))

    assert_refused(cli(*words), 1, said, advice)
    assert len(cli.actions) == asked, "nothing was sent"
    assert cli("db", "check").code == 1
    for left in path.parent.glob(f"{path.name}-*"):
        left.unlink()
    path.write_bytes(whole)
    assert content(cli.database) == before
    cli.done(*creating())


def test_garbage_in_the_log(cli: Cli, path: Path) -> None:
    """Its frames carry checksums: what was never committed is passed over."""
    before = content(cli.database)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(os.urandom(5 * PAGE))

    cli.done("list")
    assert content(cli.database) == before
    cli.done(*creating())
    cli.done("db", "check")


@pytest.mark.parametrize(
    ("table", "words"),
    [("voice_tags", ["list"]), ("voice_tags", ["sync"]), ("events", creating())],
)
def test_a_table_that_is_gone(cli: Cli, path: Path, table: str, words: list[str]) -> None:
    whole, made = path.read_bytes(), len(cli.sandbox.voices("qwen-tts"))
    with sqlite3.connect(path) as connection:
        connection.execute(f"DROP TABLE {table}")
    connection.close()

    assert_refused(cli(*words), 1, f"no such table: {table}", "voicereg db check")
    assert cli("db", "check").code == 1
    assert len(cli.sandbox.voices("qwen-tts")) == made
    path.write_bytes(whole)
    assert len(cli.done("list", "--json").json()) == 3


@pytest.mark.parametrize("room", [0, pytest.param(10, marks=pytest.mark.soak)])
def test_no_room_for_a_file_to_grow(cli: Cli, path: Path, room: int) -> None:
    """As on a full disk; wherever it comes, everything is whole and nothing is forgotten."""
    log = path.with_name(f"{path.name}-wal")
    most = max(path.stat().st_size, 32 * 1024) + room * PAGE
    before = content(cli.database)

    results = []
    for _ in range(12):
        process = spawn(
            *creating(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )
        results.append(finished(process))
        if results[-1].code:
            break
    failed = results[-1]

    assert failed.code in {1, 6}, failed
    assert "Traceback" not in failed.err
    assert "disk" in failed.err
    assert not log.exists() or log.stat().st_size <= most
    for voice in before["voices"]:
        assert voice in content(cli.database)["voices"]
    cli.done("db", "check")
    cli.done("sync")
    cli.created()
    cli.done("sync")
    assert len(cli.done("list", "--json").json()) == len(cli.sandbox.voices())


@pytest.fixture
def read_only(path: Path) -> Iterator[Path]:
    """The directory takes no changes, of root either, where that can be had."""
    place = path.parent / "mounted"
    place.mkdir()
    shutil.copy(path, place / path.name)
    at = str(place)
    for words in (["mount", "--bind", at, at], ["mount", "-o", "remount,bind,ro", at]):
        done = subprocess.run(words, capture_output=True, check=False)
        if done.returncode != 0:
            if os.geteuid() == 0:
                pytest.skip("root may write everywhere, and cannot mount here")
            place.chmod(0o500)
            (place / path.name).chmod(0o400)
            break
    yield place / path.name
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)
    place.chmod(0o700)


def test_a_directory_that_takes_no_changes(cli: Cli, path: Path, read_only: Path) -> None:
    before, asked = read_only.read_bytes(), len(cli.actions)
    for words in (["list"], creating(), ["use", "qwen-tts-vd-1"]):
        result = cli("-d", str(read_only), *words)
        assert_refused(result, 1, str(read_only), "writable")
    assert len(cli.actions) == asked
    assert read_only.read_bytes() == before
    assert len(cli.done("list", "--json").json()) == 3
