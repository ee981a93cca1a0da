"""What a client that wants speech meets when the sandbox has been told to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidStatus,
)

from voicereg.sandbox import FaultKind, Sandbox, SandboxVoice

from .speech import (
    COSY_MODEL,
    GENERATION,
    QWEN_MODEL,
    SYNTHESIZER,
    cosy_voice,
    inference,
    qwen_voice,
    realtime,
    realtime_voice,
    use,
)
from .talk import Client

REFUSED = {
    "429": (429, "Throttling.RateQuota"),
    "429-retry-after": (429, "Throttling.RateQuota"),
    "500": (500, "InternalError"),
    "503": (503, "ServiceUnavailable"),
}
SILENT = ("reset", "timeout")
either_time = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


# --- over HTTP --------------------------------------------------------------------------------


@pytest.fixture(params=["qwen-tts", "cosyvoice"])
def ask(
    sandbox: Sandbox, client: Client, request: pytest.FixtureRequest
) -> tuple[SandboxVoice, Callable[[], httpx.Response]]:
    """A voice, and what makes it speak over HTTP."""
    qwen = request.param == "qwen-tts"
    voice = qwen_voice(sandbox) if qwen else cosy_voice(sandbox)
    body = {
        "model": QWEN_MODEL if qwen else COSY_MODEL,
        "input": {"text": "Good evening.", "voice": voice.voice_id},
    }
    path = GENERATION if qwen else SYNTHESIZER

    def speak() -> httpx.Response:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        return client.http.post(path, json=body, headers=headers)

    return voice, speak


Ask = tuple[SandboxVoice, Callable[[], httpx.Response]]


@either_time
def test_http_reset(sandbox: Sandbox, ask: Ask, after: bool) -> None:
    voice, speak = ask
    sandbox.misbehave("synthesize", "reset", after=after)

    with pytest.raises(httpx.ReadError, match="reset"):
        speak()

    assert use(sandbox, voice) == after
    assert speak().status_code == 200


@either_time
def test_http_timeout(sandbox: Sandbox, ask: Ask, after: bool) -> None:
    voice, speak = ask
    sandbox.misbehave("synthesize", "timeout", after=after)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(speak)
        assert sandbox.wait_for_held()
        assert use(sandbox, voice) == after
        sandbox.release_held()
        with pytest.raises(httpx.RemoteProtocolError):
            asked.result(30)


@pytest.mark.parametrize("kind", [*REFUSED, "error-200"])
@either_time
def test_http_refusals(sandbox: Sandbox, ask: Ask, kind: str, after: bool) -> None:
    voice, speak = ask
    sandbox.misbehave("synthesize", kind, after=after)

    answer = speak()

    expected = REFUSED.get(kind, (200, "InternalError"))
    assert (answer.status_code, answer.json()["code"]) == expected
    assert ("Retry-After" in answer.headers) == (kind == "429-retry-after")
    assert use(sandbox, voice) == after


@either_time
def test_http_spoilt_answers(sandbox: Sandbox, ask: Ask, after: bool) -> None:
    voice, speak = ask
    for kind in ("html", "cut-json", "missing-field", "wrong-type"):
        sandbox.misbehave("synthesize", kind, after=after)
    page, cut, missing, wrong = (speak() for _ in range(4))

    assert page.headers["Content-Type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        cut.json()
    assert "url" not in missing.json()["output"]["audio"]
    assert isinstance(wrong.json()["output"]["audio"]["url"], int)
    assert use(sandbox, voice) == 4 * after


def test_http_faults_are_for_what_they_are_set_for(sandbox: Sandbox, ask: Ask) -> None:
    voice, speak = ask
    other = "cosyvoice" if voice.family == "qwen-tts" else "qwen-tts"
    sandbox.misbehave("create", "500")
    sandbox.misbehave("synthesize", "500", family=other)
    assert speak().status_code == 200
    sandbox.misbehave("synthesize", "503", skip=1)
    sandbox.clear_faults()
    sandbox.misbehave("*", "503", skip=1)
    assert [speak().status_code for _ in range(3)] == [200, 503, 200]


def test_http_callbacks(sandbox: Sandbox, ask: Ask) -> None:
    voice, speak = ask
    seen: list[int] = []
    sandbox.on_action("synthesize", lambda it: seen.append(use(it, voice)), when="before")
    sandbox.on_action("synthesize", lambda it: seen.append(use(it, voice)))
    assert speak().status_code == 200
    assert seen == [0, 1]

    sandbox.on_action("synthesize", lambda it: it.remove_voice(voice.voice_id), when="before")
    assert speak().json()["code"] == "BadRequest.VoiceNotFound"


# --- over WebSockets --------------------------------------------------------------------------


class Speech:
    """One way to speak over a WebSocket, told apart by its words only."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox = sandbox
        self.is_task = name == "inference"
        self.voice = cosy_voice(sandbox) if self.is_task else realtime_voice(sandbox)

    def connected(self) -> AbstractContextManager[Any]:
        return inference(self.sandbox) if self.is_task else realtime(self.sandbox)

    def say(self, socket: Any) -> None:
        if self.is_task:
            socket.say(self.voice.voice_id, "Good evening. Good night.")
        else:
            socket.update(self.voice.voice_id)
            socket.append("Good evening. Good night.")
            socket.event("session.finish")

    def speak(self) -> Iterator[Any]:
        """Make it speak; all messages that come, up to the end of the connection."""
        with self.connected() as socket:
            self.say(socket)
            while True:
                message = socket.connection.recv(10)
                yield message
                if isinstance(message, str) and ("finished" in message or "failed" in message):
                    return

    def is_audio(self, message: Any) -> bool:
        return isinstance(message, bytes) or "response.audio.delta" in message

    def kind(self, message: Any) -> Any:
        """What a message says that it is."""
        content = json.loads(message)
        return content["header"].get("event") if self.is_task else content.get("type")

    def code(self, message: Any) -> Any:
        """The code of the refusal that a message is."""
        content = json.loads(message)
        if self.is_task:
            assert content["header"]["event"] == "task-failed"
            return content["header"]["error_code"]
        assert content["type"] == "error"
        return content["error"]["code"]

    @property
    def uses(self) -> int:
        return use(self.sandbox, self.voice)


