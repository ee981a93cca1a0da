"""The provider's own SDK speaks with the sandbox's voices, and notices no difference."""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dashscope
import httpx
import pytest
import websocket
from dashscope.api_entities.http_request import close_shared_sync_session
from dashscope.audio.http_tts import HttpSpeechSynthesizer
from dashscope.audio.qwen_tts_realtime import QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.audio.tts_v2 import AudioFormat, ResultCallback, SpeechSynthesizer
from dashscope.common.error import RequestFailure

from voicereg.sandbox import Sandbox

from .readers import mp3_frames, ogg_pages
from .speech import (
    COSY_MODEL,
    QWEN_MODEL,
    REALTIME_MODEL,
    cosy_voice,
    qwen_voice,
    realtime_voice,
    use,
)

TEXT = "Good evening. 晚上好！Welcome to the late show"
PCM = AudioFormat.PCM_16000HZ_MONO_16BIT


@pytest.fixture(autouse=True)
def _pointed_here(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Point the SDK at the sandbox, and away from the settings of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(dashscope, "api_key", sandbox.api_key)
    monkeypatch.setattr(dashscope, "base_http_api_url", sandbox.base_url)
    monkeypatch.setattr(
        dashscope, "base_websocket_api_url", f"{sandbox.websocket_base_url}/inference"
    )
    yield
    close_shared_sync_session()


@pytest.fixture(autouse=True)
def _nothing_left(_pointed_here: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the SDK's sockets, some of which it forgets, and wait for the sandbox's threads."""
    sockets: list[socket.socket] = []
    threads = set(threading.enumerate())
    connect: Any = websocket._core.connect  # type: ignore[attr-defined]

    def connect_and_remember(*args: Any, **kwargs: Any) -> Any:
        connected = connect(*args, **kwargs)
        sockets.append(connected[0])
        return connected

    monkeypatch.setattr(websocket._core, "connect", connect_and_remember)
    yield
    close_shared_sync_session()
    for one in sockets:
        with contextlib.suppress(OSError):  # closed, as it should be
            one.shutdown(socket.SHUT_RDWR)
    for thread in set(threading.enumerate()) - threads:
        if "run_forever" in thread.name:
            continue  # the SDK's own, which takes seconds to see that it was closed
        thread.join(10)
        assert not thread.is_alive()
    for one in sockets:
        one.close()


class Heard(ResultCallback):  # type: ignore[misc]
    """What a task's callbacks are told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.audio: list[bytes] = []
        self.over = threading.Event()

    def on_open(self) -> None:
        self.told.append("open")

    def on_complete(self) -> None:
        self.told.append("complete")

    def on_error(self, message: Any) -> None:
        self.told.append("error")

    def on_close(self) -> None:
        self.told.append("close")
        self.over.set()

    def on_data(self, data: bytes) -> None:
        self.audio.append(data)


def _qwen(voice_id: str, **more: Any) -> Any:
    return dashscope.MultiModalConversation.call(
        model=QWEN_MODEL, text=TEXT, voice=voice_id, **more
    )


def _synthesizer(voice_id: str, **more: Any) -> SpeechSynthesizer:
    return SpeechSynthesizer(model=COSY_MODEL, voice=voice_id, **more)


def test_a_call(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)

    audio = _synthesizer(voice.voice_id, format=PCM).call(TEXT)

    assert len(audio) > 16000
    assert use(sandbox, voice) == 1
    opening, run, go_on, finish = sandbox.requests
    assert (opening.method, opening.path) == ("GET", "/api-ws/v1/inference")
    assert opening.headers["Authorization"] == "right"
    assert [one.action for one in (run, go_on, finish)] == [
        "run-task",
        "continue-task",
        "finish-task",
    ]
    assert go_on.body["payload"]["input"] == {"text": TEXT}


def test_a_call_that_leaves_the_format_open(sandbox: Sandbox) -> None:
    audio = _synthesizer(cosy_voice(sandbox).voice_id).call("Good evening.")

    parameters = sandbox.requests[1].body["payload"]["parameters"]
    assert (parameters["format"], parameters["sample_rate"]) == ("Default", 0)
    assert {frame.rate for frame in mp3_frames(audio)} == {22050}


@pytest.mark.parametrize(
    "given",
    [
        AudioFormat.WAV_24000HZ_MONO_16BIT,
        AudioFormat.MP3_44100HZ_MONO_256KBPS,
        AudioFormat.OGG_OPUS_24KHZ_MONO_32KBPS,
    ],
)
def test_formats(sandbox: Sandbox, given: AudioFormat) -> None:
    audio = _synthesizer(cosy_voice(sandbox).voice_id, format=given).call(TEXT)

    if given.format == "wav":
        with wave.open(io.BytesIO(audio)) as sound:
            assert sound.getframerate() == given.sample_rate
            assert len(sound.readframes(sound.getnframes())) == 2 * sound.getnframes() > 24000
    elif given.format == "mp3":
        assert {frame.rate for frame in mp3_frames(audio)} == {given.sample_rate}
    else:
        assert ogg_pages(audio)[-1].flags == 4


def test_streaming(sandbox: Sandbox) -> None:
    heard = Heard()
    voice = cosy_voice(sandbox)
    synthesizer = _synthesizer(voice.voice_id, format=PCM, callback=heard)

    synthesizer.streaming_call("Good evening. 晚上好！")
    synthesizer.streaming_call("Welcome to the ")
    synthesizer.streaming_flush()
    synthesizer.streaming_call("late show")
    synthesizer.streaming_complete(5000)

    assert heard.told == ["open", "complete", "close"]
    assert len(heard.audio) > 6
    assert synthesizer.get_first_package_delay() < 2000
    assert b"".join(heard.audio) == _synthesizer(voice.voice_id, format=PCM).call(TEXT)


def test_a_callback_without_waiting(sandbox: Sandbox) -> None:
    heard = Heard()
    voice = cosy_voice(sandbox)

    _synthesizer(voice.voice_id, format=PCM, callback=heard).call(TEXT)

    assert heard.over.wait(10)
    assert heard.told == ["open", "complete", "close"]
    assert use(sandbox, voice) == 1


def test_cancelling(sandbox: Sandbox) -> None:
    heard = Heard()
    synthesizer = _synthesizer(cosy_voice(sandbox).voice_id, callback=heard)

    synthesizer.streaming_call("Good evening")
    synthesizer.streaming_cancel(5000)

    assert heard.told == ["open", "complete", "close"]
    assert heard.audio == []


def test_a_task_that_fails(sandbox: Sandbox) -> None:
    with pytest.raises(RequestFailure) as caught:
        _synthesizer("cosyvoice-v2-gone").call(TEXT)

    assert caught.value.name == "BadRequest.VoiceNotFound"
    other = cosy_voice(sandbox, "cosyvoice-v2")
    with pytest.raises(RequestFailure) as caught:
        _synthesizer(other.voice_id).call(TEXT)
    assert caught.value.name == "BadRequest.VoiceModelMismatch"


def test_a_task_that_fails_in_the_middle(sandbox: Sandbox) -> None:
    sandbox.misbehave("synthesize", "error-200", after=True)
    heard = Heard()

    _synthesizer(cosy_voice(sandbox).voice_id, format=PCM, callback=heard).call(TEXT)

    assert heard.over.wait(10)
    assert heard.told == ["open", "error", "close"]
    assert heard.audio


def test_qwen_over_http(sandbox: Sandbox) -> None:
    voice = qwen_voice(sandbox)

    answer = _qwen(voice.voice_id, language_type="Chinese")

    assert (answer.status_code, answer.output.finish_reason) == (200, "stop")
    assert answer.usage.characters == len(TEXT) + 3
    assert answer.output.audio.data == ""
    with (
        httpx.Client(trust_env=False) as client,
        wave.open(io.BytesIO(client.get(answer.output.audio.url).content)) as sound,
    ):
        assert sound.getframerate() == 24000
    assert use(sandbox, voice) == 1
    assert sandbox.requests[0].body["input"] == {
        "text": TEXT,
        "voice": voice.voice_id,
        "language_type": "Chinese",
    }


def test_qwen_over_http_in_pieces(sandbox: Sandbox) -> None:
    voice = qwen_voice(sandbox)

    *pieces, last = _qwen(voice.voice_id, stream=True)

    assert len(pieces) >= 3
    assert {piece.output.finish_reason for piece in pieces} == {"null"}
    assert (last.output.finish_reason, last.output.audio.data) == ("stop", "")
    streamed = b"".join(base64.b64decode(piece.output.audio.data) for piece in pieces)
    with (
        httpx.Client(trust_env=False) as client,
        wave.open(io.BytesIO(client.get(last.output.audio.url).content)) as sound,
    ):
        assert sound.readframes(sound.getnframes()) == streamed
    assert use(sandbox, voice) == 1


def test_qwen_over_http_refused(sandbox: Sandbox) -> None:
    for stream in (False, True):
        answer = _qwen("gone", stream=stream)
        first = next(answer) if stream else answer
        assert (first.status_code, first.code) == (400, "BadRequest.VoiceNotFound")


def test_cosyvoice_over_http(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)

    answer = HttpSpeechSynthesizer.call(
        model=COSY_MODEL, text=TEXT, voice=voice.voice_id, audio_format="mp3", sample_rate=48000
    )

    with httpx.Client(trust_env=False) as client:
        audio = client.get(answer.audio_url).content
    assert {frame.rate for frame in mp3_frames(audio)} == {48000}
    pieces = list(
        HttpSpeechSynthesizer.call(
            model=COSY_MODEL,
            text=TEXT,
            voice=voice.voice_id,
            audio_format="mp3",
            sample_rate=48000,
            stream=True,
        )
    )
    assert len(pieces) >= 4
    assert pieces[-1].audio_data == audio
    assert pieces[-1].audio_url
    assert use(sandbox, voice) == 2


class Events(QwenTtsRealtimeCallback):  # type: ignore[misc]
    """What a session's callbacks are told."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.audio: list[bytes] = []
        self.errors: list[Any] = []
        self.responded = threading.Event()
        self.over = threading.Event()

    def on_event(self, message: Any) -> None:
        self.types.append(message["type"])
        if message["type"] == "response.audio.delta":
            self.audio.append(base64.b64decode(message["delta"]))
        if message["type"] == "response.done":
            self.responded.set()
        if message["type"] == "error":
            self.errors.append(message["error"])
            self.over.set()

    def on_close(self, close_status_code: Any, close_msg: Any) -> None:
        self.over.set()


def _session(sandbox: Sandbox, model: str = REALTIME_MODEL) -> tuple[QwenTtsRealtime, Events]:
    events = Events()
    session = QwenTtsRealtime(
        model=model, callback=events, url=f"{sandbox.websocket_base_url}/realtime"
    )
    session.connect()
    return session, events


@pytest.mark.parametrize("mode", ["commit", "server_commit"])
def test_qwen_realtime(sandbox: Sandbox, mode: str) -> None:
    voice = realtime_voice(sandbox)
    session, events = _session(sandbox)

    session.update_session(voice.voice_id, mode=mode)
    session.append_text("Good evening. ")
    if mode == "commit":
        session.commit()
    assert events.responded.wait(10)
    session.append_text("Welcome")
    session.finish()

    assert events.over.wait(10)
    session.close()
    assert events.types[:2] == ["session.created", "session.updated"]
    assert events.types.count("response.done") == 2
    assert events.types[-1] == "session.finished"
    assert len(b"".join(events.audio)) > 24000
    assert session.get_session_id().startswith("sess_")
    assert use(sandbox, voice) == 1


def test_qwen_realtime_refused(sandbox: Sandbox) -> None:
    session, events = _session(sandbox)
    session.update_session("gone")

    assert events.over.wait(10)
    session.close()
    assert [error["code"] for error in events.errors] == ["BadRequest.VoiceNotFound"]


def test_a_wrong_key(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dashscope, "api_key", "another-key")

    answer = _qwen("gone")

    assert (answer.status_code, answer.code) == (401, "InvalidApiKey")
