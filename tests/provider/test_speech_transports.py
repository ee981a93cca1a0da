"""Each transport against the sandbox: the bytes on the wire, and what comes of them."""

from __future__ import annotations

import io
import json
import uuid
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from voicereg.domain.provider_errors import (
    InvalidKey,
    ParameterRefused,
    ProviderFault,
    VoiceGone,
    VoiceModelMismatch,
)
from voicereg.domain.speech import Manner
from voicereg.provider.client import ProviderClient
from voicereg.sandbox import Sandbox, SandboxVoice

from .speaking import MODELS, TEXT, client_at, saying

EVERY_MANNER = list(Manner)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(review_time=timedelta(0)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[ProviderClient]:
    with client_at(sandbox.base_url, key=sandbox.api_key, workspace="ws-1") as made:
        yield made


def voice_for(sandbox: Sandbox, manner: Manner, **more: Any) -> SandboxVoice:
    return sandbox.add_voice(
        family="cosyvoice" if manner is Manner.INFERENCE else "qwen-tts",
        origin="designed",
        target_model=MODELS[manner],
        name="n",
        prompt="p",
        **more,
    )


def audio_of(client: ProviderClient, manner: Manner, voice_id: str, **changed: Any) -> bytes:
    pieces: list[bytes] = []
    spoken = client.speak(saying(manner, voice_id=voice_id, **changed), pieces.append)
    assert spoken.size_bytes == sum(map(len, pieces))
    assert spoken.request_id
    return b"".join(pieces)


def test_link_on_the_wire(sandbox: Sandbox, client: ProviderClient) -> None:
    voice = voice_for(sandbox, Manner.LINK)

    audio = audio_of(client, Manner.LINK, voice.voice_id)

    with wave.open(io.BytesIO(audio)) as sound:
        assert sound.getnframes() > 12000
    (request,) = sandbox.requests
    assert request.method == "POST"
    assert request.path == "/api/v1/services/aigc/multimodal-generation/generation"
    assert request.headers["Authorization"] == "right"
    assert request.headers["X-DashScope-WorkSpace"] == "ws-1"
    assert request.body == {
        "model": "qwen3-tts-vd-2026-01-26",
        "input": {"text": TEXT, "voice": voice.voice_id},
    }
    (download,) = sandbox.downloads
    assert (download.status, download.with_key) == (200, False)


def test_inference_on_the_wire(sandbox: Sandbox, client: ProviderClient) -> None:
    voice = voice_for(sandbox, Manner.INFERENCE)

    audio = audio_of(client, Manner.INFERENCE, voice.voice_id)

    assert audio.startswith(b"RIFF")
    opening, *frames = sandbox.requests
    assert (opening.method, opening.path) == ("GET", "/api-ws/v1/inference")
    assert opening.headers["Authorization"] == "right"
    assert opening.headers["X-DashScope-WorkSpace"] == "ws-1"
    task_id = frames[0].body["header"]["task_id"]
    assert str(uuid.UUID(task_id)) == task_id

    def header(action: str) -> dict[str, str]:
        return {"action": action, "task_id": task_id, "streaming": "duplex"}

    assert [frame.body for frame in frames] == [
        {
            "header": header("run-task"),
            "payload": {
                "task_group": "audio",
                "task": "tts",
                "function": "SpeechSynthesizer",
                "model": "cosyvoice-v3.5-plus",
                "parameters": {
                    "text_type": "PlainText",
                    "voice": voice.voice_id,
                    "format": "wav",
                    "sample_rate": 24000,
                    "volume": 50,
                    "rate": 1.0,
                    "pitch": 1.0,
                },
                "input": {},
            },
        },
        {"header": header("continue-task"), "payload": {"input": {"text": TEXT}}},
        {"header": header("finish-task"), "payload": {"input": {}}},
    ]
    assert TEXT.encode() in frames[1].raw  # as it is, not as \\u escapes


def test_realtime_on_the_wire(sandbox: Sandbox, client: ProviderClient) -> None:
    voice = voice_for(sandbox, Manner.REALTIME)

    audio = audio_of(client, Manner.REALTIME, voice.voice_id)

    assert len(audio) > 24000
    assert not audio.startswith(b"RIFF")
    opening, *frames = sandbox.requests
    model = "qwen3-tts-vd-realtime-2026-01-15"
    assert (opening.method, opening.path) == ("GET", f"/api-ws/v1/realtime?model={model}")
    assert opening.headers["Authorization"] == "right"
    bodies = [dict(frame.body) for frame in frames]
    ids = [body.pop("event_id") for body in bodies]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("event_") for one in ids)
    assert bodies == [
        {
            "type": "session.update",
            "session": {
                "voice": voice.voice_id,
                "mode": "commit",
                "response_format": "pcm",
                "sample_rate": 24000,
            },
        },
        {"type": "input_text_buffer.append", "text": TEXT},
        {"type": "input_text_buffer.commit"},
        {"type": "session.finish"},
    ]


