"""Speech over HTTP, and the files that come of it."""

from __future__ import annotations

import base64
import io
import json
import wave
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from voicereg.sandbox import Download, Sandbox, SandboxVoice
from voicereg.sandbox.manner import Manner
from voicereg.sandbox.speaking import speech_file

from .speech import (
    COSY_MODEL,
    GENERATION,
    QWEN_MODEL,
    SYNTHESIZER,
    cosy_voice,
    qwen_voice,
    use,
)
from .wire import Answer, Caller, FakeClock

TEXT = "Good evening. 晚上好！"


def _ask(
    caller: Caller, path: str, model: str, voice: SandboxVoice | str, text: Any = TEXT, **more: Any
) -> Answer:
    voice_id = voice if isinstance(voice, str) else voice.voice_id
    body = {"model": model, "input": {"text": text, "voice": voice_id, **more}}
    return caller.send(json.dumps(body).encode(), path=path)


def _fetch(caller: Caller, url: str, **options: Any) -> Answer:
    parts = urlsplit(url)
    options = {"method": "GET", "headers": {}, **options}
    return caller.send(b"", path=f"{parts.path}?{parts.query}", **options)


def test_qwen(sandbox: Sandbox, caller: Caller, clock: FakeClock) -> None:
    voice = qwen_voice(sandbox)

    answer = _ask(caller, GENERATION, QWEN_MODEL, voice, language_type="Auto").body

    expires = int((clock.now + timedelta(hours=24)).timestamp())
    audio = answer["output"]["audio"]
    assert audio["id"].startswith("audio_")
    assert answer["request_id"]
    assert answer == {
        "output": {
            "finish_reason": "stop",
            "audio": {"data": "", "url": audio["url"], "id": audio["id"], "expires_at": expires},
        },
        "usage": {"characters": len(TEXT) + 3},
        "request_id": answer["request_id"],
    }
    assert audio["url"].startswith(sandbox.base_url.removesuffix("/api/v1") + "/sandbox/audio/")
    fetched = _fetch(caller, audio["url"])
    assert (fetched.status, fetched.headers["Content-Type"]) == (200, "audio/wav")
    assert fetched.raw == speech_file(voice.voice_id, TEXT, Manner("wav", 24000))
    with wave.open(io.BytesIO(fetched.raw)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24000)
    assert use(sandbox, voice) == 1
    assert len(sandbox.requests) == 1  # a download is none


@pytest.mark.parametrize(
    ("given", "expected", "content_type"),
    [
        ({}, Manner("wav", 24000), "audio/wav"),
        ({"format": "mp3", "sample_rate": 22050}, Manner("mp3", 22050), "audio/mpeg"),
        ({"format": "opus", "rate": 2.0}, Manner("opus", 24000, rate=2.0), "audio/ogg"),
        (
            {"format": "pcm", "sample_rate": 8000, "volume": 20},
            Manner("pcm", 8000, volume=20),
            "application/octet-stream",
        ),
    ],
)
def test_cosyvoice(
    sandbox: Sandbox, caller: Caller, given: dict[str, Any], expected: Manner, content_type: str
) -> None:
    voice = cosy_voice(sandbox)

    output = _ask(caller, SYNTHESIZER, COSY_MODEL, voice, **given).output

    fetched = _fetch(caller, output["audio"]["url"])
    assert (fetched.status, fetched.headers["Content-Type"]) == (200, content_type)
    assert fetched.raw == speech_file(voice.voice_id, TEXT, expected)
    assert use(sandbox, voice) == 1


def test_qwen_audio_speaks_as_cosyvoice_does(sandbox: Sandbox, caller: Caller) -> None:
    voice = cosy_voice(sandbox, "qwen-audio-3.0-tts-plus")

    assert _ask(caller, SYNTHESIZER, "qwen-audio-3.0-tts-plus", voice).status == 200


@pytest.mark.parametrize("path", [GENERATION, SYNTHESIZER])
def test_audio_in_events(sandbox: Sandbox, caller: Caller, path: str) -> None:
    qwen = path == GENERATION
    voice = qwen_voice(sandbox) if qwen else cosy_voice(sandbox)
    body = {"model": voice.target_model, "input": {"text": TEXT, "voice": voice.voice_id}}

    answer = caller.send(
        json.dumps(body).encode(),
        path=path,
        headers={**caller.headers, "X-DashScope-SSE": "enable"},
    )

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = answer.raw.decode().removesuffix("\n\n").split("\n\n")
    assert len(events) >= 4
    outputs = []
    for number, event in enumerate(events, 1):
        lines = event.split("\n")
        assert lines[:3] == [f"id:{number}", "event:result", ":HTTP_STATUS/200"]
        outputs.append(json.loads(lines[3].removeprefix("data:"))["output"])
    *before, last = outputs
    manner = Manner("pcm" if qwen else "wav", 24000)
    assert b"".join(base64.b64decode(output["audio"]["data"]) for output in before) == speech_file(
        voice.voice_id, TEXT, manner
    )
    assert {output["audio"]["url"] for output in before} == {""}
    assert _fetch(caller, last["audio"]["url"]).status == 200
    assert use(sandbox, voice) == 1


