"""The cron file: one line that cron understands, and what it mails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contrib.files import read
from tests.contrib.running import PROGRAM, environment, place
from voicereg.sandbox import Sandbox
from voicereg.scheduler import Timetable
from voicereg.settings import ScheduleSettings


def line() -> str:
    (found,) = [line for line in read("cron/voicereg").splitlines() if re.match(r"[\d*]", line)]
    return found


def test_it_runs_when_the_scheduler_would() -> None:
    *fields, user, _ = line().split(maxsplit=6)
    assert " ".join(fields) == ScheduleSettings().round
    times = Timetable(" ".join(fields), "UTC")
    at, found = datetime(2026, 11, 23, tzinfo=UTC), []
    for _ in range(5):
        at = times.next_after(at)
        found.append((at.day, at.hour, at.minute))
    assert found == [(23, 0, 17), (23, 6, 17), (23, 12, 17), (23, 18, 17), (24, 0, 17)]
    assert user == "voicereg"
    assert "%" not in line(), "cron makes a new line of it"
    assert read("cron/voicereg").endswith("\n"), "cron ignores a last line without an end"
    assert "VOICEREG_CONFIG=/etc/voicereg/config.toml" in read("cron/voicereg").splitlines()


def test_it_mails_and_has_a_shell_that_every_host_has() -> None:
    variables = dict(re.findall(r"(?m)^(\w+)=(.*)$", read("cron/voicereg")))
    assert variables == {
        "SHELL": "/bin/sh",
        "MAILTO": "root",
        "VOICEREG_CONFIG": "/etc/voicereg/config.toml",
    }
    for text in read("cron/voicereg").splitlines():
        assert re.match(r"#|[A-Z_]+=|\d", text), f"cron would not understand {text!r}"
    assert "flock" not in line()


def test_a_real_round(tmp_path: Path, sandbox: Sandbox) -> None:
    config = place(
        read("config.toml.example"),
        tmp_path / "config.toml",
        database=f'"{tmp_path / "voicereg.db"}"',
        url=f'"file://{tmp_path / "warnings.jsonl"}"',
    )
    keys, program = tmp_path / "voicereg.env", tmp_path / "voicereg"
    keys.write_text(f"DASHSCOPE_API_KEY={sandbox.api_key}\n")
    program.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    given = environment(sandbox, VOICEREG_CONFIG=str(config))
    del given["DASHSCOPE_API_KEY"]
    done = subprocess.run(
        ["/bin/sh", "-c", command(program, keys)],
        env=given,
        check=True,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert sandbox.requests


def command(program: Path, keys: Path) -> str:
    """The command of the line, with another program and other keys."""
    found = line().split(maxsplit=6)[6]
    found = found.replace("/etc/voicereg/voicereg.env", str(keys))
    return found.replace("/opt/voicereg/bin/voicereg", str(program))


def run(tmp_path: Path, exit_code: int) -> subprocess.CompletedProcess[str]:
    """Run the command of the line with a program that writes what it was given."""
    program, keys = tmp_path / "voicereg", tmp_path / "voicereg.env"
    keys.write_text("DASHSCOPE_API_KEY=of-the-file\n")
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$DASHSCOPE_API_KEY $*" > {tmp_path}/given\n'
        "echo on stdout; echo on stderr >&2\n"
        f"exit {exit_code}\n"
    )
    program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", command(program, keys)],
        env={"PATH": os.defpath},
        check=True,
        capture_output=True,
        text=True,
    )


def test_a_good_round_mails_warnings_alone(tmp_path: Path) -> None:
    done = run(tmp_path, 0)
    assert (done.stdout, done.stderr) == ("", "on stderr\n")
    given = (tmp_path / "given").read_text().strip()
    assert given == "of-the-file housekeeping run --all-accounts --json"


@pytest.mark.parametrize("exit_code", [1, 5])
def test_a_failed_round_is_mailed(tmp_path: Path, exit_code: int) -> None:
    assert f"failed with exit code {exit_code};" in run(tmp_path, exit_code).stdout
