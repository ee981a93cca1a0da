"""``voicereg alias``: names set, moved, listed and removed, and used wherever a VOICE is."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import add_voices, assert_refused, execute, plain
from tests.cli.terminal import on_terminal

KEYS = ["name", "account", "voice", "voice_id", "target_model", "state", "updated_at"]


@pytest.fixture
def voices(cli_on_each: Cli) -> Cli:
    add_voices(cli_on_each.database, "one", "two")
    return cli_on_each


def test_the_life_of_a_name(voices: Cli) -> None:
    made = voices.done("alias", "set", "narrator", "v-0000000", "--json").json()
    assert list(made) == KEYS
    assert (made["voice"], made["voice_id"]) == ("voice0000000", "v-0000000")
    moved = voices.done("alias", "set", "narrator", "v-0000001", "--json").json()
    assert moved["voice"] == "voice0000001"
    assert voices.done("alias", "list", "--json").json() == [moved]
    assert voices.done("alias", "list", "--format", "csv").lines()[0] == ",".join(KEYS)
    assert voices.done("show", "narrator", "--json").json()["aliases"] == ["narrator"]
    removed = voices.done("alias", "remove", "narrator", "--json").json()
    assert removed["voice"] == "voice0000001"
    assert voices.done("alias", "list", "--json").json() == []
    actions = [event["action"] for event in voices.done("events", "--json").json()]
    assert actions == ["alias.remove", "alias.set", "alias.set"]


def test_wherever_a_voice_is_asked_for(voices: Cli) -> None:
    voices.done("alias", "set", "narrator", "v-0000000")
    voices.done("edit", "narrator", "--owner", "radio")
    voices.done("use", "narrator")
    voices.done("alias", "set", "evening", "narrator")
    shown = voices.done("show", "evening", "--json").json()
    assert (shown["id"], shown["owner"]) == ("voice0000000", "radio")
    assert shown["last_used_at"] is not None
    assert shown["aliases"] == ["evening", "narrator"]
    assert_refused(voices("preview", "narrator", "-o", "audio.wav"), 4, "voice0000000")


def test_a_delete_takes_an_id_and_force(voices: Cli) -> None:
    voices.done("alias", "set", "narrator", "v-0000000")
    assert_refused(voices("delete", "narrator", "--yes"), 4)
    result = voices("delete", "v-0000000", "--yes")
    assert result.code != 0
    assert "narrator" in result.err
    assert voices.sandbox.requests == ()
    voices.done("delete", "v-0000000", "--yes", "--force")
    assert voices.done("show", "v-0000000", "--json").json()["state"] == "deleted"


def test_what_is_refused(voices: Cli) -> None:
    execute(
        voices.database,
        "UPDATE voices SET state = 'lost', gone_at = created_at WHERE name = 'two'",
    )
    before = voices.content()
    assert_refused(voices("alias", "set", "a b", "v-0000000"), 2, "alias")
    assert_refused(voices("alias", "set", "v-0000000", "v-0000000"), 2, "the id of a voice")
    assert voices("alias", "set", "narrator", "v-0000001").code == 1
    assert_refused(voices("alias", "set", "narrator", "nobody"), 4)
    assert_refused(voices("alias", "remove", "narrator"), 4, "no alias 'narrator'")
    assert voices.content() == before


def test_a_near_name_is_suggested(voices: Cli) -> None:
    voices.done("alias", "set", "narrator", "v-0000000")
    assert_refused(voices("alias", "remove", "narator"), 4, "did you mean narrator?")


def test_on_a_terminal(cli: Cli) -> None:
    add_voices(cli.database, "one")
    cli.done("alias", "set", "旁白", "v-0000000")
    shown = plain(on_terminal("alias", "list").out)
    assert "旁白" in shown
    assert max(map(len, shown.splitlines())) <= 80
