"""``voicereg delete``: at the provider, then here, and never by mistake."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, assert_usage_error, creating, execute


def test_nobody_to_ask_means_nothing_is_deleted(cli: Cli) -> None:
    voice = cli.created()
    before = cli.content()
    cli.sandbox.clear_requests()

    assert_usage_error(cli("delete", voice), "say --yes to delete")

    assert cli.content() == before
    assert cli.actions == []


def test_yes_deletes_there_and_here(cli_on_each: Cli) -> None:
    voice = cli_on_each.created("cosyvoice")

    result = cli_on_each.done("delete", voice, "--yes")

    assert result.err == ""
    assert result.rows()[1][:4] == [voice, "announcer", "cosyvoice-v3.5-plus", "deleted"]
    assert cli_on_each.sandbox.voices() == ()
    assert cli_on_each.done("quota", "--json").json()[0]["used"] == 0


def test_a_provider_id_will_do(cli: Cli) -> None:
    voice_id = cli.done("show", cli.created(), "--json").json()["voice_id"]

    cli.done("delete", voice_id, "--yes")

    assert cli.sandbox.voices() == ()


@pytest.mark.parametrize("options", [["--yes"], ["--yes", "--force"], ["--dry-run"]])
def test_a_beginning_does_not_do(cli: Cli, options: list[str]) -> None:
    voice = cli.created()
    before = cli.content()
    cli.sandbox.clear_requests()

    assert_refused(cli("delete", voice[:-1], *options), 4, "no voice", f"did you mean {voice}?")

    assert cli.content() == before
    assert cli.actions == []


def test_a_dry_run_deletes_nothing(cli: Cli) -> None:
    voice = cli.created()
    before = cli.content()
    cli.sandbox.clear_requests()

    result = cli.done("delete", voice, "--dry-run", "--json")

    assert result.json()["id"] == voice
    assert result.err == "nothing was deleted: this is what would be\n"
    assert cli.content() == before
    assert cli.actions == []


def test_a_pinned_voice_needs_force(cli_on_each: Cli) -> None:
    voice, other = cli_on_each.created("qwen-tts", "--pin"), cli_on_each.created("cosyvoice")
    before = cli_on_each.content()
    cli_on_each.sandbox.clear_requests()

    assert_refused(cli_on_each("delete", other, voice, "--yes"), 2, "is pinned", "--force")
    assert_refused(cli_on_each("delete", voice, "--dry-run"), 2, "is pinned", "--force")
    assert cli_on_each.content() == before
    assert cli_on_each.actions == []

    cli_on_each.done("delete", voice, "--yes", "--force")
    assert [v["id"] for v in cli_on_each.done("list", "--json").json()] == [other]


def test_one_unknown_voice_keeps_all_from_being_deleted(cli: Cli) -> None:
    voice = cli.created()
    before = cli.content()

    assert_refused(cli("delete", voice, "nothing", "--yes"), 4, "no voice 'nothing'")

    assert cli.content() == before


def test_a_voice_that_was_deleted_already(cli: Cli) -> None:
    voice = cli.created()
    first = cli.done("delete", voice, "--yes", "--json").json()
    cli.sandbox.clear_requests()

    assert cli.done("delete", voice, "--yes", "--json").json() == first
    assert cli.actions == []


def test_a_voice_that_is_gone_at_the_provider_is_deleted_here(cli: Cli) -> None:
    voice = cli.created()
    cli.sandbox.remove_voice(cli.done("show", voice, "--json").json()["voice_id"])

    assert cli.done("delete", voice, "--yes", "--json").json()["state"] == "deleted"


def test_a_voice_given_twice_is_deleted_once(cli: Cli) -> None:
    voice = cli.created()
    cli.sandbox.clear_requests()

    result = cli.done("delete", voice, voice, "--yes", "--json")

    assert result.json()["state"] == "deleted"
    assert len(cli.actions) == 1


def test_a_voice_whose_id_is_not_known(cli: Cli) -> None:
    voice = cli.created()
    execute(cli.database, "UPDATE voices SET state = 'unresolved', voice_id = NULL")
    cli.sandbox.clear_requests()

    assert_refused(
        cli("delete", voice, "--yes"),
        1,
        f"voice {voice} is unresolved: its id at the provider is not known",
    )
    assert cli.actions == []


def test_a_voice_that_was_never_made(cli: Cli) -> None:
    assert cli(*creating(prompt="A calm voice. [inspect]")).code == 5
    (voice,) = cli.done("list", "--all", "--json").json()
    cli.sandbox.clear_requests()

    assert_refused(cli("delete", voice["id"], "--yes"), 1, "is failed: it was never made")
    assert cli.actions == []


def test_one_that_fails_does_not_keep_the_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from voicereg.domain.provider_errors import ConnectionLost
    from voicereg.provider.client import ProviderClient

    first, second, third = cli.created(), cli.created("cosyvoice"), cli.created()
    really = ProviderClient.delete

    def sometimes(self: ProviderClient, family: str, voice_id: str, origin: object) -> bool:
        if family == "cosyvoice":
            raise ConnectionLost("the host", "no answer in time")
        return really(self, family, voice_id, origin)  # type: ignore[arg-type]

    monkeypatch.setattr(ProviderClient, "delete", sometimes)

    result = cli("delete", first, second, third, "--yes", "--json")

    assert result.code == 5
    assert [voice["id"] for voice in result.json()] == [first, second, third]
    assert [voice["state"] for voice in result.json()] == ["deleted", "deleting", "deleted"]
    line, advice = result.err.splitlines()
    assert line.startswith(f"voicereg: the outcome of deleting voice {second} is unknown")
    assert advice == (
        f"  voicereg delete {second} asks again: a voice that is gone counts as done; "
        "voicereg sync finds out, too"
    )
