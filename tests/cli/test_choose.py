"""``choose``: one of several voices made for a key is kept, and the others are deleted."""

from __future__ import annotations

import io
import sys

import pytest

from tests.cli.conftest import Cli
from tests.cli.manifests import declared, standing, write
from tests.cli.support import assert_refused, execute


@pytest.fixture
def three(cli_on_each: Cli) -> list[str]:
    """The registry ids of three voices to choose from."""
    write({"anchor": declared(1, alias="evening", candidates=3, pinned=True)})
    cli_on_each.done("apply", "voices.json", "--yes")
    voices = cli_on_each.done("choose", "--json").json()
    assert {voice["candidate_for"] for voice in voices} == {"anchor"}
    return [voice["id"] for voice in voices]


def states(cli: Cli) -> dict[str, str]:
    return {voice["id"]: voice["state"] for voice in cli.done("list", "--all", "--json").json()}


def test_the_kept_one_takes_the_alias_and_the_rest_is_deleted(
    cli_on_each: Cli, three: list[str]
) -> None:
    cli = cli_on_each
    kept, *others = three
    assert cli.done("alias", "list", "--json").json() == []
    for voice in three:
        cli.done("preview", voice)

    result = cli.done("choose", kept, "--yes", "--json").json()

    assert result["chosen"]["id"] == kept
    assert {voice["id"] for voice in result["others"]} == set(others)
    assert states(cli) == {kept: "active"} | dict.fromkeys(others, "deleted")
    assert standing(cli)["anchor"]["aliases"] == ["evening"]
    assert {voice.voice_id for voice in cli.sandbox.voices()} == {
        standing(cli)["anchor"]["voice_id"]
    }
    assert cli.done("choose", "--json").json() == []
    assert cli.done("apply", "voices.json", "--yes", "--json").json()["steps"] == []


def test_nothing_is_deleted_before_a_list_and_a_yes(
    cli_on_each: Cli, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = cli_on_each
    assert cli("choose", three[0]).code == 2
    dry = cli.done("choose", three[0], "--dry-run")
    answer = io.StringIO("n\n")
    monkeypatch.setattr(answer, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", answer)

    asked = cli("choose", three[0])

    assert "nothing was done" in dry.err
    assert asked.code == 1
    assert all(voice in asked.err for voice in three[1:])
    assert f"Keep {three[0]}, and delete these 2 voices for good?" in asked.err
    assert set(states(cli).values()) == {"active"}
    assert len(cli.done("choose", "--json").json()) == 3


def test_what_could_not_be_deleted_is_deleted_by_choosing_again(
    cli_on_each: Cli, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = cli_on_each
    with monkeypatch.context() as patch:
        patch.setenv("DASHSCOPE_API_KEY", "not-the-key")
        first = cli("choose", three[1], "--yes")
    other = cli("choose", three[0], "--yes", "--json")

    assert first.code == 5
    assert f"voicereg choose {three[1]} deletes what is left" in first.err
    assert standing(cli)["anchor"]["id"] == three[1]
    assert_refused(other, 1, f"voice {three[1]}", "it was chosen for the key anchor already")
    cli.done("choose", three[1], "--yes")
    assert list(states(cli).values()).count("deleted") == 2
    assert_refused(cli("choose", three[1], "--yes"), 1, "it is not one of several to choose from")


def test_only_a_voice_that_can_be_used_is_chosen(cli_on_each: Cli, three: list[str]) -> None:
    cli = cli_on_each
    execute(cli.database, f"UPDATE voices SET state = 'missing' WHERE id = '{three[0]}'")

    assert_refused(cli("choose", three[0], "--yes"), 1, "only a voice that can be used is chosen")
    assert_refused(cli("choose", three[1][:6], "--yes"), 4)


def test_a_voice_that_somebody_pinned_is_not_deleted(cli: Cli) -> None:
    write({"anchor": declared(1, candidates=2)})
    cli.done("apply", "voices.json", "--yes")
    first, second = (voice["id"] for voice in cli.done("choose", "--json").json())
    cli.done("edit", second, "--pin")

    result = cli("choose", first, "--yes")

    assert result.code == 2
    assert f"voice {second}" in result.err
    assert states(cli) == {first: "active", second: "active"}
    assert standing(cli)["anchor"]["id"] == first


def test_a_candidate_that_nobody_liked_makes_room_for_another(cli: Cli) -> None:
    write({"anchor": declared(1, candidates=3)})
    cli.done("apply", "voices.json", "--yes")
    cli.done("delete", cli.done("choose", "--json").json()[0]["id"], "--yes")

    again = cli.done("apply", "voices.json", "--yes", "--json").json()

    assert again["counts"]["design"] == 1
    assert len(cli.done("choose", "--json").json()) == 3


def test_another_prompt_makes_candidates_that_replace_what_there_is(cli: Cli) -> None:
    write({"anchor": declared(1, alias="evening")})
    cli.done("apply", "voices.json", "--yes")
    old = standing(cli)["anchor"]["id"]
    write({"anchor": declared(2, alias="evening", candidates=2)})

    cli.done("apply", "voices.json", "--yes", "--recreate")
    assert standing(cli)["anchor"]["id"] == old
    assert standing(cli)["anchor"]["aliases"] == ["evening"]
    chosen = cli.done("choose", "--json").json()[1]["id"]
    cli.done("choose", chosen, "--yes")

    new = cli.done("show", chosen, "--json").json()
    assert (new["replaces"], new["aliases"], new["manifest_key"]) == (old, ["evening"], "anchor")
    cli.done("apply", "voices.json", "--yes", "--prune")
    assert standing(cli)["anchor"]["id"] == chosen
    assert states(cli)[old] == "deleted"
