"""A voice is made whatever became of its preview audio; a preview that is kept is what it says."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from voicereg.domain.families import Family
from voicereg.domain.remote import CreatedVoice

from .support import WAV, Script, client_of, created, design, ok


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def made(family: Family, preview: object, **asked: object) -> CreatedVoice:
    with client_of(Script(ok(created(family, preview_audio=preview)))) as client:
        return client.create(design(family, **asked))


BROKEN: list[tuple[object, str]] = [
    (None, "no preview"),
    ([], "no preview"),
    ("UklGRg==", "no preview"),
    ({}, "no preview"),
    ({"data": None}, "no preview"),
    ({"data": 5}, "no preview"),
    ({"data": ["UklGRg=="]}, "no preview"),
    ({"data": ""}, "empty"),
    ({"data": "not Base64!"}, "Base64"),
    ({"data": "UklGR"}, "Base64"),
    ({"data": "data:audio/wav;base64,"}, "empty"),
    ({"data": "!" + encoded(WAV)}, "Base64"),
    ({"data": "é" * 4}, "Base64"),
]

ODD: list[tuple[bytes, str | None, str]] = [
    (b"<html>", "wav", "wav"),
    (b"<html>", "WAV", "wav"),
    (b"<html>", None, "wav"),
    (WAV, "mp3", "mp3"),
    (WAV, "opus", "opus"),
    (b"OggS", "wav", "wav"),
]


@pytest.mark.parametrize(("data", "said", "named"), ODD)
@pytest.mark.parametrize("family", list(Family))
def test_what_looks_odd_is_kept_and_told(
    family: Family, data: bytes, said: str | None, named: str
) -> None:
    """It is sent only once."""
    voice = made(family, {"data": encoded(data), "response_format": said})
    assert voice.preview is not None
    assert voice.preview.data == data
    assert voice.preview_problem is not None
    assert named in voice.preview_problem


@pytest.mark.parametrize(
    "text",
    [
        encoded(WAV).rstrip("="),
        "\n".join([encoded(WAV)[:8], encoded(WAV)[8:], ""]),
        "data:audio/wav;base64," + encoded(WAV),
    ],
)
def test_base64_is_read_however_it_is_written(text: str) -> None:
    voice = made(Family.COSYVOICE, {"data": text})
    assert voice.preview is not None
    assert voice.preview.data == WAV
    assert voice.preview_problem is None


@pytest.mark.parametrize(("preview", "problem"), BROKEN)
@pytest.mark.parametrize("family", list(Family))
def test_a_voice_without_a_usable_preview(family: Family, preview: object, problem: str) -> None:
    voice = made(family, preview)
    output = created(family)
    assert voice.voice_id == output.get("voice_id", output.get("voice"))
    assert voice.preview is None
    assert voice.preview_problem is not None
    assert problem in voice.preview_problem


def test_no_preview_audio_at_all() -> None:
    output = created()
    del output["preview_audio"]
    with client_of(Script(ok(output))) as client:
        voice = client.create(design())
    assert voice.preview is None
    assert voice.preview_problem


@pytest.mark.parametrize(
    ("response_format", "data"),
    [
        ("wav", WAV),
        ("mp3", b"ID3\x04rest"),
        ("mp3", b"\xff\xfb\x90rest"),
        ("opus", b"OggS\x00rest"),
        ("pcm", b"\x00\x01\x02"),
    ],
)
def test_each_format_is_kept_byte_for_byte(response_format: str, data: bytes) -> None:
    voice = made(
        Family.QWEN_TTS,
        {"data": encoded(data), "response_format": response_format, "sample_rate": 16000},
    )
    assert voice.preview_problem is None
    assert voice.preview is not None
    assert voice.preview.data == data
    assert voice.preview.response_format == response_format
    assert voice.preview.sample_rate == 16000


def test_what_the_answer_says_outweighs_what_was_asked() -> None:
    voice = made(
        Family.QWEN_TTS,
        {"data": encoded(b"OggS"), "response_format": "opus", "sample_rate": 48000},
        response_format="mp3",
        sample_rate=8000,
    )
    assert voice.preview is not None
    assert (voice.preview.response_format, voice.preview.sample_rate) == ("opus", 48000)


@pytest.mark.parametrize("said", [None, "", 7, ["wav"], "a/b", "far too long for a format"])
def test_the_format_asked_for_stands_where_the_answer_names_none(said: object) -> None:
    voice = made(
        Family.COSYVOICE,
        {"data": encoded(b"ID3"), "response_format": said},
        response_format="mp3",
    )
    assert voice.preview is not None
    assert voice.preview.response_format == "mp3"


@pytest.mark.parametrize("said", [None, 0, -1, True, "24000", 24000.5, 10**20])
def test_the_sample_rate_asked_for_stands_where_the_answer_names_none(said: object) -> None:
    voice = made(Family.COSYVOICE, {"data": encoded(WAV), "sample_rate": said}, sample_rate=16000)
    assert voice.preview is not None
    assert voice.preview.sample_rate == 16000


def test_the_audio_is_in_no_repr() -> None:
    voice = made(Family.COSYVOICE, {"data": encoded(WAV), "response_format": "wav"})
    assert "WAVEfmt" not in repr(voice)


def test_a_large_preview() -> None:
    data = WAV + bytes(5_000_000)
    content = json.dumps({"output": created(preview_audio={"data": encoded(data)})})
    with client_of(Script(httpx.Response(200, content=content.encode()))) as client:
        voice = client.create(design())
    assert voice.preview is not None
    assert voice.preview.data == data
