"""``edit`` and ``delete`` of what the filters of ``list`` find."""

from __future__ import annotations

import io
import sys

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_usage_error
from tests.registry.rows import insert_voice
from voicereg import State


class _Terminal(io.StringIO):
    """Somebody who can be asked."""

    def isatty(self) -> bool:
        return True


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(f"{answer}\n"))


def states(cli: Cli) -> dict[str, str]:
    return {voice["id"]: voice["state"] for voice in cli.done("list", "--all", "--json").json()}


def owners(cli: Cli) -> dict[str, str | None]:
    return {voice["id"]: voice["owner"] for voice in cli.done("list", "--json").json()}


# --- edit -------------------------------------------------------------------------------------


def test_what_a_filter_finds_is_changed_and_nothing_else(cli_on_each: Cli) -> None:
    cli = cli_on_each
    mine = [cli.created("qwen-tts", "--tag", "team=新闻") for _ in range(2)]
    other = cli.created("cosyvoice", "--tag", "team=radio")

    result = cli.done("edit", "--where-tag", "team=新闻", "--owner", "林", "--yes", "--json")

    assert [voice["id"] for voice in result.json()] == mine
    assert owners(cli) == {mine[0]: "林", mine[1]: "林", other: None}


def test_it_is_shown_and_asked_before(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = cli.created()
    answering(monkeypatch, "n")

    result = cli("edit", "--where-family", "qwen-tts", "--owner", "studio")

    assert result.code == 1
    assert voice in result.err
    assert "Change this voice (owner studio)?" in result.err
    assert "nothing was changed" in result.err
    assert owners(cli) == {voice: None}

    answering(monkeypatch, "y")
    cli.done("edit", "--where-family", "qwen-tts", "--owner", "studio")
    assert owners(cli) == {voice: "studio"}


def test_nobody_to_ask_means_nothing_is_changed(cli: Cli) -> None:
    voice = cli.created()

    assert_usage_error(
        cli("edit", "--where-family", "qwen-tts", "--owner", "x"), "say --yes to change them"
    )

    assert owners(cli) == {voice: None}


def test_a_dry_run_changes_nothing(cli: Cli) -> None:
    voice = cli.created()
    before = cli.content()

    for which in ([voice], ["--where-family", "qwen-tts"]):
        result = cli.done("edit", *which, "--pin", "--dry-run")
        assert voice in result.out
        assert "nothing was changed" in result.err

    assert cli.content() == before


def test_a_filter_that_finds_nothing(cli: Cli) -> None:
    cli.created()

    result = cli.done("edit", "--where-owner", "nobody", "--pin", "--json")

    assert result.json() == []


def test_a_gone_voice_is_found_by_its_state_only(cli: Cli) -> None:
    gone, here = cli.created(), cli.created()
    cli.done("delete", gone, "--yes")

    cli.done("edit", "--where-family", "qwen-tts", "--note", "here", "--yes")
    cli.done("edit", "--where-state", "deleted", "--note", "gone", "--yes")

    notes = {voice["id"]: voice["note"] for voice in cli.done("list", "--all", "--json").json()}
    assert notes == {gone: "gone", here: "here"}


@pytest.mark.parametrize("command", [["edit", "--pin"], ["delete", "--yes"]])
def test_names_or_a_filter_not_both_nor_neither(cli: Cli, command: list[str]) -> None:
    voice = cli.created()
    before = cli.content()

    assert_usage_error(cli(*command, voice, "--where-family", "qwen-tts"), "two things")
    assert_usage_error(cli(*command), "Name a VOICE")

    assert cli.content() == before


# --- delete -----------------------------------------------------------------------------------


def test_what_a_filter_finds_is_printed_and_deleted(cli_on_each: Cli) -> None:
    cli = cli_on_each
    doomed = [cli.created("qwen-tts", "--owner", "old") for _ in range(2)]
    kept = cli.created("qwen-tts", "--owner", "new")

    result = cli.done("delete", "--where-owner", "old", "--yes")

    for voice in doomed:
        assert voice in result.err
    assert states(cli) == {doomed[0]: "deleted", doomed[1]: "deleted", kept: "active"}
    assert len(cli.sandbox.voices()) == 1


def test_one_that_a_filter_finds_is_a_list_all_the_same(cli: Cli) -> None:
    voice = cli.created()

    result = cli.done("delete", "--where-family", "qwen-tts", "--yes", "--json")

    assert [one["id"] for one in result.json()] == [voice]


def test_pinned_and_aliased_voices_are_left_alone(cli: Cli) -> None:
    pinned, aliased = cli.created("qwen-tts", "--pin"), cli.created()
    other = cli.created()
    cli.done("alias", "set", "narrator", aliased)

    result = cli.done("delete", "--where-family", "qwen-tts", "--yes")

    assert states(cli) == {pinned: "active", aliased: "active", other: "deleted"}
    assert result.err.count("left alone") == 2
    cli.done("delete", "--where-family", "qwen-tts", "--yes", "--force")
    assert set(states(cli).values()) == {"deleted"}


def test_one_that_is_used_after_it_was_shown_is_left_alone(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = cli.done("show", cli.created(), "--json").json()
    idle = cli.created()

    class Used(_Terminal):
        def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
            cli.done("use", used["voice_id"])
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Used())
    result = cli("delete", "--where-unused-for", "0")

    assert result.code != 0
    assert states(cli) == {used["id"]: "active", idle: "deleted"}


def test_a_no_deletes_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = cli.created()
    answering(monkeypatch, "")

    result = cli("delete", "--where-family", "qwen-tts")

    assert result.code == 1
    assert voice in result.err
    assert states(cli) == {voice: "active"}


def test_gone_voices_are_not_deleted_again(cli: Cli) -> None:
    insert_voice(cli.database, state=State.LOST)

    assert cli.done("delete", "--where-state", "lost", "--yes", "--json").json() == []
    assert cli.actions == []


def test_what_was_changed_is_said_where_a_table_has_no_room_for_it(cli: Cli) -> None:
    voice = cli.created()

    result = cli.done("edit", voice, "--pin", "--tag", "use=news", "--untag", "old", "--note", "")

    assert result.err == "1 voice: tag use=news, no tag old, no note, pinned\n"
