"""Command lines, what came of them, and what a refusal must look like."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.fakes import ANNOUNCER, NARRATOR
from voicereg.tables import metadata

DESIGNS = {"cosyvoice": ANNOUNCER, "qwen-tts": NARRATOR}
_OPTIONS = {
    "target_model": "--model",
    "name": "--name",
    "prompt": "--prompt",
    "preview_text": "--preview-text",
}

VOICE_KEYS = {
    "id",
    "voice_id",
    "account",
    "family",
    "target_model",
    "origin",
    "state",
    "name",
    "prompt",
    "preview_text",
    "language",
    "created_at",
    "last_used_at",
    "last_used_source",
    "deadline_at",
    "deadline_basis",
    "days_left",
    "pinned",
    "owner",
    "note",
    "tags",
    "aliases",
    "replaces",
    "updated_at",
}
"""The keys of a voice in JSON that the design fixes."""
QUOTA_KEYS = {
    "account",
    "family",
    "limit",
    "used",
    "creating",
    "unresolved",
    "unseen",
    "remaining",
    "level",
    "synced_at",
    "stale",
}
ACCOUNT_KEYS = {"name", "region", "workspace", "base_url", "api_key_env", "quota_group", "limits"}
EVENT_KEYS = {"id", "at", "actor", "action", "account", "voice", "before", "after", "reason"}

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Result:
    """What a command line did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[str]:
        return self.out.splitlines()

    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.lines()]


def creating(family: str = "qwen-tts", *options: str, **changed: str) -> list[str]:
    """The words of a create that breaks no rule, unless they are changed."""
    words = ["create"]
    for field, value in (dict(DESIGNS[family]) | changed).items():
        words += [_OPTIONS[field], str(value)]
    return [*words, *options]


def content(url: str) -> dict[str, list[Any]]:
    """Every row of a registry: what a refusal must leave as it is."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in metadata.sorted_tables
        }


def execute(url: str, statement: str, *rows: Mapping[str, object]) -> None:
    """Change a database behind the registry's back."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), list(rows) or None)


def add_voices(url: str, *names: str) -> None:
    """Record voices of any name, which a sync would do for clones; younger than all others."""
    execute(
        url,
        "INSERT INTO voices (id, account_id, quota_group_id, family, voice_id, target_model,"
        " origin, state, name, prompt, created_at, deadline_at, deadline_basis, pinned, updated_at)"
        " SELECT :id, id, quota_group_id, 'qwen-tts', :voice_id, 'qwen3-tts-vd-2026-01-26',"
        " 'designed', 'active', :name, :name, '2099-11-23 09:00:00.000000+00:00',"
        " '2100-11-23 09:00:00.000000+00:00', 'created', false, '2026-11-23 09:00:00.000000+00:00'"
        " FROM accounts WHERE name = 'default'",
        *(
            {"id": f"voice{number:07}", "voice_id": f"v-{number:07}", "name": name}
            for number, name in enumerate(names)
        ),
    )


def assert_refused(result: Result, code: int, *said: str) -> None:
    """One clear line, at most one of advice, nothing on stdout, no traceback."""
    assert result.code == code, result
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[0].startswith("voicereg: ")
    assert len(lines) <= 2, result.err
    assert all(line.startswith("  ") for line in lines[1:])
    assert "Traceback" not in result.err
    for words in said:
        assert words in result.err


def assert_usage_error(result: Result, *said: str) -> None:
    """What click says of a command line: its usage, and one line of what is wrong."""
    assert result.code == 2, result
    assert result.out == ""
    usage, hint, empty, error = result.err.splitlines()
    assert usage.startswith("Usage: voicereg")
    assert hint.startswith("Try 'voicereg")
    assert empty == ""
    assert error.startswith("Error: ")
    for words in said:
        assert words in error


def assert_nothing_raw(text: str, *, colours: bool = False) -> None:
    """Nothing but text, tabs and line feeds; on a terminal, colours as well."""
    shown = _COLOURS.sub("", text).replace("\r\n", "\n") if colours else text
    assert not _RAW.search(shown), repr(shown)


def plain(text: str) -> str:
    """What a terminal shows, without colours."""
    return _COLOURS.sub("", text).replace("\r\n", "\n")


PROGRAM = (
    sys.executable,
    "-c",
    # As a shell starts it: whoever runs the tests may have told their children to ignore Ctrl-C.
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from voicereg.cli.main import main; main()",
)


def environment() -> dict[str, str]:
    """That of the test, without what the one who runs it says of Python's streams."""
    python = ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in python}
    return kept | {"PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def spawn(
    *arguments: str, program: tuple[str, ...] = PROGRAM, **options: Any
) -> subprocess.Popen[str]:
    """Start the program in a process of its own, with the environment of the test."""
    pipes: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    return subprocess.Popen(
        [*program, *arguments], encoding="utf-8", **(pipes | {"env": environment()} | options)
    )


def finished(process: subprocess.Popen[str]) -> Result:
    """What a process did, once it has ended."""
    with process:
        out, err = process.communicate(timeout=60)
    return Result(process.returncode, out or "", err or "")
