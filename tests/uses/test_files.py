"""Logs of uses: read line by line, counted once, with every bad line told by its number."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import environment
from tests.conftest import OpenRegistry
from tests.fakes import START
from tests.registry.rows import insert_voice
from tests.registry.syncs.support import ONE_DATABASE
from tests.uses.support import counted, total, unclaimed
from voicereg import InvalidInput, Registry, UsesImported, UsesReadElsewhere
from voicereg.registry import use_files

AT = "2026-11-20T09:00:00Z"
TODAY = START.date()


@pytest.fixture
def voice(database_url: str) -> str:
    return insert_voice(database_url, voice_id="v")


def row(**changed: Any) -> str:
    return json.dumps({"voice_id": "v", "at": AT, **changed}) + "\n"


def read(registry: Registry, content: str | bytes, **options: Any) -> UsesImported:
    data = content.encode() if isinstance(content, str) else content
    return registry.import_uses(io.BytesIO(data), **options)


def test_json_lines(registry: Registry, database_url: str, voice: str) -> None:
    done = read(
        registry,
        row()
        + "\n  \r\n"
        + row(count=3, source="radio", text="Good evening", extra={"a": [1]})
        + row(count="2", source="")
        + row(at="2026-11-20T00:30:00+08:00", count=None, source=None)
        + row(voice_id="unknown"),
        source="log",
    )

    assert (done.lines, done.uses, done.bad_lines) == (5, 8, 0)
    assert (done.voices, done.unclaimed) == ({"v", "unknown"}, {"unknown": 1})
    day = TODAY - timedelta(days=3)
    assert counted(database_url) == {
        (voice, day, "log"): 3,
        (voice, day, "radio"): 3,
        (voice, day - timedelta(days=1), "log"): 1,
    }
    assert unclaimed(database_url) == {("unknown", day, "log"): 1}
    last = registry.voice(voice).last_used_at
    assert last == START.replace(day=20, hour=9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        f"voice_id,at\nv,{AT}\nv,{AT}\n",
        f"\ufeffvoice_id,at\r\nv,{AT}\r\n\r\nv,{AT}\r\n",
        f'"at","text","voice_id","count"\n{AT},"a, ""b""",v,\n"{AT}",,"v",1',
        f"voice_id, at , count ,source,more\nv,{AT},2,radio,x,y,z\n",
        f"\n\r\n  \nvoice_id,at\nv,{AT}\nv,{AT}\n",
        f"\n\ufeff\n{row(count=2)}",
    ],
    ids=["plain", "BOM and CRLF", "quotes", "columns", "empty lines first", "JSON after lines"],
)
@ONE_DATABASE
def test_files_of_many_programs(
    registry: Registry, database_url: str, voice: str, text: str
) -> None:
    done = read(registry, text)

    assert (done.uses, done.bad_lines, done.problems) == (2, 0, [])
    assert total(database_url, voice) == 2


