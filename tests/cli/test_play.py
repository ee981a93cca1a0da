"""``preview --play``: with a program that a test puts where players are looked for."""

from __future__ import annotations

import stat
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused

Player = Callable[..., Path]


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Player:
    """Makes the only player that there is; what it is given to play is found in a file."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("VOICEREG_PLAYER", raising=False)

    def make(name: str, code: int = 0) -> Path:
        heard = tmp_path / "heard"
        program = programs / name
        program.write_text(
            "#!/bin/sh\nfor last do :; done\n"
            f'/bin/cp "$last" {heard}\n/bin/echo "$@" > {heard}.words\nexit {code}\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return heard

    return make


def test_it_is_played_and_no_file_is_left(cli: Cli, player: Player) -> None:
    voice = cli.created("qwen-tts", "--name", "anchor")
    heard = player("aplay")

    result = cli.done("preview", voice, "--play")

    assert f"playing {voice} (anchor) with aplay" in result.err
    assert result.out == ""
    with wave.open(str(heard), "rb") as audio:
        assert audio.getnframes() > 0
    assert not list(Path().iterdir())
    words = Path(f"{heard}.words").read_text().split()
    assert words[0] == "-q"
    assert not Path(words[-1]).exists()


def test_raw_samples_are_played_with_a_header(cli: Cli, player: Player) -> None:
    voice = cli.created("qwen-tts", "--response-format", "pcm", "--sample-rate", "16000")
    heard = player("paplay")

    cli.done("preview", voice, "--play", "-o", "kept.pcm")

    with wave.open(str(heard), "rb") as audio:
        assert (audio.getframerate(), audio.getnchannels()) == (16000, 1)
        assert audio.readframes(audio.getnframes()) == Path("kept.pcm").read_bytes()


def test_the_player_of_ones_choice(
    cli: Cli, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = cli.created()
    player("aplay")
    heard = player("mine")
    monkeypatch.setenv("VOICEREG_PLAYER", "mine --loud")

    document = cli.done("preview", voice, "--play", "--json").json()

    assert Path(f"{heard}.words").read_text().startswith("--loud ")
    assert (document["id"], document["file"]) == (voice, None)


def test_a_format_that_a_player_does_not_know_is_not_given_to_it(cli: Cli, player: Player) -> None:
    voice = cli.created("qwen-tts", "--response-format", "mp3")
    player("aplay")

    refused = cli("preview", voice, "--play")

    assert_refused(refused, 2, "no program that plays mp3 was found (mpv, ffplay", "-o writes")


@pytest.mark.parametrize("chosen", ["nobody-has-this", "'unclosed"])
def test_a_player_that_is_not_there(
    cli: Cli, player: Player, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    voice = cli.created()
    player("aplay")
    monkeypatch.setenv("VOICEREG_PLAYER", chosen)

    assert_refused(cli("preview", voice, "--play"), 2, "VOICEREG_PLAYER")


def test_a_player_that_fails(cli: Cli, player: Player) -> None:
    voice = cli.created()
    player("aplay", code=3)

    result = cli("preview", voice, "--play")

    assert result.code == 1
    assert "aplay ended with exit code 3" in result.err
    assert not list(Path().iterdir())
