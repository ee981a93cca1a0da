"""``voicereg recreate``: a voice in place of one that is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused
from tests.conftest import OpenRegistry
from tests.registry.rows import insert_voice
from voicereg import InvalidInput, StateConflict, VoiceNotFound

LABELS = ["--tag", "team=新闻", "--owner", "林", "--pin", "--note", "of the evening"]


def shown(cli: Cli, voice: str) -> dict[str, Any]:
    found: dict[str, Any] = cli.done("show", voice, "--json").json()
    return found


def gone(cli: Cli, family: str = "qwen-tts", *options: str) -> dict[str, Any]:
    """A voice that was deleted at the provider."""
    voice = cli.created(family, *options)
    cli.done("delete", voice, "--yes", "--force")
    return shown(cli, voice)


@pytest.mark.parametrize("family", ["qwen-tts", "cosyvoice"])
def test_what_is_on_record_is_designed_anew(cli_on_each: Cli, family: str) -> None:
    cli = cli_on_each
    old = gone(cli, family, *LABELS)

    result = cli.done("recreate", old["id"], "--json")

    new = shown(cli, result.json()["id"])
    same = ("target_model", "prompt", "preview_text", "name", "tags", "owner", "pinned", "account")
    assert {key: new[key] for key in same} == {key: old[key] for key in same}
    assert new["voice_id"] != old["voice_id"]
    assert (new["replaces"], new["note"]) == (old["id"], None)
    assert "will sound different" in result.err
    after = shown(cli, old["id"])
    assert after["replaced_by"] == [new["id"]]
    assert {key: after[key] for key in old if key != "replaced_by"} == {
        key: old[key] for key in old if key != "replaced_by"
    }
    assert f"replaced_by\t{new['id']}" in cli.done("show", old["id"]).out


def test_what_is_to_be_other(cli: Cli) -> None:
    old = gone(cli)

    words = ["--prompt", "A loud young man.", "--name", "louder", "--note", "as asked"]
    new = cli.done("recreate", old["id"], *words, "--json").json()

    assert (new["prompt"], new["name"], new["note"]) == ("A loud young man.", "louder", "as asked")
    assert new["preview_text"] == old["preview_text"]


def test_it_is_not_done_twice_by_mistake(cli: Cli) -> None:
    old = gone(cli)
    new = cli.done("recreate", old["id"], "--json").json()["id"]
    before = cli.content()
    cli.sandbox.clear_requests()

    assert_refused(cli("recreate", old["id"]), 1, f"voice {new}", "stands in for it already")

    assert cli.content() == before
    assert cli.actions == []
    again = cli.done("recreate", old["id"], "--again", "--json").json()["id"]
    assert shown(cli, old["id"])["replaced_by"] == [new, again]


def test_what_replaced_it_may_be_gone_as_well(cli: Cli) -> None:
    old = gone(cli)
    cli.done("delete", cli.done("recreate", old["id"], "--json").json()["id"], "--yes")

    cli.done("recreate", old["id"])


def test_many_at_once_make_one(open_registry: OpenRegistry, database_url: str) -> None:
    old = insert_voice(database_url)
    registries = [open_registry() for _ in range(4)]

    def recreate(number: int) -> str:
        try:
            return registries[number].recreate(old).state.value
        except StateConflict:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(recreate, range(4)))

    assert done.count("refused") == 3
    assert len(registries[0].successors(old)) == 1


def test_a_voice_that_is_still_there(cli: Cli) -> None:
    """As when its model is withdrawn."""
    old = cli.created()
    cli.done("alias", "set", "narrator", old)

    assert_refused(cli("recreate", old), 1, "it is there", "--again makes another like it")
    assert cli.actions.count("create") == 1
    result = cli.done("recreate", old, "--model", "qwen3-tts-vd-realtime-2026-01-15", "--json")

    new = result.json()["id"]
    assert shown(cli, old)["state"] == "active"
    assert shown(cli, old)["aliases"] == ["narrator"]
    told = " ".join(result.err.split())
    assert f"voicereg alias set narrator {new}" in told
    assert f"voicereg delete {old}" in told


def test_what_was_cloned_or_is_not_known(cli: Cli) -> None:
    cloned = insert_voice(cli.database, origin="cloned")
    unknown = insert_voice(cli.database, prompt=None)
    before = cli.content()

    assert_refused(cli("recreate", cloned), 2, "cloned")
    assert_refused(cli("recreate", unknown), 2, "prompt", "not on record")
    assert_refused(cli("recreate", "nobody"), 4, "no voice")

    assert cli.content() == before
    assert cli.actions == []
    words = ["--prompt", "A calm voice.", "--name", "calm"]
    assert cli.done("recreate", unknown, *words, "--json").json()["replaces"] == unknown


def test_a_dry_run_sends_nothing(cli: Cli) -> None:
    old = gone(cli)
    before = cli.content()
    cli.sandbox.clear_requests()

    result = cli.done("recreate", old["id"], "--dry-run", "--json")

    assert result.json()["dry_run"]
    assert old["prompt"] in str(result.json()["request"])
    assert cli.content() == before
    assert cli.actions == []


def test_a_full_quota(cli: Cli) -> None:
    old = gone(cli)
    cli.done("account", "edit", "default", "--limit", "qwen-tts=0")

    assert cli("recreate", old["id"]).code == 3


def test_from_the_library(open_registry: OpenRegistry, database_url: str) -> None:
    registry = open_registry()
    old = insert_voice(database_url, owner="lin")
    new = registry.recreate(old, prompt="A calm voice.")

    assert (new.replaces, new.owner, new.prompt) == (old, "lin", "A calm voice.")
    with pytest.raises(InvalidInput):
        registry.recreate(old, again=True, prompt="x" * 5000)
    asked = registry.asked_again(old, again=True)
    asked["replaces"] = "nobody"
    with pytest.raises(VoiceNotFound):
        registry.design(**asked)