@ONE_DATABASE
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"voice_id": "v"', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 100_000, "no JSON"),
        ("9" * 5000, "no JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
        ('{"at": "2026-11-20T09:00:00Z"}', "voice_id"),
        ('{"voice_id": 7, "at": "2026-11-20T09:00:00Z"}', "voice_id"),
        (r'{"voice_id": "a\u0000b", "at": "2026-11-20T09:00:00Z"}', "voice_id"),
        (r'{"voice_id": "\ud800", "at": "2026-11-20T09:00:00Z"}', "voice_id"),
        ('{"voice_id": "v"}', "time"),
        ('{"voice_id": "v", "at": 1700000000}', "time"),
        ('{"voice_id": "v", "at": "yesterday"}', "time"),
        ('{"voice_id": "v", "at": "2026-11-20T09:00:00"}', "zone"),
        ('{"voice_id": "v", "at": "2027-11-20T09:00:00Z"}', "future"),
        ('{"voice_id": "v", "at": "0001-01-01T00:00:00+14:00"}', "at"),
        (row(count=0).strip(), "count"),
        (row(count=-1).strip(), "count"),
        (row(count=1.5).strip(), "count"),
        (row(count=True).strip(), "count"),
        (row(count="many").strip(), "count"),
        (row(count="٣").strip(), "count"),
        (row(count=" " * 30 + "5x").strip(), "count"),
        (row(count=10**30).strip(), "count"),
        (row(source=7).strip(), "source"),
        (row(source="a\x00b").strip(), "source"),
        (row(source="\ud800").strip(), "source"),
        (row(source="s" * 500_000).strip(), "source"),
        (b"\xff\xfe{}", "UTF-8"),
        ("\x00\x00", "no JSON"),
        (row(text="x" * (1024 * 1024)).strip(), "too long"),
        ("x" * (3 * 1024 * 1024) + row().strip(), "too long"),
        ("x" * (1024 * 1024) + row().strip(), "too long"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_bad_line_is_told_of_and_passed_over(
    registry: Registry, database_url: str, voice: str, bad: str | bytes, why: str
) -> None:
    spoilt = bad.encode() if isinstance(bad, str) else bad
    good = row().encode()
    done = read(registry, good + spoilt + b"\n" + good + b"x\n" + good)

    assert (done.uses, done.bad_lines) == (3, 2)
    assert [problem.line for problem in done.problems] == [2, 4]
    assert why in done.problems[0].why
    assert len(done.problems[0].why) < 400
    assert total(database_url, voice) == 3


@ONE_DATABASE
def test_bad_lines_of_a_csv(registry: Registry, database_url: str, voice: str) -> None:
    done = read(
        registry,
        f'voice_id,at,count\nv\nv,{AT},x\n"v,{AT},1\nv,\n,{AT},1\n'
        f"v,{'9' * 200_000}\nv\x00,{AT}\nv,{AT},7\n",
    )

    assert (done.uses, done.bad_lines) == (7, 7)
    assert [problem.line for problem in done.problems] == [2, 3, 4, 5, 6, 7, 8]


@ONE_DATABASE
def test_only_the_first_bad_lines_are_told_one_by_one(
    registry: Registry, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_files, "_LINES_AT_ONCE", 7)
    done = read(registry, row() + "x\n" * 50)

    assert (done.lines, done.uses, done.bad_lines) == (51, 1, 50)
    assert [problem.line for problem in done.problems] == list(range(2, 22))


@ONE_DATABASE
@pytest.mark.parametrize(
    "content",
    [
        b"name,age\n1,2\n",
        b"hello",
        b"[1]",
        b"\xff\xff\xff",
        b"\x00" * 100,
        b"x" * 200_000,
        b"x" * 3_000_000,
        b"voice_id;at\nv;x\n",
        b'"voice_id,at\n',
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_neither_format_is_refused(registry: Registry, database_url: str, content: bytes) -> None:
    with pytest.raises(InvalidInput, match="neither JSON lines nor a CSV"):
        read(registry, content)


@ONE_DATABASE
def test_nothing_in_it_is_nothing_counted(registry: Registry) -> None:
    for content in ("", "\n\n", "voice_id,at\n"):
        assert read(registry, content).as_dict() == {
            "lines": 0,
            "uses": 0,
            "voices": 0,
            "unclaimed": {},
            "bad_lines": 0,
            "problems": [],
            "skipped_bytes": 0,
        }


@pytest.mark.parametrize("source", ["a\x00b", "x" * 101, "\ud800"], ids=ascii)
def test_an_odd_source_is_refused_before_anything_is_read(
    registry: Registry, database_url: str, source: str
) -> None:
    with pytest.raises(InvalidInput, match="source"):
        read(registry, row(), source=source)
    assert unclaimed(database_url) == {}


@ONE_DATABASE
def test_the_progress_is_told(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(row() * 25_000)
    told: list[tuple[int, int | None]] = []
    with path.open("rb") as file:
        registry.import_uses(file, on_bytes=lambda done, whole: told.append((done, whole)))

    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == [size * 2 // 5, size * 4 // 5, size]


# Read again


class Log:
    """A file that is read with ``dedupe``, again and again."""

    def __init__(self, registry: Registry, path: Path) -> None:
        self.registry = registry
        self.path = path

    def read(self, content: str | None = None) -> UsesImported:
        if content is not None:
            self.path.write_text(content, newline="")
        with self.path.open("rb") as file:
            return self.registry.import_uses(file, dedupe=True, source="log")


@pytest.fixture
def log(registry: Registry, tmp_path: Path) -> Log:
    return Log(registry, tmp_path / "log")


def test_the_same_file_twice(log: Log, database_url: str, voice: str) -> None:
    log.read(row() * 5)
    again = log.read()

    assert (again.lines, again.uses, again.skipped_bytes) == (0, 0, log.path.stat().st_size)
    assert total(database_url, voice) == 5


@pytest.mark.parametrize("header", ["", "voice_id,at\n"], ids=["JSON", "CSV"])
def test_of_a_grown_file_only_what_is_new(
    log: Log, database_url: str, voice: str, header: str
) -> None:
    line = f"v,{AT}\n" if header else row()
    for lines, new in ((5, 5), (8, 3), (8, 0), (20, 12)):
        assert log.read(header + line * lines).uses == new
        assert total(database_url, voice) == lines


def test_in_pieces_as_at_once(
    log: Log, database_url: str, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_files, "_LINES_AT_ONCE", 3)
    for lines, new in ((10, 10), (10, 0), (17, 7), (18, 1)):
        assert log.read(row() * lines).uses == new
    assert total(database_url, voice) == 18


def test_another_name_or_a_shorter_copy_of_the_same_is_known(
    log: Log, database_url: str, voice: str, tmp_path: Path
) -> None:
    log.read(row() * 3)
    log.read(row() * 9)
    copy = Log(log.registry, tmp_path / "copy")

    assert copy.read(row() * 9).uses == 0
    assert copy.read(row() * 3).uses == 0
    assert total(database_url, voice) == 9


def test_a_changed_file_is_counted_anew(log: Log, database_url: str, voice: str) -> None:
    log.read(row() * 5)

    assert log.read(row(count=2) + row() * 4).uses == 6
    assert total(database_url, voice) == 11


def test_without_dedupe_it_counts_again_and_is_not_noted(
    log: Log, database_url: str, voice: str
) -> None:
    assert read(log.registry, row() * 2).uses == 2
    assert log.read(row() * 2).uses == 2
    assert read(log.registry, row() * 2).uses == 2
    assert total(database_url, voice) == 6


@pytest.mark.parametrize("cut", range(1, len(row()), 7))
@ONE_DATABASE
def test_a_json_line_cut_anywhere_counts_once_it_is_whole(
    log: Log, database_url: str, voice: str, cut: int
) -> None:
    """Whoever writes the log was in the middle of it."""
    whole = row() + row(count=7)
    first = log.read(whole[: len(row()) + cut])
    assert first.uses == 1
    assert [problem.line for problem in first.problems] == [2]
    again = log.read()
    assert again.uses == 0
    assert again.bad_lines == 1, "it is told as long as it is so"

    assert log.read(whole).uses == 7
    assert log.read(whole).uses == 0
    assert total(database_url, voice) == 8


@ONE_DATABASE
def test_a_json_line_without_its_end_counts_once(log: Log, database_url: str, voice: str) -> None:
    """The line feed came later, or never."""
    for content, new in (
        (row() + row(count=7).strip(), 8),
        (row() + row(count=7).strip(), 0),
        (row() + row(count=7), 0),
        (row() + row(count=7) + row(), 1),
    ):
        assert log.read(content).uses == new
    assert total(database_url, voice) == 9


@ONE_DATABASE
def test_a_csv_line_without_its_end_waits_for_it(log: Log, database_url: str, voice: str) -> None:
    """``…,1`` may become ``…,12``: only the line feed tells."""
    start = f"voice_id,at,count\nv,{AT},5\n"
    first = log.read(start + f"v,{AT},1")
    assert first.uses == 5
    (problem,) = first.problems
    assert problem.line == 3
    assert "no end" in problem.why

    assert log.read(start + f"v,{AT},12\n").uses == 12
    assert log.read(start + f"v,{AT},12\nv,").uses == 0
    assert log.read(start + f"v,{AT},12\nv,{AT},1\n").uses == 1
    assert total(database_url, voice) == 18
    assert read(log.registry, start + f"v,{AT},1").uses == 6, "a file that is read once is whole"


@ONE_DATABASE
def test_a_blank_end_that_grows(log: Log, database_url: str, voice: str) -> None:
    log.read(row() + "  ")

    assert log.read(row() + "  " + row()).uses == 1
    assert total(database_url, voice) == 2


def test_two_at_once(
    open_registry: OpenRegistry,
    database_url: str,
    voice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is told that the other has come first, wherever the other is by then."""
    monkeypatch.setattr(use_files, "_LINES_AT_ONCE", 3)
    path = tmp_path / "log"
    path.write_text(row() * 20)
    faster = Log(open_registry(), path)

    class Slow(io.FileIO):
        """A file that another reads while this one has counted none yet."""

        def readline(self, size: int | None = -1) -> bytes:
            if self.tell() == 2 * len(row()):
                assert faster.read().uses == 20
            return super().readline(size)

    with Slow(path) as file, pytest.raises(UsesReadElsewhere):
        open_registry().import_uses(file, dedupe=True)
    assert total(database_url, voice) == 20

    assert faster.read().uses == 0


@ONE_DATABASE
def test_a_pipe_cannot_be_deduplicated(registry: Registry, database_url: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, row(voice_id="piped").encode())
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        with pytest.raises(InvalidInput, match="pipe"):
            registry.import_uses(pipe, dedupe=True)
        assert registry.import_uses(pipe).uses == 1
    with pytest.raises(InvalidInput, match="pipe"):
        read(registry, row(), dedupe=True)


_IMPORT = """
import os, resource, signal, sys
from voicereg import Registry
from voicereg.registry import use_files
chunks = int(sys.argv[3])
class Dying(use_files.UseFiles):
    def _write(self, *given):
        noted = super()._write(*given)
        self.left = getattr(self, "left", chunks) - 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return noted
use_files.UseFiles = Dying
with Registry.open(sys.argv[1]) as registry, open(sys.argv[2], "rb") as file:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = registry.import_uses(file, dedupe=True)
    print(done.uses, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _import(url: str, path: Path, chunks: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _IMPORT, url, str(path), str(chunks)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=150,
        check=False,
    )


def _long_log(path: Path, lines: int) -> None:
    with path.open("w") as file:
        for number in range(lines):
            second = number % 60
            file.write(
                f'{{"voice_id": "v{number % 2000}", "at": "2026-11-{number % 20 + 1:02}T09:00:'
                f'{second:02}Z", "source": "s{number % 3}"}}\n'
            )


@ONE_DATABASE
def test_a_long_log_takes_little_memory(database_url: str, tmp_path: Path) -> None:
    _long_log(tmp_path / "log", 200_000)
    done = _import(database_url, tmp_path / "log")

    assert done.returncode == 0, done.stderr
    uses, kilobytes = map(int, done.stdout.split())
    assert uses == 200_000
    assert kilobytes < 60_000
    assert sum(unclaimed(database_url).values()) == 200_000


@pytest.mark.soak
def test_a_million_lines_take_no_more(database_url: str, tmp_path: Path) -> None:
    _long_log(tmp_path / "log", 1_000_000)
    done = _import(database_url, tmp_path / "log")

    assert done.returncode == 0, done.stderr
    uses, kilobytes = map(int, done.stdout.split())
    assert uses == 1_000_000
    assert kilobytes < 60_000
    assert sum(unclaimed(database_url).values()) == 1_000_000


def test_a_killed_import_goes_on_where_it_was(database_url: str, tmp_path: Path) -> None:
    _long_log(tmp_path / "log", 60_000)
    killed = _import(database_url, tmp_path / "log", chunks=1)
    assert killed.returncode == -9, killed.stderr
    assert sum(unclaimed(database_url).values()) == 50_000
    done = _import(database_url, tmp_path / "log")

    assert done.stdout.split()[0] == "10000", done.stderr
    assert sum(unclaimed(database_url).values()) == 60_000
