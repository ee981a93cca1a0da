"""What a person sees: tables that fit and line up, questions, and nothing that moves the cursor."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.cli.conftest import Cli
from tests.cli.support import add_voices, assert_nothing_raw, creating, execute, plain
from tests.cli.terminal import on_terminal

NASTY = "a\x1b[2J\x1b]0;t\x07\x9b31m\u202eb\nc\td[red]x[/red]\u4e2d\u6587"


def cells_before(line: str, word: str) -> int:
    return cell_len(line[: line.index(word)])


@pytest.fixture
def voices(cli: Cli) -> Cli:
    """Voices with short, long, wide and nasty names, and every other state."""
    add_voices(cli.database, "narrator", "沉稳的说书人", "abcdefghijklmnop", "\x1b[31m红\u202e")
    execute(
        cli.database,
        "UPDATE voices SET target_model = 'qwen3-tts-vd-realtime-2026-01-15',"
        " state = 'unresolved', voice_id = NULL WHERE name = 'abcdefghijklmnop'",
    )
    return cli


@pytest.mark.parametrize("options", [(), ("--all-accounts",)])
def test_the_list_fits_80_columns_and_lines_up(voices: Cli, options: tuple[str, ...]) -> None:
    shown = on_terminal("list", *options)

    assert shown.code == 0
    assert_nothing_raw(shown.out, colours=True)
    header, *rows = plain(shown.out).splitlines()
    assert len(rows) == 4
    assert max(cell_len(line) for line in (header, *rows)) <= 80
    assert "\x1b[" in shown.out  # colours
    for row in rows:
        state = "unresolved" if "unresolved" in row else "active"
        assert cells_before(row, state) == cells_before(header, "STATE")
        assert cells_before(row, "qwen3-tts") == cells_before(header, "MODEL")
    assert "DAYS LEFT" in header
    assert "PROMPT" not in header


def test_what_does_not_fit_ends_in_an_ellipsis(voices: Cli) -> None:
    shown = plain(on_terminal("list").out)

    assert "qwen3-tts-vd-realtime-2026-01-15" not in shown
    assert "…" in shown


def test_a_wide_terminal_shows_more_columns(voices: Cli) -> None:
    header, *rows = plain(on_terminal("list", columns=240).out).splitlines()

    for title in ("PIN", "CREATED", "LAST USED", "OWNER", "TAGS", "PROMPT", "VOICE ID"):
        assert title in header
    for row in rows:
        assert cells_before(row, "2099-11-23") == cells_before(header, "CREATED")
    assert any("qwen3-tts-vd-realtime-2026-01-15" in row for row in rows)


@pytest.mark.parametrize(
    "command",
    [
        ("quota",),
        ("events",),
        ("account", "list"),
        ("expiring", "--within", "400"),
        ("-q", "sync"),
        ("-q", "doctor"),
    ],
)
def test_other_lists_fit_80_columns(cli: Cli, command: tuple[str, ...]) -> None:
    cli.done("account", "add", "a-second-account", "--workspace", "ws-1")
    cli.created("qwen-tts", "--note", NASTY)
    cli.sandbox.add_voice(
        family="qwen-tts", origin="cloned", target_model=f"qwen3-{NASTY}", name="红"
    )

    shown = on_terminal(*command)

    assert shown.code == 0
    assert_nothing_raw(shown.out, colours=True)
    assert max(cell_len(line) for line in plain(shown.out).splitlines()) <= 80


def test_show_tells_everything_and_nothing_raw(cli: Cli) -> None:
    voice = cli.created("qwen-tts", "--note", NASTY, "--owner", "工作室", "--pin")

    shown = on_terminal("show", voice)

    assert_nothing_raw(shown.out, colours=True)
    text = plain(shown.out)
    assert "[red]x[/red]" in text
    assert "\\e[2J" in text
    assert "工作室" in text


def test_no_color_is_honoured(voices: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    shown = on_terminal("list").out

    for colour in range(30, 38):
        assert f"\x1b[{colour}m" not in shown
    assert "active" in shown


def test_an_error_is_plain(cli: Cli) -> None:
    shown = on_terminal("show", "x\x1b[31m\u202e")

    assert shown.code == 4
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out


def test_create_shows_how_far_it_is(cli: Cli) -> None:
    shown = on_terminal(*creating("cosyvoice"))

    assert shown.code == 0
    assert "checking the quota" in shown.out
    assert "active" in plain(shown.out)


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_delete_asks_and_takes_no_for_an_answer(cli: Cli, answer: str) -> None:
    voice = cli.created()
    before = cli.content()
    cli.sandbox.clear_requests()

    shown = on_terminal("delete", voice, typed=answer)

    assert shown.code == (130 if answer == "\x04" else 1)
    assert f"{voice}  narrator" in shown.out
    assert "Delete this voice for good? [y/N]" in shown.out
    assert "Traceback" not in shown.out
    assert cli.content() == before
    assert cli.actions == []


def test_delete_asks_once_for_several_and_takes_yes(cli: Cli) -> None:
    voices = [cli.created(), cli.created("cosyvoice")]

    shown = on_terminal("delete", *voices, typed="y\n")

    assert shown.code == 0
    assert shown.out.count("Delete these 2 voices for good? [y/N]") == 1
    assert cli.done("list", "--json").json() == []


def test_audio_is_not_written_to_a_terminal(cli: Cli) -> None:
    voice = cli.created()

    shown = on_terminal("preview", voice, "-o", "-")

    assert shown.code == 2
    assert "RIFF" not in shown.out
    assert "give a file with -o" in shown.out
