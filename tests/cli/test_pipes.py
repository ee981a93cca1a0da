"""What other programs do with the output: read a line of it, all of it, or nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import PROGRAM, add_voices, environment, finished, spawn


@pytest.mark.parametrize("format_", ["table", "jsonl", "json"])
def test_a_reader_that_leaves_is_no_error(cli: Cli, format_: str) -> None:
    # More than a pipe holds: the program is still writing when its reader has gone.
    add_voices(cli.database, *(f"narrator of many words {number}" * 9 for number in range(500)))
    process = spawn("list", "--format", format_)
    assert process.stdout is not None

    assert process.stdout.read(2)
    process.stdout.close()
    process.stdout = None
    result = finished(process)

    assert result.err == ""
    assert result.code == 1


def test_a_full_disk_is_said(cli: Cli) -> None:
    with Path("/dev/full").open("w") as full:
        result = finished(spawn("list", stdout=full))

    assert result.code == 1
    assert result.err == "no voices\nvoicereg: No space left on device\n"


def test_a_closed_stdout_is_no_error(cli: Cli) -> None:
    add_voices(cli.database, "narrator")
    result = finished(spawn("list", program=("sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM)))

    assert (result.code, result.out, result.err) == (0, "", "")


def test_audio_goes_to_stdout_as_it_is(cli: Cli) -> None:
    voice = cli.created()
    cli.done("preview", voice, "-o", "p.wav")

    words = [*PROGRAM, "preview", voice, "-o", "-"]
    done = subprocess.run(words, env=environment(), capture_output=True, check=True)

    assert done.stdout == Path("p.wav").read_bytes()
    assert done.stderr == b""


def test_json_about_audio_on_stdout_is_refused(cli: Cli) -> None:
    voice = cli.created()

    result = cli("preview", voice, "-o", "-", "--json")

    assert (result.code, result.out) == (2, "")
    assert "--json has no place there" in result.err


def test_a_narrow_encoding_gets_codes(cli: Cli) -> None:
    add_voices(cli.database, "沉稳")

    result = finished(spawn("list", env=environment() | {"PYTHONIOENCODING": "latin-1"}))

    assert (result.code, result.err) == (0, "")
    assert "\\u6c89\\u7a33" in result.out
