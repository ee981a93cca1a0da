"""``voicereg preview --make``: a recording to keep, of a voice that came without one."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, assert_usage_error
from voicereg.sandbox import Sandbox

MODELS = {
    "link": ("qwen-tts", "qwen3-tts-vd-2026-01-26"),
    "inference": ("cosyvoice", "cosyvoice-v3.5-plus"),
    "realtime": ("qwen-tts", "qwen3-tts-vd-realtime-2026-01-15"),
}


def imported(cli: Cli, way: str = "link", **more: str) -> str:
    """A voice that was made elsewhere, by its registry id."""
    family, model = MODELS[way]
    told: dict[str, Any] = {
        "prompt": "A calm voice.",
        "preview_text": "Good evening.",
        "language": "en",
    } | more
    cli.sandbox.add_voice(family=family, origin="designed", target_model=model, name="n", **told)
    cli.done("sync")
    (voice,) = cli.done("list", "--json").json()
    return str(voice["id"])


def spoken(sandbox: Sandbox) -> int:
    return sum(voice.uses for voice in sandbox.voices())


@pytest.mark.parametrize("way", list(MODELS))
def test_an_imported_voice_gets_one_to_keep(cli: Cli, way: str) -> None:
    voice = imported(cli, way)
    assert_refused(cli("preview", voice, "-o", "one.wav"), 4)

    cli.done("preview", voice, "--make", "-o", "one.wav")

    with wave.open("one.wav") as sound:
        frames = sound.getnframes()
        assert len(sound.readframes(frames)) == 2 * frames == Path("one.wav").stat().st_size - 44
    assert spoken(cli.sandbox) == 1
    assert cli.done("show", voice, "--json").json()["last_used_at"] is not None
    kept = [
        event for event in cli.done("events", "--json").json() if event["action"] == "voice.preview"
    ]
    assert [event["voice"] for event in kept] == [voice]

    cli.done("preview", voice, "--make", "-o", "two.wav")
    cli.done("preview", voice, "-o", "three.wav")

    assert spoken(cli.sandbox) == 1
    one = Path("one.wav").read_bytes()
    assert one == Path("two.wav").read_bytes() == Path("three.wav").read_bytes()
    events = cli.done("events", "--json").json()
    assert sum(event["action"] == "voice.preview" for event in events) == 1


def test_a_designed_voice_keeps_its_own(cli: Cli) -> None:
    voice = cli.created()
    cli.done("preview", voice, "-o", "one.wav")
    cli.done("preview", voice, "--make", "-o", "two.wav")
    assert Path("one.wav").read_bytes() == Path("two.wav").read_bytes()
    assert spoken(cli.sandbox) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "Good evening."), (("--text", "晚上好。"), "晚上好。")],
)
def test_what_it_says(cli: Cli, options: tuple[str, ...], said: str) -> None:
    voice = imported(cli)
    cli.done("preview", voice, "--make", "-o", "one.wav", *options)
    assert cli.sandbox.requests[-1].body["input"]["text"] == said


def test_text_goes_with_make(cli: Cli) -> None:
    voice = imported(cli)
    assert_usage_error(cli("preview", voice, "--text", "Hello.", "-o", "one.wav"), "--make")


def test_one_that_fails_keeps_nothing(cli: Cli) -> None:
    voice = imported(cli)
    cli.sandbox.misbehave("synthesize", "500")
    assert_refused(cli("preview", voice, "--make", "-o", "one.wav"), 5)
    assert_refused(cli("preview", voice, "-o", "one.wav"), 4)
    assert list(Path().iterdir()) == []
    cli.done("preview", voice, "--make", "-o", "one.wav")
