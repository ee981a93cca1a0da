"""``voicereg housekeeping run`` as users meet it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import plain
from tests.cli.terminal import on_terminal
from voicereg import Registry
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.messages import ITEM_KEYS
from voicereg.domain.rounds import ROUND_KEYS, ROUND_LEASE

STEP_NAMES = ["sync", "settle", "keep_alive", "warn", "deliver", "prune"]
CHANNEL = """
[[channel]]
name = "desk"
url = "file://{path}"
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the settings' only channel writes to."""
    path = tmp_path / "told.jsonl"
    config = tmp_path / "config.toml"
    config.write_text(CHANNEL.format(path=path), encoding="utf-8")
    monkeypatch.setenv("VOICEREG_CONFIG", str(config))
    return path


def old_voice(cli: Cli, days: int = 400, **changed: object) -> str:
    """A voice that others made so many days ago."""
    values: dict[str, object] = {
        "family": "qwen-tts",
        "origin": "cloned",
        "target_model": "qwen3-tts-vc-2026-01-22",
        "name": "colleague",
        "created_at": datetime.now(UTC) - timedelta(days=days),
    }
    return cli.sandbox.add_voice(**(values | changed)).voice_id  # type: ignore[arg-type]


def test_the_json_is_one_object_with_every_key(cli_on_each: Cli, told: Path) -> None:
    voice_id = old_voice(cli_on_each)

    result = cli_on_each.done("housekeeping", "run", "--json")

    done = result.json()
    assert tuple(done) == ROUND_KEYS
    assert [step["name"] for step in done["steps"]] == STEP_NAMES
    assert all(set(step) == {"name", "account", "ok", "error", "counts"} for step in done["steps"])
    assert all(step["ok"] for step in done["steps"])
    (message,) = done["messages"]
    assert (message["channel"], message["delivered"]) == ("desk", True)
    (item,) = message["items"]
    assert tuple(item) == ITEM_KEYS
    assert (item["news"], item["kind"], item["mark"]) == ("warning", "deadline", 0)
    assert item["voice"]["voice_id"] == voice_id
    assert result.err == ""
    (line,) = told.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["items"] == message["items"]


def test_a_second_round_tells_nothing(cli_on_each: Cli, told: Path) -> None:
    old_voice(cli_on_each)
    cli_on_each.done("housekeeping", "run")

    again = cli_on_each.done("housekeeping", "run", "--json").json()

    assert again["messages"] == []
    assert len(told.read_text(encoding="utf-8").splitlines()) == 1


def test_people_get_a_table_and_what_was_told(cli: Cli, told: Path) -> None:
    old_voice(cli)

    result = cli.done("housekeeping", "run")

    header, *rows = result.rows()
    assert header == ["STEP", "ACCOUNT", "RESULT", "COUNTS"]
    assert [row[0] for row in rows] == [name.replace("_", " ") for name in STEP_NAMES]
    assert {row[2] for row in rows} == {"ok"}
    assert result.err == "channel desk: told 1 item\n"
    assert cli.done("housekeeping", "run").err == "nothing new to tell\n"


def test_without_channels_it_is_told_on_stderr(cli: Cli) -> None:
    old_voice(cli)

    result = cli.done("housekeeping", "run")

    assert "WARNING: " in result.err
    assert "colleague" in result.err


def test_a_dry_run_shows_the_message_and_changes_nothing(cli_on_each: Cli, told: Path) -> None:
    old_voice(cli_on_each)
    cli_on_each.done("sync")
    before = cli_on_each.content()

    result = cli_on_each.done("housekeeping", "run", "--dry-run")

    assert "would tell channel desk 1 item" in result.out
    assert "colleague" in result.out
    assert cli_on_each.content() == before
    assert not told.exists()
    documents = cli_on_each.done("housekeeping", "run", "--dry-run", "--json").json()
    assert documents["dry_run"] is True
    assert [message["delivered"] for message in documents["messages"]] == [False]
    # What a dry run showed is still to be told.
    assert len(cli_on_each.done("housekeeping", "run", "--json").json()["messages"]) == 1