@pytest.fixture(params=["inference", "realtime"])
def speech(sandbox: Sandbox, request: pytest.FixtureRequest) -> Speech:
    return Speech(sandbox, request.param)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_handshake(sandbox: Sandbox, speech: Speech, kind: str) -> None:
    sandbox.misbehave("synthesize", kind)

    with pytest.raises(InvalidStatus) as caught:
        next(speech.speak())

    response = caught.value.response
    assert (response.status_code, json.loads(response.body or b"")["code"]) == REFUSED[kind]
    assert ("Retry-After" in response.headers) == (kind == "429-retry-after")
    assert len(list(speech.speak())) > 4
    assert speech.uses == 1


def test_a_page_for_a_handshake(sandbox: Sandbox, speech: Speech) -> None:
    sandbox.misbehave("synthesize", "html")

    with pytest.raises(InvalidStatus) as caught:
        next(speech.speak())

    assert caught.value.response.status_code == 200
    assert b"Sign in" in (caught.value.response.body or b"")


def test_a_handshake_that_is_reset(sandbox: Sandbox, speech: Speech) -> None:
    sandbox.misbehave("synthesize", "reset")

    with pytest.raises((OSError, InvalidHandshake)):
        next(speech.speak())

    assert speech.uses == 0


def test_a_handshake_without_an_answer(sandbox: Sandbox, speech: Speech) -> None:
    sandbox.misbehave("synthesize", "timeout")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: next(speech.speak()))
        assert sandbox.wait_for_held()
        sandbox.release_held()
        assert asked.exception(30) is not None


def _all(socket: Any, seconds: float = 10) -> tuple[list[Any], Exception]:
    """All messages that come, and how that ends: with the connection, or with silence."""
    messages = []
    while True:
        try:
            messages.append(socket.connection.recv(seconds))
        except (ConnectionClosed, TimeoutError) as end:
            return messages, end


@pytest.mark.parametrize("kind", SILENT)
def test_the_end_in_the_middle_of_the_audio(sandbox: Sandbox, speech: Speech, kind: str) -> None:
    sandbox.misbehave("synthesize", kind, after=True)

    with speech.connected() as socket:
        speech.say(socket)
        heard, end = _all(socket, 10 if kind == "reset" else 0.2)
        assert sandbox.wait_for_held(1, 0) == (kind == "timeout")
        sandbox.release_held()

    assert type(end) is (TimeoutError if kind == "timeout" else ConnectionClosedError)
    assert sum(map(speech.is_audio, heard)) == 1
    assert speech.uses == 0


