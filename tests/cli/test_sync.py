"""``voicereg sync``, ``resolve`` and ``expiring`` as users meet them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import VOICE_KEYS, creating, plain
from tests.cli.terminal import on_terminal
from tests.fakes import NARRATOR
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.syncs import SYNC_KEYS

DESIGN_KEYS = {
    "account",
    "complete",
    "requests",
    "imported",
    "refreshed",
    "adopted",
    "released",
    "missing",
    "gone",
    "held_back",
    "unresolved",
    "changes",
}
COUNTS = DESIGN_KEYS - {"account", "complete", "changes", "requests"}


def foreign_voice(cli: Cli, **changed: object) -> str:
    """A voice that somebody else made."""
    values: dict[str, object] = {
        "family": "qwen-tts",
        "origin": "cloned",
        "target_model": "qwen3-tts-vc-2026-01-22",
        "name": "colleague",
    }
    return cli.sandbox.add_voice(**(values | changed)).voice_id  # type: ignore[arg-type]


def unresolved(cli: Cli) -> str:
    """A create whose answer is lost though the voice was made; its registry id."""
    cli.sandbox.misbehave("create", "reset", after=True)
    assert cli(*creating()).code == 6
    (voice,) = cli.done("list", "--state", "unresolved", "--json").json()
    return str(voice["id"])


def test_the_json_is_one_object_with_every_key(cli_on_each: Cli) -> None:
    voice_id = foreign_voice(cli_on_each)

    result = cli_on_each.done("sync", "--json")

    sync = result.json()
    assert tuple(sync) == SYNC_KEYS
    assert sync.keys() >= DESIGN_KEYS
    assert {key: sync[key] for key in COUNTS} == dict.fromkeys(COUNTS, 0) | {"imported": 1}
    (change,) = sync["changes"]
    assert (change["voice_id"], change["from"], change["to"]) == (voice_id, None, "active")
    assert change["why"]
    assert result.err == ""


def test_people_get_a_table_and_a_summary(cli_on_each: Cli) -> None:
    voice_id = foreign_voice(cli_on_each)

    result = cli_on_each.done("sync")

    (voice,) = cli_on_each.done("list", "--json").json()
    assert voice["voice_id"] == voice_id
    header, row = result.rows()
    assert header == ["ID", "CHANGE", "FROM", "TO", "WHY", "VOICE ID"]
    assert row[:4] == [voice["id"], "imported", "", "active"]
    assert result.err == "default: 1 voice listed in 4 requests; 1 imported\n"
    again = cli_on_each.done("sync")
    assert again.out == ""
    assert again.err == "default: 1 voice listed in 4 requests; nothing to change\n"


def test_a_dry_run_says_the_same_and_changes_nothing(cli_on_each: Cli) -> None:
    cli = cli_on_each
    known = cli.created()
    foreign_voice(cli)
    cli.sandbox.remove_voice(cli.done("show", known, "--json").json()["voice_id"])
    before = cli.content()

    planned = cli.done("sync", "--dry-run", "--json").json()
    told = cli.done("sync", "--dry-run")

    assert cli.content() == before
    assert "a dry run: nothing was changed" in told.err
    really = cli.done("sync", "--json").json()
    assert (planned["imported"], planned["missing"]) == (1, 1)
    for change in (*planned["changes"], *really["changes"]):
        if change["kind"] == "imported":
            change["id"] = None
    assert planned["changes"] == really["changes"]


def test_many_imports_are_counted_for_people_and_listed_for_programs(cli: Cli) -> None:
    cli.sandbox.fill("qwen-tts", 51)

    shown = plain(on_terminal("sync", "--dry-run").out)
    result = cli.done("sync")

    assert len(result.rows()) == 52
    assert "51 imported" in result.err
    assert "51 imported" in shown
    assert "CHANGE" not in shown


def test_voices_past_their_estimated_deadline_are_told_of_once(cli: Cli) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    for name in ("one", "two"):
        foreign_voice(cli, name=name, created_at=old)
    foreign_voice(cli, name="three")

    first = cli.done("sync")
    second = cli.done("sync")

    assert "2 imported voices made over a year ago" in first.err
    assert "may go any day" in first.err
    assert "any day" not in second.err
    rows = cli.done("expiring").rows()
    assert sorted((row[0], row[2], row[4]) for row in rows[1:]) == [
        ("any day", "estimated", "one"),
        ("any day", "estimated", "two"),
    ]


def test_a_listing_that_fails_is_told_of_with_exit_code_5(cli: Cli) -> None:
    foreign_voice(cli)
    cli.sandbox.misbehave("list", "500", times=None, family="cosyvoice")

    result = cli("sync", "--json")

    assert result.code == 5
    sync = result.json()
    assert (sync["complete"], sync["imported"]) == (False, 1)
    (problem,) = sync["problems"]
    assert problem.startswith("the listing of cloned and designed cosyvoice voices could not be")
    told = cli("sync")
    assert told.code == 5
    assert "attention: the listing of cloned and designed cosyvoice voices could" in told.err
    assert "not complete" in told.err


def test_a_wrong_key_changes_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.created()
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "another-key")

    result = cli("sync", "--json")

    assert result.code == 5
    assert result.json()["changes"] == []
    assert all("InvalidApiKey" in problem for problem in result.json()["problems"])
    assert "another-key" not in result.out + result.err


def test_one_family_is_read_alone(cli: Cli) -> None:
    foreign_voice(cli)
    cli.sandbox.fill("cosyvoice", 2)
    cli.sandbox.clear_requests()

    sync = cli.done("sync", "--family", "qwen-tts", "--json").json()

    assert (sync["families"], sync["imported"]) == (["qwen-tts"], 1)
    assert {request.body["model"] for request in cli.sandbox.requests} == {
        "qwen-voice-design",
        "qwen-voice-enrollment",
    }


def test_all_accounts_are_synced_though_one_lacks_its_key(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.done("account", "add", "another", "--api-key-env", "NOBODY_SET_THIS")
    foreign_voice(cli)

    result = cli("sync", "--all-accounts", "--json")

    assert result.code == 2
    assert [(sync["account"], sync["imported"]) for sync in result.json()] == [("default", 1)]
    assert "NOBODY_SET_THIS is not set" in result.err


def test_quota_says_how_fresh_it_is(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cosyvoice, qwen = cli.done("quota", "--json").json()
    assert (qwen["synced_at"], qwen["stale"]) == (None, True)

    cli.done("sync", "--family", "qwen-tts")

    cosyvoice, qwen = cli.done("quota", "--json").json()
    assert (cosyvoice["synced_at"], cosyvoice["stale"]) == (None, True)
    assert qwen["synced_at"] is not None
    assert not qwen["stale"]
    assert cli.done("quota").rows()[1][-1] == "never"


def test_a_full_quota_that_nobody_expected(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.sandbox.set_limit("qwen-tts", 1)
    foreign_voice(cli)

    refused = cli(*creating())

    assert refused.code == 3
    assert "which was never compared with the provider, counts 0 of 1000" in refused.err
    assert "voicereg sync finds what holds them" in refused.err
    (quota,) = cli.done("quota", "--family", "qwen-tts", "--json").json()
    assert (quota["unseen"], quota["remaining"], quota["stale"]) == (1000, 0, True)

    cli.sandbox.clear_requests()
    again = cli(*creating())
    assert again.code == 3
    assert "1000 taken unseen, by the provider's word" in again.err
    assert cli.actions == []


def test_an_unresolved_create_is_adopted_by_the_next_sync(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voice = unresolved(cli)

    sync = cli.done("sync", "--json").json()

    assert (sync["adopted"], sync["unresolved"]) == (1, 0)
    found = cli.done("show", voice, "--json").json()
    (made,) = cli.sandbox.voices()
    assert (found["state"], found["voice_id"]) == ("active", made.voice_id)
    assert cli.done("quota", "--family", "qwen-tts", "--json").json()[0]["used"] == 1


def test_what_cannot_be_told_is_settled_by_hand(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voice = unresolved(cli)
    (made,) = cli.sandbox.voices()
    twin = foreign_voice(cli, origin="designed", **NARRATOR)

    sync = cli("sync", "--json")

    assert sync.code == 0
    assert (sync.json()["adopted"], sync.json()["unresolved"]) == (0, 1)
    (problem,) = sync.json()["problems"]
    assert f"voicereg resolve {voice} --adopt VOICE_ID" in problem
    assert made.voice_id in problem
    assert twin in problem
    (quota,) = cli.done("quota", "--family", "qwen-tts", "--json").json()
    assert quota["used"] + quota["unseen"] == 2

    resolved = cli.done("resolve", voice, "--adopt", made.voice_id, "--json").json()

    assert resolved.keys() >= VOICE_KEYS
    assert (resolved["id"], resolved["state"]) == (voice, "active")
    cli.done("sync")
    (quota,) = cli.done("quota", "--family", "qwen-tts", "--json").json()
    assert (quota["used"], quota["unseen"]) == (2, 0)


def test_a_create_is_released_by_hand(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.sandbox.misbehave("create", "500")
    assert cli(*creating()).code == 6
    (voice,) = cli.done("list", "--json").json()

    released = cli.done("resolve", voice["id"], "--release")

    assert ["state", "failed"] in released.rows()
    assert cli.done("quota", "--family", "qwen-tts", "--json").json()[0]["used"] == 0
    again = cli("resolve", voice["id"], "--release")
    assert again.code == 1
    assert "it is no create whose outcome is unknown" in again.err


def test_adopting_what_is_not_there(cli: Cli) -> None:
    voice = unresolved(cli)
    before = cli.content()

    result = cli("resolve", voice, "--adopt", "qwen-tts-vd-nobody-1")

    assert result.code == 5
    assert "the provider knows no such voice" in result.err
    assert cli.content() == before


def test_adopting_another_voice_takes_a_word_more(cli: Cli) -> None:
    voice = unresolved(cli)
    other = foreign_voice(
        cli,
        origin="designed",
        target_model=NARRATOR["target_model"],
        prompt="Something else.",
        preview_text=NARRATOR["preview_text"],
    )

    refused = cli("resolve", voice, "--adopt", other)

    assert refused.code == 2
    assert "prompt" in refused.err
    assert "--unchecked" in refused.err
    assert (
        cli.done("resolve", voice, "--adopt", other, "--unchecked", "--json").json()["voice_id"]
        == other
    )


@pytest.mark.parametrize(
    "words",
    [
        ["resolve", "x"],
        ["resolve", "x", "--adopt", "y", "--release"],
        ["resolve", "x", "--release", "--unchecked"],
        ["resolve"],
        ["sync", "--family", "other"],
        ["expiring", "--within", "-1"],
        ["expiring", "--within", "soon"],
    ],
)
def test_wrong_usage(cli: Cli, words: list[str]) -> None:
    before = cli.content()
    assert cli(*words).code == 2
    assert cli.content() == before
    assert cli.actions == []


def test_unknown_voices_have_their_own_exit_code(cli: Cli) -> None:
    assert cli("resolve", "nobody", "--release").code == 4
    assert cli("-a", "nobody", "sync").code == 4


def test_expiring_shows_the_soonest_first(cli_on_each: Cli) -> None:
    cli = cli_on_each
    now = datetime.now(UTC)
    for name, days in (("late", 10), ("soon", 340), ("now", 364), ("past", 380), ("none", 0)):
        foreign_voice(cli, name=name, created_at=now - timedelta(days=days))
    cli.done("sync")

    def names(*options: str) -> list[str]:
        return [voice["name"] for voice in cli.done("expiring", "--json", *options).json()]

    assert names() == ["past", "now", "soon"]
    assert names("--within", "5") == ["past", "now"]
    assert names("--within", "0") == ["past"]
    assert names("--within", "400") == ["past", "now", "soon", "late", "none"]
    assert cli("expiring", "--fail").code == 1
    assert cli.done("expiring", "--json").json()[0]["days_left"] == 0
    assert cli.done("expiring", "--format", "csv").lines()[0].startswith("id,")


def test_expiring_knows_only_what_the_provider_has(cli: Cli) -> None:
    cli.done("expiring", "--fail")
    gone = cli.created()
    cli.done("delete", gone, "--yes")
    unresolved(cli)

    result = cli.done("expiring", "--within", "400", "--fail")

    assert result.lines() == ["\t".join(result.rows()[0])]
    assert "no voice is within 400 days of its deadline" in result.err
