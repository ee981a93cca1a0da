"""``voicereg synthesize``: to a file or a pipe, from words or stdin, and what it says of it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import PROGRAM as PROGRAM_WORDS
from tests.cli.support import assert_refused, assert_usage_error, environment, finished, spawn

REALTIME = "qwen3-tts-vd-realtime-2026-01-15"
CHINESE = "晚上好，欢迎收听今天的节目。"
VOICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "link": ("qwen-tts", ()),
    "inference": ("cosyvoice", ()),
    "realtime": ("qwen-tts", ("--model", REALTIME)),
}
each_way = pytest.mark.parametrize("way", list(VOICES))


def voice_of(cli: Cli, way: str) -> str:
    family, options = VOICES[way]
    return cli.created(family, *options)


def uses(cli: Cli, voice: str) -> Any:
    shown = cli.done("show", voice, "--json").json()
    return shown["last_used_at"], shown["last_used_source"]


def run(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The program in a process of its own, with real pipes."""
    return subprocess.run(
        [*PROGRAM_WORDS, *words], input=given, capture_output=True, env=environment(), timeout=60
    )


@each_way
def test_to_a_file(cli: Cli, way: str) -> None:
    voice = voice_of(cli, way)

    result = cli.done("synthesize", voice, CHINESE, "-o", "one.wav", "--source", "tests")

    assert result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith("wrote one.wav (wav, ")
    assert "first audio after " in line
    assert "; request " in line
    with wave.open("one.wav") as sound:
        assert sound.getnframes() > 12000
    assert [path.name for path in Path().iterdir()] == ["one.wav"]
    assert uses(cli, voice)[1] == "tests"


@each_way
def test_as_json(cli: Cli, way: str) -> None:
    voice = voice_of(cli, way)

    told = cli.done("synthesize", voice, CHINESE, "-o", "one.wav", "--json").json()

    assert set(told) == {
        "id",
        "voice_id",
        "target_model",
        "request_id",
        "first_audio_after_ms",
        "size_bytes",
        "format",
        "sample_rate",
        "file",
    }
    assert (told["id"], told["format"], told["file"]) == (voice, "wav", "one.wav")


@pytest.mark.parametrize(
    ("file", "options", "beginning"),
    [
        ("one.mp3", (), b"\xff"),
        ("one.OPUS", (), b"OggS"),
        ("one.wav", (), b"RIFF"),
        ("one.audio", (), b"RIFF"),
        ("one", ("--format", "mp3"), b"\xff"),
        ("one.wav", ("--format", "opus"), b"OggS"),
    ],
)
def test_the_ending_says_the_format(
    cli: Cli, file: str, options: tuple[str, ...], beginning: bytes
) -> None:
    cli.done("synthesize", cli.created("cosyvoice"), CHINESE, "-o", file, *options)
    assert Path(file).read_bytes().startswith(beginning)


@each_way
def test_to_a_pipe_from_a_pipe(cli: Cli, way: str) -> None:
    voice = voice_of(cli, way)

    result = run("synthesize", voice, "-o", "-", given=(CHINESE + "\n").encode())

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"RIFF")
    assert result.stdout.count(b"RIFF") == 1
    assert result.stderr.startswith(b"done (wav, ")
    said = [one for one in cli.sandbox.requests if CHINESE.encode() in one.raw]
    assert len(said) == 1
    assert f'"{CHINESE}"'.encode() in said[0].raw
    assert uses(cli, voice)[0] is not None


def test_a_reader_that_leaves(cli: Cli) -> None:
    voice = cli.created("cosyvoice")
    process = spawn("synthesize", voice, CHINESE * 300, "-o", "-")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert said == ""
    assert uses(cli, voice) == (None, None)


def test_a_text_that_is_no_text(cli: Cli) -> None:
    voice = cli.created()
    result = run("synthesize", voice, "-o", "one.wav", given=b"\xff\xfe\x80")
    assert result.returncode == 2
    assert b"Traceback" not in result.stderr
    assert b"internal error" not in result.stderr
    assert not Path("one.wav").exists()


