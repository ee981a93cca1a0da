"""What each command prints when all goes well: where, in which shape, with which keys."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import (
    ACCOUNT_KEYS,
    EVENT_KEYS,
    QUOTA_KEYS,
    UTC_TIME,
    VOICE_KEYS,
    creating,
)

FORMATS = ("table", "json", "jsonl", "csv")
LISTS = (("list",), ("quota",), ("events",), ("account", "list"))
LIST_KEYS: dict[tuple[str, ...], set[str]] = dict(
    zip(LISTS, (VOICE_KEYS, QUOTA_KEYS, EVENT_KEYS, ACCOUNT_KEYS), strict=True)
)


def assert_utc(document: dict[str, Any]) -> None:
    times = {key: value for key, value in document.items() if key.endswith("_at") or key == "at"}
    assert times
    for key, value in times.items():
        assert value is None or UTC_TIME.fullmatch(value), (key, value)


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts"])
def test_create_prints_the_voice(cli_on_each: Cli, family: str) -> None:
    result = cli_on_each.done(
        *creating(family, "--json", "--tag", "use=a=b", "--owner", "studio", "--note", "n", "--pin")
    )

    voice = result.json()
    assert voice.keys() >= VOICE_KEYS
    assert_utc(voice)
    assert (voice["state"], voice["family"], voice["pinned"]) == ("active", family, True)
    assert (voice["tags"], voice["owner"], voice["note"]) == ({"use": "a=b"}, "studio", "n")
    assert "is recorded" in result.err


def test_show_and_edit_of_one_print_an_object(cli_on_each: Cli) -> None:
    voice = cli_on_each.created()

    shown = cli_on_each.done("show", voice, "--json")
    edited = cli_on_each.done("edit", voice, "--owner", "studio", "--json")

    assert shown.err == edited.err == ""
    assert shown.json().keys() == edited.json().keys() | {"daily_uses", "replaced_by"}
    assert edited.json().keys() >= VOICE_KEYS
    assert (shown.json()["owner"], edited.json()["owner"]) == (None, "studio")
    assert_utc(edited.json())


def test_edit_and_delete_of_many_print_arrays(cli_on_each: Cli) -> None:
    voices = {cli_on_each.created(), cli_on_each.created("cosyvoice")}

    edited = cli_on_each.done("edit", *voices, "--tag", "a=1", "--json").json()
    deleted = cli_on_each.done("delete", *voices, "--yes", "--json").json()

    assert {voice["id"] for voice in edited} == {voice["id"] for voice in deleted} == voices
    assert {voice["state"] for voice in deleted} == {"deleted"}
    assert all(voice.keys() >= VOICE_KEYS for voice in edited + deleted)


def test_delete_of_one_prints_an_object(cli: Cli) -> None:
    voice = cli.created()

    deleted = cli.done("delete", voice, "--yes", "--json").json()

    assert (deleted["id"], deleted["state"], deleted["days_left"]) == (voice, "deleted", None)


def test_preview_tells_of_the_file(cli_on_each: Cli, tmp_path: Path) -> None:
    voice = cli_on_each.created()
    file = tmp_path / "preview.wav"

    result = cli_on_each.done("preview", voice, "-o", str(file), "--json")

    assert result.err == ""
    told = result.json()
    assert told["id"] == voice
    assert told["bytes"] == file.stat().st_size
    assert file.read_bytes()[:4] == b"RIFF"
    assert_utc({"kept_at": told["kept_at"]})


def test_preview_without_a_name_is_called_like_the_voice(cli: Cli) -> None:
    voice = cli.created()

    result = cli.done("preview", voice)

    assert result.out == ""
    assert result.err.startswith(f"wrote {voice}.wav")
    assert Path(f"{voice}.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_list_in_each_format(cli: Cli, words: tuple[str, ...]) -> None:
    cli.created("qwen-tts", "--tag", "a=1")

    said = {name: cli.done(*words, "--format", name) for name in FORMATS}

    assert {result.err for result in said.values()} == {""}
    documents = said["json"].json()
    assert documents
    assert all(document.keys() >= LIST_KEYS[words] for document in documents)
    assert [json.loads(line) for line in said["jsonl"].lines()] == documents
    rows = list(csv.DictReader(io.StringIO(said["csv"].out)))
    assert [set(row) for row in rows] == [set(document) for document in documents]
    assert len(said["table"].lines()) == 1 + len(documents)
    assert cli.done(*words, "--json").out == said["json"].out


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_times_in_lists_are_utc(cli: Cli, words: tuple[str, ...]) -> None:
    cli.created()

    for document in cli.done(*words, "--json").json():
        assert_utc(document)


@pytest.mark.parametrize("words", [("list",), ("list", "--all"), ("list", "--state", "lost")])
@pytest.mark.parametrize(("format_", "printed"), [("json", "[]\n"), ("jsonl", "")])
def test_no_voices_are_an_empty_list(
    cli: Cli, words: tuple[str, ...], format_: str, printed: str
) -> None:
    result = cli.done(*words, "--format", format_)

    assert (result.out, result.err) == (printed, "")


def test_no_voices_in_a_table_are_said_unless_quiet(cli: Cli) -> None:
    assert cli.done("list").err == "no voices\n"
    assert cli.done("-q", "list").err == ""
    assert cli.done("-q", "list").out.startswith("ID\t")


def test_quiet_is_silent_on_stderr(cli: Cli, tmp_path: Path) -> None:
    made = cli.done("-q", *creating("cosyvoice", "--json", "--preview", str(tmp_path / "p.wav")))
    voice = made.json()["id"]
    said = [
        made,
        cli.done("-q", *creating("cosyvoice", "--no-wait")),
        cli.done("-q", *creating("cosyvoice", "--dry-run")),
        cli.done("-q", "preview", voice),
        cli.done("-q", "delete", voice, "--dry-run"),
        cli.done("-q", "delete", voice, "--yes"),
        cli.done("-q", "account", "add", "other"),
        cli.done("-q", "account", "remove", "other"),
        cli.done("-q", "db", "check"),
        cli.done("-q", "db", "upgrade"),
    ]

    assert {result.err for result in said} == {""}


def test_quota_counts_and_checks(cli_on_each: Cli) -> None:
    cli_on_each.created()
    cli_on_each.done("account", "edit", "default", "--limit", "qwen-tts=3")

    (quota,) = cli_on_each.done("quota", "--family", "qwen-tts", "--need", "2", "--json").json()
    assert (quota["used"], quota["limit"], quota["remaining"]) == (1, 3, 2)
    assert quota["level"] == "ok"

    short = cli_on_each("quota", "--family", "qwen-tts", "--need", "3", "--json")
    assert short.code == 3
    assert short.json() == [quota]
    assert "1 of 3 used" in short.err


def test_events_tell_what_changed_in_the_order_in_which_it_is_logged(cli: Cli) -> None:
    cli.created()

    created = cli.done("events", "--json").json()[-1]
    change = cli.done("events").rows()[-1][3]

    assert created["action"] == "voice.create"
    places = [change.index(f"{name}: ") for name in created["after"]]
    assert places == sorted(places)


def test_events_can_be_narrowed(cli: Cli) -> None:
    first, second = cli.created(), cli.created("cosyvoice")

    events = cli.done("events", "--voice", first, "--json").json()
    assert {event["voice"] for event in events} == {first}
    assert cli.done("events", "--since", "2999-01-01", "--json").json() == []
    assert cli.done("events", "--since", "2020-01-01T00:00", "--json").json() != []
    (newest,) = cli.done("events", "--limit", "1", "--json").json()
    assert newest["voice"] == second


@pytest.mark.parametrize("command", ["list", "quota", "events"])
def test_all_accounts(cli_on_each: Cli, command: str) -> None:
    cli_on_each.done("account", "add", "other")
    cli_on_each.done("-a", "other", "--base-url", cli_on_each.sandbox.base_url, *creating())
    cli_on_each.created()

    table = cli_on_each.done(command, "--all-accounts")
    documents = cli_on_each.done(command, "--all-accounts", "--json").json()

    assert {document["account"] for document in documents} == {"default", "other"}
    assert len(table.lines()) == 1 + len(documents)


def test_list_narrows_sorts_and_cuts(cli: Cli) -> None:
    first = cli.created("qwen-tts", "--tag", "use=news", "--owner", "ann")
    second = cli.created("cosyvoice", "--pin")

    def listed(*options: str) -> list[str]:
        return [voice["id"] for voice in cli.done("list", *options, "--json").json()]

    assert listed() == [first, second]
    assert listed("--reverse") == [second, first]
    assert listed("--limit", "1") == listed("--not-pinned") == [first]
    assert listed("--offset", "1") == listed("--pinned") == [second]
    assert listed("--tag", "use") == listed("--tag", "use=news") == listed("--owner", "ann")
    assert listed("--tag", "use=x") == listed("--search", "no such text") == []
    assert listed("--family", "cosyvoice") == listed("--search", "ANNOUNCER") == [second]
    assert listed("--unused-for", "1") == []


def test_a_gone_voice_is_listed_only_when_asked_for(cli: Cli) -> None:
    voice = cli.created()
    cli.done("delete", voice, "--yes")

    assert cli.done("list", "--json").json() == []
    for option in (["--all"], ["--state", "deleted"], ["--state", "active", "--state", "deleted"]):
        assert [v["id"] for v in cli.done("list", *option, "--json").json()] == [voice]
