"""Speech as a client of a sandbox asks for it, with nothing but general libraries."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from voicereg.sandbox import Sandbox, SandboxVoice

from .wire import Answer, Caller

COSY_MODEL = "cosyvoice-v3.5-plus"
QWEN_MODEL = "qwen3-tts-vd-2026-01-26"
REALTIME_MODEL = "qwen3-tts-vd-realtime-2026-01-15"

GENERATION = "/api/v1/services/aigc/multimodal-generation/generation"
SYNTHESIZER = "/api/v1/services/audio/tts/SpeechSynthesizer"


def cosy_voice(sandbox: Sandbox, model: str = COSY_MODEL, **more: Any) -> SandboxVoice:
    return _voice(sandbox, "cosyvoice", model, **more)


def qwen_voice(sandbox: Sandbox, model: str = QWEN_MODEL, **more: Any) -> SandboxVoice:
    return _voice(sandbox, "qwen-tts", model, **more)


def realtime_voice(sandbox: Sandbox, model: str = REALTIME_MODEL, **more: Any) -> SandboxVoice:
    return _voice(sandbox, "qwen-tts", model, **more)


def _voice(sandbox: Sandbox, family: str, model: str, **more: Any) -> SandboxVoice:
    return sandbox.add_voice(
        family=family, origin="designed", target_model=model, name="n", prompt="p", **more
    )


def speak_once(caller: Caller, voice: SandboxVoice) -> Answer:
    """Make a voice of Qwen-TTS speak."""
    body = {"model": voice.target_model, "input": {"text": "Hello.", "voice": voice.voice_id}}
    return caller.send(json.dumps(body).encode(), path=GENERATION)


def use(sandbox: Sandbox, voice: SandboxVoice) -> int:
    """How often a voice spoke."""
    return next(one.uses for one in sandbox.voices() if one.voice_id == voice.voice_id)


class Socket:
    """A WebSocket connection, and what comes over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, content: Any) -> None:
        """Send a JSON value; what came before the sandbox closed can still be read."""
        with contextlib.suppress(ConnectionClosed):
            self.connection.send(json.dumps(content, ensure_ascii=False))

    def receive(self) -> Any:
        """The next message: a JSON value, or bytes."""
        message = self.connection.recv(10)
        return message if isinstance(message, bytes) else json.loads(message)


@contextmanager
def _connected(sandbox: Sandbox, path: str, key: str | None) -> Iterator[ClientConnection]:
    with connect(
        sandbox.websocket_base_url + path,
        additional_headers={"Authorization": f"bearer {key or sandbox.api_key}"},
        proxy=None,
        max_size=None,
    ) as connection:
        yield connection


class Tasks(Socket):
    """A connection to ``/inference``."""

    def command(self, action: str, task_id: str, payload: dict[str, Any]) -> None:
        header = {"action": action, "task_id": task_id, "streaming": "duplex"}
        self.send({"header": header, "payload": payload})

    def run(
        self, voice_id: str, *, task_id: str = "t1", model: str = COSY_MODEL, **parameters: Any
    ) -> None:
        payload = {
            "task_group": "audio",
            "task": "tts",
            "function": "SpeechSynthesizer",
            "model": model,
            "parameters": {
                "text_type": "PlainText",
                "voice": voice_id,
                "format": "pcm",
                "sample_rate": 16000,
                "volume": 50,
                "rate": 1.0,
                "pitch": 1.0,
            }
            | parameters,
            "input": {},
        }
        self.command("run-task", task_id, payload)

    def go_on(self, text: str, task_id: str = "t1") -> None:
        self.command("continue-task", task_id, {"input": {"text": text}})

    def finish(self, task_id: str = "t1") -> None:
        self.command("finish-task", task_id, {"input": {}})

    def say(self, voice_id: str, *texts: str, task_id: str = "t1", **parameters: Any) -> None:
        """Send a whole task."""
        self.run(voice_id, task_id=task_id, **parameters)
        for text in texts:
            self.go_on(text, task_id)
        self.finish(task_id)

    def heard(self) -> tuple[list[Any], bytes]:
        """All events of a task, up to its end, and its audio."""
        events: list[Any] = []
        audio = []
        while not events or events[-1]["header"]["event"] not in ("task-finished", "task-failed"):
            message = self.receive()
            if isinstance(message, bytes):
                audio.append(message)
            else:
                events.append(message)
        return events, b"".join(audio)

    def refusal(self) -> str:
        """The code with which a task fails."""
        events, _ = self.heard()
        header = events[-1]["header"]
        assert header["event"] == "task-failed", header
        return str(header["error_code"])


@contextmanager
def inference(sandbox: Sandbox, key: str | None = None) -> Iterator[Tasks]:
    with _connected(sandbox, "/inference", key) as connection:
        yield Tasks(connection)


class Session(Socket):
    """A connection to ``/realtime``."""

    def event(self, kind: str, **fields: Any) -> None:
        self.send({"event_id": "event_1", "type": kind, **fields})

    def update(self, voice_id: str, mode: str = "commit", **fields: Any) -> None:
        session = {
            "voice": voice_id,
            "mode": mode,
            "response_format": "pcm",
            "sample_rate": 24000,
            **fields,
        }
        self.event("session.update", session=session)

    def append(self, text: str) -> None:
        self.event("input_text_buffer.append", text=text)

    def until(self, *kinds: str) -> list[Any]:
        """All events up to the first one of some types."""
        events: list[Any] = []
        while not events or events[-1]["type"] not in kinds:
            events.append(self.receive())
        return events

    def refusal(self) -> str:
        """The code of the next error."""
        return str(self.until("error")[-1]["error"]["code"])


@contextmanager
def realtime(
    sandbox: Sandbox, model: str = REALTIME_MODEL, key: str | None = None
) -> Iterator[Session]:
    with _connected(sandbox, f"/realtime?model={model}", key) as connection:
        yield Session(connection)