def test_wrong_usage(cli: Cli) -> None:
    voice = cli.created()
    assert_usage_error(cli("synthesize", voice, "Hello."), "-o")
    assert_usage_error(cli("synthesize", voice, "Hello.", "-o", "-", "--json"), "--json")
    assert_usage_error(cli("synthesize", voice, "x", "-o", "a", "--format", "flac"), "flac")
    for words, said in [
        (("-o", "none/one.wav"), "none"),
        (("-o", "."), "directory"),
        (("-o", "one.mp3"), "offers wav"),
        (("-o", "one.wav", "--sample-rate", "8000"), "24000"),
        (("-o", "one.wav", "--source", ""), "source"),
    ]:
        assert_refused(cli("synthesize", voice, "Hello.", *words), 2, said)
    assert_refused(cli("synthesize", voice, " ", "-o", "one.wav"), 2, "text")
    assert_refused(cli("synthesize", "nobody", "Hello.", "-o", "one.wav"), 4)
    assert cli.actions == ["create"]
    assert list(Path().iterdir()) == []


@each_way
def test_a_voice_that_is_gone(cli: Cli, way: str) -> None:
    voice = voice_of(cli, way)
    cli.sandbox.remove_voice(cli.done("show", voice, "--json").json()["voice_id"])

    result = cli("synthesize", voice, CHINESE, "-o", "one.wav")

    assert_refused(result, 5, "VoiceNotFound", "voicereg sync")
    assert cli.done("show", voice, "--json").json()["state"] == "missing"
    assert not Path("one.wav").exists()


@each_way
@pytest.mark.parametrize("kind", ["500", "html", "error-200"])
def test_a_fault(cli: Cli, way: str, kind: str) -> None:
    voice = voice_of(cli, way)
    Path("one.wav").write_bytes(b"earlier")
    cli.sandbox.misbehave("synthesize", kind)

    assert_refused(cli("synthesize", voice, CHINESE, "-o", "one.wav"), 5)

    assert Path("one.wav").read_bytes() == b"earlier"
    assert [path.name for path in Path().iterdir()] == ["one.wav"]
    assert uses(cli, voice) == (None, None)


@pytest.mark.parametrize("way", ["inference", "realtime"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, None)], ids=["int", "term"]
)
def test_stopped_in_the_middle(
    cli: Cli, way: str, number: signal.Signals, code: int | None
) -> None:
    voice = voice_of(cli, way)
    Path("one.wav").write_bytes(b"earlier")
    cli.sandbox.misbehave("synthesize", "timeout", after=True)
    process = spawn("synthesize", voice, CHINESE, "-o", "one.wav")
    assert cli.sandbox.wait_for_held()

    process.send_signal(number)
    result = finished(process)
    cli.sandbox.release_held()

    assert result.code == code if code is not None else result.code != 0
    assert "Traceback" not in result.err
    assert Path("one.wav").read_bytes() == b"earlier"
    assert [path.name for path in Path().iterdir()] == ["one.wav"]
    assert uses(cli, voice) == (None, None)


@each_way
def test_the_key_is_nowhere(cli: Cli, way: str, caplog: pytest.LogCaptureFixture) -> None:
    key = "a-key-that-is-nowhere-to-be-seen"
    voice = voice_of(cli, way)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DASHSCOPE_API_KEY", key)
        refused = cli("-vv", "synthesize", voice, CHINESE, "-o", "one.wav")
    assert refused.code == 5
    good = cli.done("-vv", "synthesize", voice, CHINESE, "-o", "one.wav")
    for said in (refused.out, refused.err):
        assert key not in said
    assert cli.sandbox.api_key not in good.out + good.err
    assert not any(download.with_key for download in cli.sandbox.downloads)


def test_the_pipe_gets_the_very_audio(cli: Cli) -> None:
    voice = cli.created("cosyvoice")
    cli.done("synthesize", voice, CHINESE, "-o", "one.wav")
    piped = run("synthesize", voice, CHINESE, "-o", "-").stdout
    assert piped == Path("one.wav").read_bytes()
    with wave.open(io.BytesIO(piped)) as sound:
        assert sound.getnframes() > 12000
    assert json.loads(cli.done("show", voice, "--json").out)["last_used_at"]