def test_an_error_event(sandbox: Sandbox, speech: Speech) -> None:
    sandbox.misbehave("synthesize", "error-200")

    assert speech.code(next(speech.speak())) == "InternalError"
    assert speech.uses == 0


@pytest.mark.parametrize("kind", [*REFUSED, "error-200"])
def test_an_error_event_in_the_end(sandbox: Sandbox, speech: Speech, kind: str) -> None:
    sandbox.misbehave("synthesize", kind, after=True)

    with speech.connected() as socket:
        speech.say(socket)
        messages, _ = _all(socket, 10 if speech.is_task else 0.2)

    assert speech.code(messages[-1]) == REFUSED.get(kind, (0, "InternalError"))[1]
    assert any(map(speech.is_audio, messages))
    assert speech.uses == 1


@either_time
def test_spoilt_events(sandbox: Sandbox, speech: Speech, after: bool) -> None:
    def spoilt(kind: str) -> Any:
        sandbox.misbehave("synthesize", kind, after=after)
        with speech.connected() as socket:
            speech.say(socket)
            return _all(socket, 0.2)[0][-1 if after else 0]

    with pytest.raises(json.JSONDecodeError):
        json.loads(spoilt("cut-json"))
    assert speech.kind(spoilt("missing-field")) is None
    assert speech.kind(spoilt("wrong-type")) == 12345
    if after:
        assert "Sign in" in spoilt("html")


def test_faults_count_tasks(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    sandbox.misbehave("synthesize", "503", skip=2)
    with inference(sandbox) as tasks:
        for number in range(2):
            tasks.say(voice.voice_id, "Good evening.", task_id=f"t{number}")
            tasks.heard()
        tasks.run(voice.voice_id, task_id="t3")
        assert tasks.refusal() == "ServiceUnavailable"
    assert sandbox.faults == ()


def test_a_later_task_is_met_by_silence(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    sandbox.misbehave("synthesize", "reset", skip=1)
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, "Good evening.")
        tasks.heard()
        tasks.run(voice.voice_id, task_id="t2")
        with pytest.raises(ConnectionClosedError):
            tasks.receive()


def test_callbacks(sandbox: Sandbox, speech: Speech) -> None:
    seen: list[int] = []
    sandbox.on_action("synthesize", lambda it: seen.append(speech.uses), when="before")
    sandbox.on_action("synthesize", lambda it: seen.append(speech.uses))
    assert len(list(speech.speak())) > 4
    assert seen == [0, 1]


def test_a_voice_removed_behind_the_back(sandbox: Sandbox, speech: Speech) -> None:
    sandbox.on_action(
        "synthesize", lambda it: it.remove_voice(speech.voice.voice_id), when="before"
    )
    with speech.connected() as socket:
        speech.say(socket)
        assert socket.refusal() == "BadRequest.VoiceNotFound"


def test_a_callback_that_fails(
    sandbox: Sandbox, speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(it: Sandbox) -> None:
        raise ZeroDivisionError

    sandbox.on_action("synthesize", broken, when="before")
    with speech.connected() as socket:
        speech.say(socket)
        assert socket.refusal() == "InternalError"
    assert "ZeroDivisionError" in caplog.text


# --- all connections --------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Sandbox.stop, Sandbox.go_offline])
def test_open_connections_end_with_the_sandbox(
    sandbox: Sandbox, speech: Speech, end: Callable[[Sandbox], None]
) -> None:
    with speech.connected() as first, speech.connected() as second:
        speech.say(first)
        first.receive()
        end(sandbox)
        for socket in (first, second):
            assert isinstance(_all(socket)[1], ConnectionClosed)


def test_many_at_once_and_no_thread_is_left(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    before = set(threading.enumerate())

    def speak(number: int) -> bytes:
        with inference(sandbox) as tasks:
            tasks.say(voice.voice_id, f"Good evening. {number % 10}")
            return tasks.heard()[1]

    with ThreadPoolExecutor(16) as pool:
        sounds = list(pool.map(speak, range(64)))

    assert len(set(sounds)) > 1
    assert use(sandbox, voice) == 64
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_kinds_that_are_for_other_actions(sandbox: Sandbox) -> None:
    for kind in (FaultKind.EMPTY_PAGE, FaultKind.QUOTA_FULL):
        with pytest.raises(ValueError, match="not for synthesize"):
            sandbox.misbehave("synthesize", kind)