def test_a_dry_run_says_that_a_sync_would_change_what_it_rests_on(cli: Cli, told: Path) -> None:
    old_voice(cli)

    result = cli.done("housekeeping", "run", "--dry-run")

    assert "would tell" not in result.out
    assert "a sync would change 1 record first" in result.err


def test_messages_can_be_chinese(cli: Cli, told: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[warn]\nlanguage = "zh"\n', encoding="utf-8")
    old_voice(cli, name="旁白")

    cli.done("housekeeping", "run")

    (line,) = told.read_text(encoding="utf-8").splitlines()
    title = json.loads(line)["title"]
    assert any("\u4e00" <= character <= "\u9fff" for character in title)


def test_a_provider_that_refuses_is_reported_and_the_rest_is_done(
    cli: Cli, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_voice(cli, days=350)
    cli.done("sync")
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "no key of this sandbox")

    result = cli("housekeeping", "run", "--json")

    assert result.code == 5
    steps = {step["name"]: step for step in result.json()["steps"]}
    assert not steps["sync"]["ok"]
    assert steps["sync"]["error"]
    assert steps["deliver"]["ok"]
    assert len(result.json()["messages"]) == 1, "what is on record is warned of all the same"
    result = cli("housekeeping", "run")
    assert "attention: sync of default: " in result.err


def test_a_missing_key_is_reported(cli: Cli, told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEFAULT_KEY_VARIABLE)

    result = cli("housekeeping", "run")

    assert result.code == 5
    assert DEFAULT_KEY_VARIABLE in result.err


def test_all_accounts_are_served_when_one_fails(
    cli: Cli, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.done("account", "add", "studio", "--api-key-env", "STUDIO_KEY")
    old_voice(cli)

    result = cli("housekeeping", "run", "--all-accounts", "--json")

    assert result.code == 5
    steps = [(step["name"], step["account"], step["ok"]) for step in result.json()["steps"]]
    assert ("sync", "default", True) in steps
    assert ("sync", "studio", False) in steps
    assert len(result.json()["messages"]) == 1


def test_a_channel_that_is_down_is_reported(cli: Cli, tmp_path: Path, told: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CHANNEL.format(path="/nowhere/at/all.jsonl"), encoding="utf-8")
    old_voice(cli)

    result = cli("housekeeping", "run")

    assert result.code == 1
    assert "channel desk: not told, and tried again by the next round" in result.err
    assert "attention: deliver: channel desk did not take the message" in result.err


def test_two_at_once(cli_on_each: Cli, told: Path) -> None:
    """The second one says who is at it, and leaves: nothing is wrong."""
    old_voice(cli_on_each)
    with Registry.open(cli_on_each.database) as other:
        lease = other.leases.take(ROUND_LEASE, timedelta(minutes=1))

        result = cli_on_each.done("housekeeping", "run")
        document = cli_on_each.done("housekeeping", "run", "--json").json()

        other.leases.release(lease)
    assert result.out == ""
    assert "is at the round of housekeeping since" in result.err
    assert document["ok"] is None
    assert document["held_by"]
    assert not told.exists()
    assert len(cli_on_each.done("housekeeping", "run", "--json").json()["messages"]) == 1


def test_an_unknown_account(cli: Cli) -> None:
    assert cli("-a", "nobody", "housekeeping", "run").code == 4


def test_on_a_terminal_of_80_columns(cli: Cli, told: Path) -> None:
    old_voice(cli, name="旁白")
    cli.done("sync")

    result = on_terminal("housekeeping", "run", "--dry-run", columns=80)

    assert result.code == 0
    lines = plain(result.out).splitlines()
    assert any("sync" in line and "ok" in line for line in lines)
    assert any("旁白" in line for line in lines)
