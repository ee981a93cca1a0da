"""``apply``: what a file declares, planned, and made."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.manifests import COSYVOICE, QWEN, at_provider, declared, many, standing, write
from tests.cli.support import assert_refused, assert_usage_error, content, execute
from voicereg.sandbox import Sandbox


@pytest.fixture
def review_time() -> timedelta:
    return timedelta(0)


@pytest.fixture
def sandbox(review_time: timedelta) -> Iterator[Sandbox]:
    """One whose reviews are over at once, unless a test says otherwise."""
    with Sandbox.start(review_time=review_time) as sandbox:
        yield sandbox


def plan(cli: Cli, *options: str) -> dict[str, Any]:
    result = cli("apply", "voices.json", "--plan", "--json", *options)
    assert result.code in (0, 1), result
    found: dict[str, Any] = result.json()
    return found


def applied(cli: Cli, *options: str) -> list[dict[str, Any]]:
    """What became of the steps, where all goes well."""
    results: list[dict[str, Any]] = cli.done(
        "apply", "voices.json", "--yes", "--json", *options
    ).json()["results"]
    return results


# --- what is planned ----------------------------------------------------------------------------


def test_a_plan_says_what_it_needs_and_does_nothing(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write({"anchor": declared(1), "radio": declared(2, target_model=COSYVOICE, candidates=3)})
    before = cli.content()

    document = plan(cli)
    told = cli.done("apply", "voices.json", "--plan")

    assert document["counts"] == {"design": 4, "recreate": 0, "update": 0, "delete": 0, "leave": 0}
    assert document["slots"] == [
        {"family": "cosyvoice", "needed": 3, "remaining": 1000, "limit": 1000},
        {"family": "qwen-tts", "needed": 1, "remaining": 1000, "limit": 1000},
    ]
    assert document["cost_cny"] == 0.2
    assert document["results"] == []
    assert [row[1:3] for row in told.rows()[1:]] == [["design", "anchor"], ["design", "radio"]]
    assert "cost: up to 0.20 CNY" in told.err
    assert "nothing was done" in told.err
    assert cli.content() == before
    assert cli.actions == []


def test_it_is_refused_whole_when_the_quota_cannot_hold_it(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.done("account", "edit", "default", "--limit", "qwen-tts=2")
    write(many(3))
    before = cli.content()

    result = cli("apply", "voices.json", "--yes")

    assert result.code == 3
    assert "no room for 3 slots" in result.err
    assert cli.content() == before
    assert cli.actions == []


def test_every_fault_of_a_file_is_told_by_its_place_and_nothing_is_done(cli: Cli) -> None:
    Path("voices.yaml").write_text(
        "defaults: {target_model: qwen3-tts-vd-2026-01-26, preview_text: Good evening.}\n"
        "voices:\n"
        "  anchor: {prompt: A calm voice.}\n"
        "  radio:\n"
        "    prompt: " + "x" * 3000 + "\n"
        "  news room: {promt: A voice., prompt: A voice.}\n",
        encoding="utf-8",
    )
    before = cli.content()

    result = cli("apply", "voices.yaml", "--yes")
    problems = cli("apply", "voices.yaml", "--yes", "--json").json()["problems"]

    assert result.code == 2
    assert result.out == ""
    prompt, field, end = result.err.splitlines()
    assert prompt.startswith("line 4, radio: prompt: it has 3000 characters")
    assert field == "line 6, news room: promt: there is no such field; did you mean prompt?"
    assert end == "voicereg: 2 problems in the file; nothing was done"
    assert [(problem["line"], problem["key"]) for problem in problems] == [
        (4, "radio"),
        (6, "news room"),
    ]
    assert cli.content() == before


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("voices.yaml", "voices: [", "it is no YAML"),
        ("voices.toml", "voices = ", "it is no TOML"),
        ("voices.json", "{", "it is no JSON"),
        ("voices.csv", "", "it is empty"),
        ("voices.txt", "", "--format says it: yaml, toml, json, jsonl, csv"),
    ],
)
def test_a_file_that_cannot_be_read(cli: Cli, file: str, text: str, said: str) -> None:
    Path(file).write_text(text, encoding="utf-8")

    assert_refused(cli("apply", file, "--yes"), 2, said)


def test_a_file_that_is_not_there(cli: Cli) -> None:
    assert_refused(cli("apply", "none.yaml", "--yes"), 2, "No such file")


@pytest.mark.parametrize("form", ["yaml", "toml", "json", "jsonl", "csv"])
def test_a_file_of_every_format_declares_the_same(cli: Cli, form: str) -> None:
    texts = {
        "yaml": f"voices:\n  台柱:\n    target_model: {QWEN}\n    name: anchor\n"
        "    prompt: |\n      沉稳的声音。\n    preview_text: 晚上好。\n    tags: {use: news}\n",
        "toml": f'[voices."台柱"]\ntarget_model = "{QWEN}"\nname = "anchor"\n'
        'prompt = "沉稳的声音。"\npreview_text = "晚上好。"\ntags = { use = "news" }\n',
        "csv": "key,target_model,name,prompt,preview_text,tags\n"
        f'台柱,{QWEN},anchor,沉稳的声音。,晚上好。,"{{""use"": ""news""}}"\n',
    }
    row = {
        "key": "台柱",
        "target_model": QWEN,
        "name": "anchor",
        "prompt": "沉稳的声音。",
        "preview_text": "晚上好。",
        "tags": {"use": "news"},
    }
    texts["json"] = json.dumps([row])
    texts["jsonl"] = json.dumps(row)
    Path(f"voices.{form}").write_text(texts[form], encoding="utf-8")

    cli.done("apply", f"voices.{form}", "--yes")

    (voice,) = cli.done("list", "--json").json()
    assert voice["manifest_key"] == "台柱"
    assert {name: voice[name] for name in row if name != "key"} == {
        name: row[name] for name in row if name != "key"
    }


def test_a_file_from_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"voices: {json.dumps({'anchor': declared(1)})}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    assert_refused(cli("apply", "-", "--yes"), 2, "--format says it")
    cli.done("apply", "-", "--yes", "--format", "yaml")

    assert standing(cli).keys() == {"anchor"}


# --- what is done -------------------------------------------------------------------------------


def test_what_is_declared_is_made_once(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write(
        {
            "anchor": declared(1, alias="anchor", owner="林", tags={"team": "新闻"}, pinned=True),
            "radio": declared(2, target_model=COSYVOICE, alias="radio", note="soft"),
        }
    )

    results = applied(cli)
    again = applied(cli)

    assert [(done["key"], done["outcome"], done["state"]) for done in results] == [
        ("anchor", "done", "active"),
        ("radio", "done", "active"),
    ]
    assert again == []
    voices = standing(cli)
    assert (voices["anchor"]["owner"], voices["anchor"]["tags"]) == ("林", {"team": "新闻"})
    assert voices["anchor"]["pinned"]
    assert voices["anchor"]["aliases"] == ["anchor"]
    assert (voices["radio"]["note"], voices["radio"]["aliases"]) == ("soft", ["radio"])
    assert cli.actions.count("create") + cli.actions.count("create_voice") == 2
    assert set(at_provider(cli).values()) == {1}


def test_labels_are_changed_and_the_provider_never_hears_of_it(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write({"anchor": declared(1, tags={"a": "1", "b": "2"}, owner="lin", note="n")})
    applied(cli)
    asked = len(cli.actions)

    write({"anchor": declared(1, tags={"b": "3"}, owner=None, pinned=True, alias="evening")})
    (step,) = plan(cli)["steps"]
    (done,) = applied(cli)

    assert step["changes"] == {
        "tags": {"from": {"a": "1", "b": "2"}, "to": {"b": "3"}},
        "owner": {"from": "lin", "to": None},
        "pinned": {"from": False, "to": True},
        "alias": {"from": None, "to": "evening"},
    }
    assert (done["action"], done["outcome"]) == ("update", "done")
    voice = standing(cli)["anchor"]
    assert (voice["tags"], voice["owner"], voice["note"]) == ({"b": "3"}, None, "n")
    assert (voice["pinned"], voice["aliases"]) == (True, ["evening"])
    assert len(cli.actions) == asked


def test_what_is_made_from_something_else_is_left_alone_unless_asked(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write({"anchor": declared(1, alias="anchor"), "radio": declared(2)})
    applied(cli)
    before = standing(cli)
    write({"anchor": declared(1, alias="anchor", prompt="A deep voice."), "radio": declared(2)})

    left = cli("apply", "voices.json", "--yes")
    assert left.code == 1
    assert "made from another prompt: --recreate" in left.out
    assert standing(cli) == before

    (done,) = applied(cli, "--recreate")

    voices = {voice["id"]: voice for voice in cli.done("list", "--json").json()}
    new, old = voices[done["voice"]], voices[before["anchor"]["id"]]
    assert (new["prompt"], new["replaces"], new["aliases"]) == (
        "A deep voice.",
        old["id"],
        ["anchor"],
    )
    assert (old["state"], old["aliases"]) == ("active", [])
    # The other stays until somebody says that it goes; once it has gone, nothing is left to do.
    assert plan(cli, "--recreate")["counts"]["leave"] == 1
    (pruned,) = applied(cli, "--prune")
    assert (pruned["action"], pruned["voice"], pruned["state"]) == ("delete", old["id"], "deleted")
    assert standing(cli)["anchor"]["id"] == new["id"]
    assert plan(cli)["steps"] == []


def test_recreate_and_prune_in_one_stroke_delete_only_what_has_a_successor(cli: Cli) -> None:
    write({"anchor": declared(1), "radio": declared(2)})
    applied(cli)
    before = standing(cli)
    write(
        {
            "anchor": declared(1, prompt="A deep voice."),
            "radio": declared(2, prompt="A voice of [inspect]."),
        }
    )

    result = cli("apply", "voices.json", "--yes", "--recreate", "--prune", "--json")

    assert result.code == 5
    outcomes = {(done["action"], done["key"]): done for done in result.json()["results"]}
    assert outcomes["delete", "anchor"]["outcome"] == "done"
    assert outcomes["recreate", "radio"]["outcome"] == "failed"
    assert "content review" in outcomes["recreate", "radio"]["error"]
    assert outcomes["delete", "radio"]["outcome"] == "skipped"
    assert standing(cli)["radio"] == before["radio"]


def test_what_is_declared_no_longer_is_deleted_only_by_prune(cli_on_each: Cli) -> None:
    cli = cli_on_each
    other = cli.created()
    write({"anchor": declared(1), "radio": declared(2), "pinned": declared(3)})
    applied(cli)
    voices = standing(cli)
    cli.done("edit", voices["pinned"]["id"], "--pin")
    write({"anchor": declared(1)})

    kept = cli.done("apply", "voices.json", "--yes")
    assert "the file does not declare it; --prune deletes it" in kept.out
    assert standing(cli).keys() == voices.keys()
    (done,) = applied(cli, "--prune")

    assert done["key"] == "radio"
    assert standing(cli).keys() == {"anchor", "pinned"}
    assert cli.done("show", other, "--json").json()["state"] == "active"


def test_two_files_for_one_account_know_only_their_own(cli: Cli) -> None:
    write({"anchor": declared(1)}, set="news")
    applied(cli)
    write({"anchor": declared(2)}, set="radio")
    applied(cli, "--prune")

    assert standing(cli).keys() == {"news/anchor", "radio/anchor"}


def test_a_voice_that_is_there_is_taken_in(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voice = cli.created("qwen-tts", "--owner", "lin")
    cli.done("alias", "set", "anchor", voice)
    write({"anchor": {"voice_id": voice, "alias": "anchor", "tags": {"use": "news"}}})

    (done,) = applied(cli)

    assert (done["action"], done["voice"]) == ("update", voice)
    assert standing(cli)["anchor"]["owner"] == "lin"
    assert standing(cli)["anchor"]["tags"] == {"use": "news"}
    assert applied(cli) == []


def test_an_alias_of_a_voice_of_none_of_the_file_is_not_taken_from_it(cli: Cli) -> None:
    voice = cli.created()
    cli.done("alias", "set", "anchor", voice)
    write({"anchor": declared(1, alias="anchor")})

    result = cli("apply", "voices.json", "--yes")

    assert result.code == 2
    assert f"alias: anchor stands for voice {voice}" in result.err
    assert cli.done("list", "--json").json()[0]["id"] == voice
    assert len(cli.done("list", "--json").json()) == 1


def test_two_keys_can_swap_their_aliases(cli: Cli) -> None:
    write({"a": declared(1, alias="one"), "b": declared(2, alias="two")})
    applied(cli)
    write({"a": declared(1, alias="two"), "b": declared(2, alias="one")})
    applied(cli)

    assert {key: voice["aliases"] for key, voice in standing(cli).items()} == {
        "a": ["two"],
        "b": ["one"],
    }
    assert applied(cli) == []


def test_a_voice_that_is_gone_is_made_again_and_names_the_other(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write({"anchor": declared(1, alias="anchor")})
    applied(cli)
    lost = standing(cli)["anchor"]["id"]
    cli.sandbox.remove_voice(standing(cli)["anchor"]["voice_id"])
    cli("sync")
    cli("sync")
    assert cli.done("show", lost, "--json").json()["state"] == "lost"

    told = cli.done("apply", "voices.json", "--plan")
    applied(cli)

    assert f"in place of {lost}, which is gone; it will sound different" in told.out
    assert standing(cli)["anchor"]["replaces"] == lost
    assert standing(cli)["anchor"]["aliases"] == ["anchor"]
    assert applied(cli) == []


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_create_whose_outcome_is_unknown_is_not_asked_for_again(cli_on_each: Cli) -> None:
    cli = cli_on_each
    write(many(4))
    cli.sandbox.misbehave("create", "500", after=True)

    first = cli("apply", "voices.json", "--yes", "--json", "--at-once", "1")
    second = cli("apply", "voices.json", "--yes", "--json")

    assert first.code == 6
    assert "voicereg sync settles what is unresolved" in first.err
    outcomes = [done["outcome"] for done in first.json()["results"]]
    assert outcomes == ["unresolved", "done", "done", "done"]
    assert second.code == 1
    assert second.json()["results"] == []
    (left,) = second.json()["steps"]
    assert "not asked for again until a sync settles it" in left["why"]

    cli.done("sync")
    assert applied(cli) == []
    assert standing(cli).keys() == many(4).keys()
    assert set(at_provider(cli).values()) == {1}


def test_after_a_wrong_key_the_others_are_not_tried(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "not-the-key")
    write(many(30))

    result = cli("apply", "voices.json", "--yes", "--json", "--at-once", "2")

    assert result.code == 5
    outcomes = [done["outcome"] for done in result.json()["results"]]
    assert 1 <= outcomes.count("failed") <= 3
    assert outcomes.count("failed") + outcomes.count("skipped") == 30
    assert len(cli.done("list", "--all", "--json").json()) == outcomes.count("failed")


def test_a_family_that_is_full_at_the_provider_does_not_stop_the_other(cli: Cli) -> None:
    cli.sandbox.set_limit("qwen-tts", 1)
    write(
        many(4)
        | {f"radio{number}": declared(number, target_model=COSYVOICE) for number in range(2)}
    )

    result = cli("apply", "voices.json", "--yes", "--json", "--at-once", "1")

    assert result.code == 3
    outcomes = {done["key"]: done["outcome"] for done in result.json()["results"]}
    # One more may have been begun before it was known how the first ended.
    assert outcomes.pop("voice002") in ("failed", "skipped")
    assert outcomes == {
        "voice000": "done",
        "voice001": "failed",
        "voice003": "skipped",
        "radio0": "done",
        "radio1": "done",
    }


def test_a_provider_that_is_asked_too_often_is_asked_again(cli: Cli) -> None:
    write(many(3))
    cli.sandbox.misbehave("create", "429", times=2)

    results = applied(cli, "--at-once", "1")

    assert [done["outcome"] for done in results] == ["done"] * 3
    assert set(at_provider(cli).values()) == {1}


def test_a_voice_that_the_review_refuses_holds_its_slot_and_is_told_of(cli: Cli) -> None:
    write(
        {
            "radio": declared(
                1,
                target_model=COSYVOICE,
                prompt="A voice of [reject].",
                alias="radio",
            )
        }
    )

    first = cli("apply", "voices.json", "--yes", "--json")
    second = cli("apply", "voices.json", "--yes")

    (done,) = first.json()["results"]
    assert (first.code, done["outcome"], done["state"]) == (5, "failed", "rejected")
    assert second.code == 1
    assert "the provider's review refused it" in second.out
    assert cli.done("alias", "list", "--json").json() == []


@pytest.mark.parametrize("review_time", [timedelta(days=1)])
def test_an_alias_waits_for_the_review(cli: Cli) -> None:
    write({"radio": declared(1, target_model=COSYVOICE, alias="radio")})

    (done,) = applied(cli, "--no-wait")
    (again,) = applied(cli, "--no-wait")

    assert (done["outcome"], done["state"]) == ("waiting", "pending")
    assert (again["action"], again["outcome"]) == ("update", "waiting")
    assert cli.done("alias", "list", "--json").json() == []
    execute(cli.database, "UPDATE voices SET state = 'active'")
    (last,) = applied(cli, "--no-wait")
    assert last["outcome"] == "done"
    assert standing(cli)["radio"]["aliases"] == ["radio"]


# --- who is asked -------------------------------------------------------------------------------


def test_nobody_is_asked_where_nobody_is(cli: Cli) -> None:
    write(many(2))

    result = cli("apply", "voices.json")

    assert result.code == 2
    assert "say --yes to apply the plan" in result.err
    assert cli.actions == []


def test_a_no_changes_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write(many(2))
    before = content(cli.database)
    answers = io.StringIO("n\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", answers)

    result = cli("apply", "voices.json")

    assert result.code == 1
    assert "Design 2 voices for up to 0.40 CNY?" in result.err
    assert "nothing was done" in result.err
    assert content(cli.database) == before


def test_how_many_at_once_has_bounds(cli: Cli) -> None:
    write(many(1))

    assert_usage_error(cli("apply", "voices.json", "--at-once", "0"), "0 is not in the range")


def test_a_set_can_be_named_for_a_file_that_says_none(cli: Cli) -> None:
    write({"anchor": declared(1)})
    applied(cli)
    Path("voices.csv").write_text(
        f"key,target_model,prompt,preview_text,tags\nanchor,{QWEN},A deep voice.,Hello.,use=news\n"
    )

    shared = cli("apply", "voices.csv", "--plan")
    cli.done("apply", "voices.csv", "--set", "radio", "--yes", "--prune")

    assert "made from another prompt" in shared.out
    assert standing(cli).keys() == {"anchor", "radio/anchor"}
    assert standing(cli)["radio/anchor"]["tags"] == {"use": "news"}


def test_a_key_that_can_be_no_name_is_told_of(cli: Cli) -> None:
    write({"晚间新闻": declared(1)})

    result = cli("apply", "voices.json", "--yes")

    assert result.code == 2
    assert "it is the key, so give it a name of its own" in result.err
