"""Accounts as large as the provider allows: few requests, true counts, and a bar to watch."""

from __future__ import annotations

from tests.cli.conftest import Cli
from tests.cli.support import plain
from tests.cli.terminal import on_terminal


def test_an_existing_account_is_imported_and_counted(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.sandbox.fill("cosyvoice", 900)
    cli.sandbox.fill("qwen-tts", 800)

    sync = cli.done("sync", "--json").json()

    assert (sync["imported"], sync["complete"], len(sync["changes"])) == (1700, True, 1700)
    counts = {quota["family"]: quota for quota in cli.done("quota", "--json").json()}
    assert (counts["cosyvoice"]["used"], counts["qwen-tts"]["used"]) == (900, 800)
    assert (counts["cosyvoice"]["level"], counts["qwen-tts"]["remaining"]) == ("warning", 200)
    assert not any(quota["stale"] for quota in counts.values())
    recorded = {voice["voice_id"]: voice for voice in cli.done("list", "--json").json()}
    assert len(recorded) == 1700
    for made in cli.sandbox.voices():
        voice = recorded[made.voice_id]
        assert (voice["origin"], voice["target_model"]) == (made.origin, made.target_model)
        assert (voice["name"], voice["prompt"]) == (made.name, made.prompt)
        assert voice["deadline_basis"] == "estimated"


def test_two_thousand_known_voices_take_few_requests(cli: Cli) -> None:
    cli.sandbox.fill("cosyvoice", 1000)
    cli.sandbox.fill("qwen-tts", 1000)
    cli.done("sync")
    cli.sandbox.clear_requests()

    sync = cli.done("sync", "--json").json()

    assert sync["listed"] == 2000
    assert len(cli.actions) == sync["requests"] <= 24
    assert set(cli.actions) == {"list_voice", "list"}


def test_designs_are_imported_without_a_question(cli: Cli) -> None:
    """The id of a design tells its model; only a CosyVoice clone has to be asked for."""
    for number in range(40):
        cli.sandbox.add_voice(
            family="cosyvoice",
            origin="designed" if number % 2 else "cloned",
            target_model="cosyvoice-v3-plus",
            name=f"v{number}",
            prompt="A voice." if number % 2 else None,
        )

    cli.done("sync", "--family", "cosyvoice")

    assert cli.actions.count("query_voice") == 20


def test_a_bar_shows_how_far_it_is(cli: Cli) -> None:
    cli.sandbox.fill("cosyvoice", 120)
    cli.sandbox.fill("qwen-tts", 120)

    shown = plain(on_terminal("sync", columns=80).out)

    for doing in (
        "reading cosyvoice voices",
        "checking cosyvoice voices",
        "reading qwen-tts voices",
    ):
        assert doing in shown
    assert "240 voices listed" in shown
    assert "reading" not in on_terminal("-q", "sync").out


def test_no_bar_where_no_person_watches(cli: Cli) -> None:
    cli.sandbox.fill("qwen-tts", 5)
    assert "reading" not in cli.done("sync").err
