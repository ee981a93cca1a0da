"""Whatever a text holds, it comes out as text: in tables, JSON, CSV, events and errors."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import (
    add_voices,
    assert_nothing_raw,
    assert_refused,
    assert_usage_error,
    creating,
)

TEXTS = {
    "escape": "a\x1b[2Jb",
    "title": "a\x1b]0;pwned\x07b",
    "bell": "a\x07b",
    "c1": "a\x9b31mb",
    "bidi": "a\u202egpj.exe",
    "unseen": "a\u200bb\ufeff",
    "lines": "a\nb\r\nc",
    "tab": "a\tb",
    "markup": "[red]x[/red] [/]",
    "chinese": "沉稳的老爷爷",
    "quotes": 'a "b", c; d',
    "backslash": "a\\nb",
}
COMMANDS = (
    ["list"],
    ["list", "--format", "json"],
    ["list", "--format", "jsonl"],
    ["list", "--format", "csv"],
    ["events"],
    ["events", "--format", "json"],
    ["events", "--format", "jsonl"],
    ["events", "--format", "csv"],
)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_nothing_raw_in_any_output_and_columns_hold(cli: Cli, text: str) -> None:
    voice = cli.created("qwen-tts", "--owner", text, "--note", text, "--tag", f"k={text}")
    add_voices(cli.database, text)

    for words in [*COMMANDS, ["show", voice], ["show", voice, "--json"], ["show", "voice0000000"]]:
        result = cli.done(*words)
        assert_nothing_raw(result.out + result.err)
    assert cli.done("show", voice, "--json").json()["note"] == text
    assert json.loads(cli.done("list", "--format", "jsonl").lines()[1])["name"] == text
    for words, count in ((["list"], 3), (["events"], 3), (["account", "list"], 2)):
        rows = cli.done(*words).rows()
        assert len(rows) == count
        assert {len(row) for row in rows} == {len(rows[0])}
    assert {len(row) for row in cli.done("show", voice).rows()} == {2}


def test_markup_is_shown_as_it_is(cli: Cli) -> None:
    voice = cli.created("qwen-tts", "--note", "[red]x[/red]")

    assert ["note", "[red]x[/red]"] in cli.done("show", voice).rows()


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_spreadsheet_runs_nothing(cli: Cli, formula: str) -> None:
    cli.created("qwen-tts", "--owner", formula, "--note", formula)
    add_voices(cli.database, formula)

    text = cli.done("list", "--format", "csv").out

    made, added = csv.DictReader(io.StringIO(text))
    for cell in (made["owner"], made["note"], added["name"], added["prompt"]):
        assert cell.startswith("'")


def test_csv_writes_what_is_nested_as_json_and_nothing_as_nothing(cli: Cli) -> None:
    cli.created("qwen-tts", "--tag", "a=1", "--tag", "b=x,y")

    (row,) = csv.DictReader(io.StringIO(cli.done("list", "--format", "csv").out))

    assert json.loads(row["tags"]) == {"a": "1", "b": "x,y"}
    assert (row["owner"], row["last_used_at"], row["pinned"]) == ("", "", "false")


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\x07", "a\x9b1m", "a\u202eb", "a\nb\tc"])
def test_nothing_raw_in_errors(cli: Cli, text: str) -> None:
    refused = [
        (cli("show", text), 4),
        (cli("-a", text, "list"), 4),
        (cli(*creating("qwen-tts", name=text)), 2),
        (cli(*creating("qwen-tts", "--language", text)), 2),
        (cli("events", "--since", text), 2),
        (cli("--config", text, "list"), 2),
        (cli("account", "add", text), 2),
        (cli("--base-url", f"https://{text}/api/v1", *creating()), 2),
    ]
    usage = [
        cli(text),
        cli("list", text),
        cli("list", f"--{text}"),
        cli("list", "--state", text),
        cli(*creating("qwen-tts", "--tag", text)),
    ]

    for result, code in refused:
        assert_refused(result, code)
        assert_nothing_raw(result.err)
    for result in usage:
        assert_usage_error(result)
        assert_nothing_raw(result.err)


def test_nothing_raw_in_a_traceback(cli: Cli) -> None:
    result = cli("-v", *creating("qwen-tts", name="a\x1b[2J\x9b1m\u202e"))

    assert "Traceback" in result.err
    assert_nothing_raw(result.err)
