"""Command lines that cannot be understood, and names that nothing has."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import add_voices, assert_refused, assert_usage_error, creating

USAGE = [
    (["lst"], "No such command 'lst'. Did you mean list?"),
    (["zzzzzz"], "No such command 'zzzzzz'."),
    (["account", "lst"], "No such command 'lst'."),
    (["list", "--no-such-option"], "No such option"),
    (["--no-such-option", "list"], "No such option"),
    (["list", "word"], "unexpected extra argument"),
    (["show"], "Missing argument 'VOICE'"),
    (["delete"], "Name a VOICE"),
    (["edit"], "Nothing to change"),
    (["preview"], "Missing argument 'VOICE'"),
    (["create"], "Missing option"),
    (["account", "add"], "Missing argument 'NAME'"),
    (["edit", "someone"], "Nothing to change: say --tag, --untag, --owner, --note or --pin."),
    (["account", "edit", "default"], "Nothing to change"),
    ([*creating(), "--tag", "x"], "'x' is not of the form KEY=VALUE"),
    ([*creating(), "--tag", "=x"], "'=x' is not of the form KEY=VALUE"),
    ([*creating(), "--sample-rate", "fast"], "'fast' is not a valid integer"),
    ([*creating(), "--wait", "-1"], "-1"),
    (["list", "--tag", "=x"], "'=x' is not of the form KEY or KEY=VALUE"),
    (["list", "--state", "asleep"], "'asleep' is not one of"),
    (["list", "--limit", "-1"], "-1"),
    (["list", "--format", "xml"], "'xml' is not one of"),
    (["list", "--family", "x"], "'x' is not one of"),
    (["events", "--limit", "0"], "0"),
    (["quota", "--need", "0"], "0"),
    (["account", "add", "x", "--limit", "cosyvoice"], "is not of the form cosyvoice=N or"),
    (["account", "add", "x", "--limit", "cosyvoice=-1"], "is not of the form cosyvoice=N or"),
    (["account", "add", "x", "--limit", "else=1"], "is not of the form cosyvoice=N or"),
    (["account", "add", "x", "--limit", "qwen-tts=\u0661"], "is not of the form cosyvoice=N or"),
    (["sandbox", "--port", "65536"], "65536"),
]


@pytest.mark.parametrize(("words", "said"), USAGE, ids=lambda value: " ".join(value)[:40])
def test_a_command_line_that_cannot_be_understood(cli: Cli, words: list[str], said: str) -> None:
    before = cli.content()

    assert_usage_error(cli(*words), said)

    assert cli.content() == before
    assert cli.actions == []


def test_no_command_at_all_shows_the_help_as_an_error(cli: Cli) -> None:
    result = cli()

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: voicereg")
    assert "Commands:" in result.err


@pytest.mark.parametrize(
    "since", ["yesterday", "2026-13-01", "", "25:00", "2026-11-23T10:00+99:00"]
)
def test_a_time_that_is_none(cli: Cli, since: str) -> None:
    assert_refused(cli("events", "--since", since), 2, "since: it must be a time such as")


@pytest.mark.parametrize(
    "words",
    [
        creating(),
        creating("qwen-tts", "--dry-run"),
        ["list"],
        ["quota"],
        ["events"],
        ["show", "x"],
        ["preview", "x"],
        ["delete", "x", "--yes"],
        ["edit", "x", "--pin"],
    ],
    ids=lambda words: words[0],
)
def test_an_account_that_is_not_there(cli: Cli, words: list[str]) -> None:
    before = cli.content()

    result = cli("-a", "nobody", *words)

    assert_refused(result, 4, "no account 'nobody'; there is default", "account add")
    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize("command", ["show", "edit", "remove"])
def test_an_account_that_is_not_there_by_name(cli: Cli, command: str) -> None:
    options = ["--limit", "cosyvoice=1"] if command == "edit" else []

    assert_refused(cli("account", command, "nobody", *options), 4, "no account 'nobody'")


@pytest.mark.parametrize(
    "words",
    [["show"], ["preview"], ["events", "--voice"], ["edit", "--pin"], ["delete", "--yes"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("reference", ["nothing", "", "%", "_", "*", "a\nb"])
def test_a_voice_that_is_not_there(cli: Cli, words: list[str], reference: str) -> None:
    cli.created()
    before = cli.content()
    cli.sandbox.clear_requests()

    assert_refused(cli(*words, reference), 4, "no voice ", "in account default")

    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize(
    "words", [["show"], ["preview"], ["events", "--voice"], ["edit", "--pin"]], ids=" ".join
)
def test_a_beginning_of_several(cli: Cli, words: list[str]) -> None:
    add_voices(cli.database, "one", "two")
    before = cli.content()

    assert_refused(
        cli(*words, "voice"),
        2,
        "'voice' is the beginning of several voices: voice0000000, voice0000001",
        "give more of the id",
    )
    assert cli.content() == before


def test_a_beginning_of_one_will_do(cli: Cli) -> None:
    voice = cli.created()

    assert cli.done("show", voice[:5], "--json").json()["id"] == voice


def test_a_name_points_to_the_id(cli: Cli) -> None:
    voice = cli.created()

    assert_refused(cli("show", "narrator"), 4, f"did you mean {voice}?")


def test_a_typing_error_points_to_what_is_spelled_nearly_so(cli: Cli) -> None:
    voice = cli.created()
    cli.done("alias", "set", "anchor", voice)
    wrong = voice[:-1] + ("a" if voice[-1] != "a" else "b")

    assert_refused(cli("show", wrong), 4, f"did you mean {voice}?")
    assert_refused(cli("show", "anchr"), 4, "did you mean anchor?")


def test_a_voice_that_never_came_about_is_named_last(cli: Cli) -> None:
    cli.sandbox.misbehave("create", "quota-full")
    assert cli(*creating()).code == 3
    cli.sandbox.clear_faults()
    cli.done("sync", "--force")
    voice = cli.created()

    result = cli("show", "narrator")

    assert f"did you mean {voice} or " in result.err


def test_what_deletes_wants_all_of_an_id(cli: Cli) -> None:
    voice = cli.created()

    for command in ("delete", "choose"):
        refused = cli(command, voice[:6], "--yes")
        assert_refused(refused, 4, "wants all of it", f"did you mean {voice}?")


def test_one_unknown_voice_keeps_all_from_being_edited(cli: Cli) -> None:
    voice = cli.created()
    before = cli.content()

    assert_refused(cli("edit", voice, "nothing", "--pin"), 4, "no voice 'nothing'")

    assert cli.content() == before


def test_a_preview_of_a_voice_that_has_none(cli: Cli) -> None:
    add_voices(cli.database, "found")

    assert_refused(cli("preview", "voice0000000", "-o", "p.wav"), 4, "no preview audio is kept")
    assert_refused(cli("preview", "voice0000000", "-o", "-"), 4, "no preview audio is kept")


def test_a_preview_does_not_overwrite_unasked(cli: Cli) -> None:
    voice = cli.created()
    cli.done("preview", voice)

    assert_refused(cli("preview", voice), 2, "it exists already", "with -o")
    cli.done("preview", voice, "-o", f"{voice}.wav")


@pytest.mark.parametrize("file", ["no/such/p.wav", ".", "/dev/full"])
def test_a_preview_that_cannot_be_written(cli: Cli, file: str) -> None:
    voice = cli.created()

    assert_refused(cli("preview", voice, "-o", file), 2, "file: ")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["-v", "show", "nothing"], "VoiceNotFound"),
        (["-vv", "-a", "nobody", "list"], "AccountNotFound"),
        (["-qv", "events", "--since", "x"], "InvalidInput"),
        (["--verbose", "--config", "nothing.toml", "list"], "InvalidInput"),
    ],
)
def test_a_traceback_is_shown_when_it_is_asked_for(cli: Cli, words: list[str], kind: str) -> None:
    result = cli(*words)

    assert result.code in {2, 4}
    assert result.err.startswith("Traceback (most recent call last):")
    assert f"errors.{kind}: " in result.err
    assert "\nvoicereg: " in result.err


def test_a_v_in_a_value_asks_for_no_traceback(cli: Cli) -> None:
    assert_refused(cli("-anavigator", "list"), 4, "no account 'navigator'")
    assert_refused(cli(f"-d{cli.database}", "show", "nothing"), 4, "no voice 'nothing'")