@pytest.mark.parametrize("response_format", ["wav", "mp3", "pcm", "opus"])
def test_formats_of_inference(
    sandbox: Sandbox, client: ProviderClient, response_format: str
) -> None:
    voice = voice_for(sandbox, Manner.INFERENCE)
    changed = {"response_format": response_format, "file_format": response_format}

    audio = audio_of(client, Manner.INFERENCE, voice.voice_id, sample_rate=48000, **changed)

    beginnings = {"wav": b"RIFF", "mp3": b"\xff", "opus": b"OggS", "pcm": b""}
    assert audio.startswith(beginnings[response_format])
    parameters = sandbox.requests[1].body["payload"]["parameters"]
    assert (parameters["format"], parameters["sample_rate"]) == (response_format, 48000)


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_each_says_what_it_is_told(
    sandbox: Sandbox, client: ProviderClient, manner: Manner
) -> None:
    voice = voice_for(sandbox, manner)
    short, long = (
        audio_of(client, manner, voice.voice_id, text=text) for text in ("晚上好。", "晚上好。" * 9)
    )
    assert len(long) > 5 * len(short)
    assert sandbox.voices()[0].uses == 2


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_several_threads(sandbox: Sandbox, client: ProviderClient, manner: Manner) -> None:
    voice = voice_for(sandbox, manner)
    alone = audio_of(client, manner, voice.voice_id)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: audio_of(client, manner, voice.voice_id), range(8)))
    assert set(made) == {alone}


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_refusals(sandbox: Sandbox, client: ProviderClient, manner: Manner) -> None:
    with pytest.raises(VoiceGone):
        audio_of(client, manner, "gone")
    voice = voice_for(sandbox, manner)
    others = {
        Manner.LINK: "qwen3-tts-vc-2026-01-22",
        Manner.INFERENCE: "cosyvoice-v3-plus",
        Manner.REALTIME: "qwen3-tts-vd-realtime-2025-12-16",
    }
    with pytest.raises(VoiceModelMismatch):
        audio_of(client, manner, voice.voice_id, target_model=others[manner])
    # The sandbox's session says it in another word, which the documentation does not list.
    with pytest.raises(ProviderFault if manner is Manner.REALTIME else ParameterRefused):
        audio_of(client, manner, voice.voice_id, text=" ")
    with client_at(sandbox.base_url, key="another-key") as stranger, pytest.raises(InvalidKey):
        audio_of(stranger, manner, voice.voice_id)
    assert sandbox.voices()[0].uses == 0


def test_the_wire_has_nothing_but_json_objects(sandbox: Sandbox, client: ProviderClient) -> None:
    for manner in EVERY_MANNER:
        audio_of(client, manner, voice_for(sandbox, manner).voice_id)
    for request in sandbox.requests:
        if request.method != "GET":
            assert isinstance(json.loads(request.raw), dict)