def test_old_files_make_room(
    sandbox: Sandbox, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = qwen_voice(sandbox)
    size = len(speech_file(voice.voice_id, TEXT, Manner("wav", 24000)))
    monkeypatch.setattr("voicereg.sandbox.downloads.MOST_BYTES", 2 * size)

    urls = [_ask(caller, GENERATION, QWEN_MODEL, voice).output["audio"]["url"] for _ in range(3)]

    assert [_fetch(caller, url).status for url in urls] == [404, 200, 200]


def test_a_file_is_there_for_a_day(sandbox: Sandbox, caller: Caller, clock: FakeClock) -> None:
    url = _ask(caller, GENERATION, QWEN_MODEL, qwen_voice(sandbox)).output["audio"]["url"]

    clock.advance(timedelta(hours=23, minutes=59))
    assert _fetch(caller, url).status == 200
    assert _fetch(caller, url, method="HEAD").status == 200
    clock.advance(timedelta(minutes=1))
    assert _fetch(caller, url).status == 403


def test_other_files(sandbox: Sandbox, caller: Caller) -> None:
    url = _ask(caller, GENERATION, QWEN_MODEL, qwen_voice(sandbox)).output["audio"]["url"]

    assert _fetch(caller, url.partition("?")[0]).status == 403
    assert _fetch(caller, url.replace("Signature=", "Signature=0")).status == 403
    assert _fetch(caller, url.replace(".wav", ".mp3")).status == 404
    assert _fetch(caller, url, method="DELETE").status == 405
    assert _fetch(caller, url).status == 200


def test_downloads_are_remembered(sandbox: Sandbox, caller: Caller, clock: FakeClock) -> None:
    url = _ask(caller, GENERATION, QWEN_MODEL, qwen_voice(sandbox)).output["audio"]["url"]
    path = url.removeprefix(sandbox.base_url.removesuffix("/api/v1"))

    _fetch(caller, url)
    _fetch(caller, url, headers=caller.headers)
    _fetch(caller, url.replace("audio/", "audio/0"))

    assert sandbox.downloads == (
        Download(clock.now, path, 200, with_key=False),
        Download(clock.now, path, 200, with_key=True),
        Download(clock.now, path.replace("audio/", "audio/0"), 404, with_key=False),
    )


@pytest.mark.parametrize(
    ("path", "model", "voice", "refusal"),
    [
        (GENERATION, QWEN_MODEL, "Cherry", (400, "BadRequest.VoiceNotFound")),
        (SYNTHESIZER, COSY_MODEL, "longxiaochun", (400, "BadRequest.VoiceNotFound")),
        (SYNTHESIZER, "cosyvoice-v3-plus", "cosy", (400, "BadRequest.VoiceModelMismatch")),
        (GENERATION, QWEN_MODEL, "realtime", (400, "BadRequest.VoiceModelMismatch")),
        (GENERATION, QWEN_MODEL, "cosy", (400, "BadRequest.VoiceNotFound")),
        (GENERATION, "qwen9-tts", "qwen", (404, "Model.NotExist")),
        (GENERATION, COSY_MODEL, "cosy", (400, "InvalidParameter")),
        (SYNTHESIZER, QWEN_MODEL, "qwen", (400, "InvalidParameter")),
        (
            GENERATION,
            "qwen3-tts-vd-realtime-2026-01-15",
            "realtime",
            (400, "InvalidParameter"),
        ),
        (SYNTHESIZER, COSY_MODEL, "deploying", (400, "InvalidParameter")),
        (SYNTHESIZER, COSY_MODEL, "undeployed", (400, "InvalidParameter")),
    ],
)
def test_refused_voices(
    sandbox: Sandbox,
    caller: Caller,
    path: str,
    model: str,
    voice: str,
    refusal: tuple[int, str],
) -> None:
    voices = {
        "cosy": cosy_voice(sandbox),
        "qwen": qwen_voice(sandbox),
        "realtime": qwen_voice(sandbox, "qwen3-tts-vd-realtime-2026-01-15"),
        "deploying": cosy_voice(sandbox, status="DEPLOYING"),
        "undeployed": cosy_voice(sandbox, status="UNDEPLOYED"),
    }

    assert _ask(caller, path, model, voices.get(voice, voice)).refusal == refusal
    assert all(one.uses == 0 for one in sandbox.voices())


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"text": None}, (400, "InvalidParameter")),
        ({"text": ""}, (400, "InvalidParameter")),
        ({"text": " \n"}, (400, "InvalidParameter")),
        ({"text": 7}, (400, "InvalidParameter")),
        ({"text": "Good evening [inspect]"}, (400, "DataInspectionFailed")),
        ({"format": "flac"}, (400, "InvalidParameter")),
        ({"sample_rate": 1}, (400, "InvalidParameter")),
        ({"volume": -1}, (400, "InvalidParameter")),
        ({"pitch": "high"}, (400, "InvalidParameter")),
    ],
)
def test_refused_requests(
    sandbox: Sandbox, caller: Caller, given: dict[str, Any], refusal: tuple[int, str]
) -> None:
    voice = cosy_voice(sandbox)
    assert _ask(caller, SYNTHESIZER, COSY_MODEL, voice, **given).refusal == refusal
    assert use(sandbox, voice) == 0


def test_an_unknown_language(sandbox: Sandbox, caller: Caller) -> None:
    answer = _ask(caller, GENERATION, QWEN_MODEL, qwen_voice(sandbox), language_type="Klingon")

    assert answer.refusal == (400, "InvalidParameter")


@pytest.mark.parametrize("path", [GENERATION, SYNTHESIZER])
def test_bodies_that_are_none(sandbox: Sandbox, caller: Caller, path: str) -> None:
    for body in (b"[]", b"{}", b'{"model": "m", "input": 7}', b"{"):
        assert caller.send(body, path=path).refusal == (400, "InvalidParameter")
    assert caller.send(b"{}", path=path, headers={}).refusal == (401, "InvalidApiKey")


def test_websocket_paths_without_a_websocket(caller: Caller) -> None:
    path = "/api-ws/v1/inference"
    assert caller.send(b"{}", path=path).status == 405
    caller.close()
    assert caller.send(b"", path=path, method="GET").status == 426
    assert caller.send(b"", path=path, method="GET", headers={}).status == 401
