"""The provider's own SDK speaks with the sandbox, and the registry knows who spoke."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import dashscope
import pytest
from dashscope.api_entities.aio_session import close_shared_aio_session
from dashscope.audio.http_tts import HttpSpeechSynthesizer
from dashscope.audio.qwen_tts import SpeechSynthesizer as QwenSynthesizer
from dashscope.audio.qwen_tts_realtime import QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.audio.tts_v2 import AudioFormat, ResultCallback, SpeechSynthesizer
from dashscope.common.error import RequestFailure

from tests.tracking.support import (
    COSY_MODEL,
    QWEN_MODEL,
    REALTIME_MODEL,
    TEXT,
    cosy,
    qwen,
    realtime,
    uses,
)
from voicereg import InvalidInput, Registry, Voice
from voicereg.sandbox import Sandbox
from voicereg.tracking import SdkTracking, track_sdk

PCM = AudioFormat.PCM_16000HZ_MONO_16BIT
pytestmark = pytest.mark.usefixtures("sdk")


@pytest.fixture
def tracking(registry: Registry) -> Iterator[SdkTracking]:
    with track_sdk(registry, source="tests") as tracking:
        yield tracking


def total(registry: Registry, voice: Voice) -> int:
    return uses(registry, voice).total()


def synthesizer(voice: Voice, **more: Any) -> Any:
    return SpeechSynthesizer(model=COSY_MODEL, voice=voice.voice_id, format=PCM, **more)


def call(voice: Voice, **more: Any) -> Any:
    return dashscope.MultiModalConversation.call(
        model=QWEN_MODEL, text=TEXT, voice=voice.voice_id, **more
    )


class Heard(ResultCallback):  # type: ignore[misc]
    """The callbacks of a task, which look at the registry at its end."""

    def __init__(self, registry: Registry, voice: Voice) -> None:
        self._registry = registry
        self._voice = voice
        self.noted_at_end = -1
        self.audio = 0
        self.over = threading.Event()

    def on_data(self, data: bytes) -> None:
        self.audio += len(data)

    def on_complete(self) -> None:
        self.noted_at_end = total(self._registry, self._voice)

    def on_close(self) -> None:
        self.over.set()


# --- tasks over /inference --------------------------------------------------------------------


@pytest.mark.usefixtures("tracking")
def test_a_call(registry: Registry) -> None:
    voice = cosy(registry)

    assert len(synthesizer(voice).call(TEXT)) > 16000

    assert uses(registry, voice) == {"tests": 1}
    assert registry.voice(voice.id).last_used_source == "tests"


@pytest.mark.usefixtures("tracking")
def test_streaming(registry: Registry) -> None:
    voice = cosy(registry)
    heard = Heard(registry, voice)
    speaking = synthesizer(voice, callback=heard)

    speaking.streaming_call("Good evening. 晚上好！")
    speaking.streaming_call("Welcome.")
    assert heard.noted_at_end == -1
    speaking.streaming_complete(10_000)

    assert heard.audio > 16000
    assert heard.over.wait(10)
    assert heard.noted_at_end == 1
    assert total(registry, voice) == 1


@pytest.mark.usefixtures("tracking")
def test_a_task_without_audio_is_no_use(registry: Registry) -> None:
    voice = cosy(registry)
    speaking = synthesizer(voice, callback=Heard(registry, voice))

    speaking.streaming_call("Good evening")
    speaking.streaming_cancel(10_000)

    assert total(registry, voice) == 0


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize("after", [False, True])
def test_a_task_that_fails_is_no_use(registry: Registry, sandbox: Sandbox, after: bool) -> None:
    voice = cosy(registry)
    sandbox.misbehave("synthesize", "error-200", after=after)

    with pytest.raises(RequestFailure):
        synthesizer(voice).call(TEXT)

    assert total(registry, voice) == 0
    synthesizer(voice).call(TEXT)
    assert total(registry, voice) == 1


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize("kind", ["cut-json", "missing-field", "html"])
def test_nonsense_is_no_use_and_is_the_sdks_own_affair(
    registry: Registry, sandbox: Sandbox, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    voice = cosy(registry)
    sandbox.misbehave("synthesize", kind, after=True)

    with pytest.raises(TimeoutError):
        synthesizer(voice).call(TEXT, timeout_millis=300)

    assert total(registry, voice) == 0
    assert "a use could not be noted" not in caplog.text


@pytest.mark.usefixtures("tracking")
def test_several_voices_at_once(registry: Registry) -> None:
    voices = [cosy(registry) for _ in range(2)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: synthesizer(voices[number % 2]).call("One."), range(8)))

    assert [total(registry, voice) for voice in voices] == [4, 4]


# --- sessions over /realtime ------------------------------------------------------------------


class Events(QwenTtsRealtimeCallback):  # type: ignore[misc]
    """The callbacks of a session, which look at the registry when a response is done."""

    def __init__(self, registry: Registry, voice: Voice) -> None:
        self._registry = registry
        self._voice = voice
        self.noted: list[int] = []
        self.errors: list[str] = []
        self.responded = threading.Event()
        self.over = threading.Event()

    def on_event(self, message: Any) -> None:
        if message["type"] == "response.done":
            self.noted.append(total(self._registry, self._voice))
            self.responded.set()
        if message["type"] == "error":
            self.errors.append(message["error"]["code"])
            self.over.set()

    def on_close(self, close_status_code: Any, close_msg: Any) -> None:
        self.over.set()


@contextmanager
def session(registry: Registry, sandbox: Sandbox, voice: Voice) -> Iterator[tuple[Any, Events]]:
    events = Events(registry, voice)
    made = QwenTtsRealtime(
        model=REALTIME_MODEL, callback=events, url=f"{sandbox.websocket_base_url}/realtime"
    )
    made.connect()
    yield made, events
    assert events.over.wait(10)
    made.close()


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize("mode", ["commit", "server_commit"])
def test_a_use_for_each_response(registry: Registry, sandbox: Sandbox, mode: str) -> None:
    voice = realtime(registry)
    with session(registry, sandbox, voice) as (speaking, events):
        speaking.update_session(voice.voice_id, mode=mode)
        speaking.append_text("Good evening. ")
        if mode == "commit":
            speaking.commit()
        assert events.responded.wait(10)
        speaking.append_text("Welcome")
        speaking.finish()

    assert events.noted == [1, 2]
    assert uses(registry, voice) == {"tests": 2}


@pytest.mark.usefixtures("tracking")
def test_a_voice_that_is_set_by_hand(registry: Registry, sandbox: Sandbox) -> None:
    voice = realtime(registry)
    with session(registry, sandbox, voice) as (speaking, _):
        update = {"type": "session.update", "session": {"voice": voice.voice_id}}
        speaking.send_raw(json.dumps(update))
        speaking.append_text("Good evening. ")
        speaking.finish()

    assert total(registry, voice) == 1


@pytest.mark.usefixtures("tracking")
def test_a_session_that_fails_is_no_use(registry: Registry, sandbox: Sandbox) -> None:
    voice = realtime(registry)
    sandbox.on_action("synthesize", lambda it: it.remove_voice(str(voice.voice_id)), when="before")
    with session(registry, sandbox, voice) as (speaking, events):
        speaking.update_session(voice.voice_id)
        speaking.append_text("Good evening. ")

    assert events.errors[0] == "BadRequest.VoiceNotFound"
    assert total(registry, voice) == 0


# --- calls over HTTP --------------------------------------------------------------------------


@pytest.mark.usefixtures("tracking")
def test_calls_over_http(registry: Registry) -> None:
    voice, other = qwen(registry), cosy(registry)

    assert call(voice).output.audio.url
    assert (
        QwenSynthesizer.call(model=QWEN_MODEL, text=TEXT, voice=voice.voice_id).status_code == 200
    )
    assert HttpSpeechSynthesizer.call(COSY_MODEL, TEXT, other.voice_id).audio_url

    assert uses(registry, voice) == {"tests": 2}
    assert uses(registry, other) == {"tests": 1}


@pytest.mark.usefixtures("tracking")
def test_answers_in_pieces(registry: Registry) -> None:
    voice, other = qwen(registry), cosy(registry)

    *_, last = call(voice, stream=True)
    assert last.output.finish_reason == "stop"
    assert total(registry, voice) == 1
    *_, last = HttpSpeechSynthesizer.call(COSY_MODEL, TEXT, other.voice_id, stream=True)
    assert last.audio_url
    assert total(registry, other) == 1


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize(("read", "counted"), [(0, 0), (1, 1)])
def test_pieces_that_nobody_wants(registry: Registry, read: int, counted: int) -> None:
    voice = qwen(registry)
    pieces = call(voice, stream=True)

    for _ in range(read):
        next(pieces)
        assert total(registry, voice) == 0
    pieces.close()

    assert total(registry, voice) == counted


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["500", "error-200"])
def test_calls_that_fail_are_no_uses(
    registry: Registry, sandbox: Sandbox, kind: str, stream: bool
) -> None:
    voice, other = qwen(registry), cosy(registry)
    sandbox.misbehave("synthesize", kind, times=6)

    asks: list[Callable[[], Any]] = [
        lambda: call(voice, stream=stream),
        lambda: HttpSpeechSynthesizer.call(COSY_MODEL, TEXT, other.voice_id, stream=stream),
    ]
    for ask in asks:
        # The SDK itself falls over an error that comes with HTTP 200.
        with contextlib.suppress(RuntimeError, TypeError):
            answer = ask()
            if stream:
                list(answer)

    assert total(registry, voice) == total(registry, other) == 0


@pytest.mark.usefixtures("tracking")
def test_a_call_that_is_no_synthesis(registry: Registry) -> None:
    """The same class is asked about pictures."""
    ask: Any = dashscope.MultiModalConversation.call
    answer = ask("qwen-vl", [{"role": "user", "content": []}])

    assert answer.status_code != 200
    assert registry._recorder.pending == 0
    with pytest.raises(TypeError):
        ask()


@pytest.mark.usefixtures("tracking")
def test_calls_from_asyncio_code(registry: Registry, sandbox: Sandbox) -> None:
    voice = qwen(registry)
    ask: Any = dashscope.AioMultiModalConversation.call
    given = {"model": QWEN_MODEL, "text": TEXT, "voice": voice.voice_id}

    async def speak() -> None:
        answer = await ask(**given)
        assert answer.output.audio.url
        assert total(registry, voice) == 1
        async for _ in await ask(**given, stream=True):
            assert total(registry, voice) == 1
        assert total(registry, voice) == 2
        pieces = await ask(**given, stream=True)
        await anext(pieces)
        await pieces.aclose()
        assert total(registry, voice) == 3
        sandbox.misbehave("synthesize", "500", times=10)
        await ask(**given)
        async for _ in await ask(**given, stream=True):
            pass
        await close_shared_aio_session()

    asyncio.run(speak())

    assert total(registry, voice) == 3


# --- watching, and watching no more -----------------------------------------------------------

METHODS = [
    (SpeechSynthesizer, "on_message"),
    (QwenTtsRealtime, "on_message"),
    (dashscope.MultiModalConversation, "call"),
    (dashscope.AioMultiModalConversation, "call"),
    (QwenSynthesizer, "call"),
    (HttpSpeechSynthesizer, "call"),
]


def test_the_sdk_is_as_it_was_before(registry: Registry) -> None:
    before = [vars(owner)[name] for owner, name in METHODS]

    tracking = track_sdk(registry)
    assert all(
        vars(owner)[name] is not method
        for (owner, name), method in zip(METHODS, before, strict=True)
    )
    tracking.stop()
    tracking.stop()

    assert [vars(owner)[name] for owner, name in METHODS] == before


def test_nothing_is_noted_after_the_end(registry: Registry) -> None:
    voice, other = qwen(registry), cosy(registry)
    with track_sdk(registry):
        pieces = call(voice, stream=True)
        speaking = synthesizer(other, callback=Heard(registry, other))
        speaking.streaming_call("Good evening. ")
    speaking.streaming_complete(10_000)
    list(pieces)
    call(voice)

    assert total(registry, voice) == total(registry, other) == 0


def test_two_registries(registry: Registry, tmp_path: Any, sqlite_template: Any) -> None:
    voice, other = cosy(registry), qwen(registry)
    before = [vars(owner)[name] for owner, name in METHODS]
    with Registry.open(sqlite_template.copy_to(tmp_path / "second.db")) as second:
        first = track_sdk(registry, source="one")
        track = track_sdk(second, source="two")
        try:
            synthesizer(voice).call(TEXT)
            call(other)
            first.stop()  # not in the order in which they began
            call(other)
        finally:
            first.stop()
            track.stop()
        assert uses(registry, voice) == {"one": 1}
        assert uses(registry, other) == {"one": 1}
        assert second._recorder.pending == 3
    assert [vars(owner)[name] for owner, name in METHODS] == before


def test_what_goes_wrong_here_is_not_the_callers(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    voice, other = qwen(registry), cosy(registry)

    def fail(*args: object, **kwargs: object) -> None:
        raise MemoryError("of all things")

    monkeypatch.setattr(registry, "record_use", fail)
    with track_sdk(registry):
        assert call(voice).status_code == 200
        assert list(call(voice, stream=True))
        assert synthesizer(other).call("One.")

    assert caplog.text.count("a use could not be noted") == 3


def test_an_sdk_of_another_make(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    voice = qwen(registry)
    monkeypatch.delattr(QwenTtsRealtime, "on_message")

    with track_sdk(registry):
        call(voice)

    assert total(registry, voice) == 1
    assert caplog.text.count("are not noted") == 1
    assert "QwenTtsRealtime" in caplog.text


def test_an_odd_source_is_refused_at_once(registry: Registry) -> None:
    before = vars(SpeechSynthesizer)["on_message"]
    with pytest.raises(InvalidInput, match="source"):
        track_sdk(registry, source="")
    assert vars(SpeechSynthesizer)["on_message"] is before


def test_importing_it_imports_no_client() -> None:
    code = (
        "import sys, voicereg.tracking\n"
        "loaded = {'httpx', 'dashscope', 'sqlalchemy', 'websocket'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
