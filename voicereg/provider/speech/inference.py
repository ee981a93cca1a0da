"""Models that are spoken to over ``/inference``: ``cosyvoice-*`` and ``qwen-audio-*-tts-*``.

The events are those of the provider's API reference for CosyVoice's WebSocket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicereg.domain.provider_errors import AnswerUnreadable
from voicereg.domain.speech import SpeechRequest, Spoken
from voicereg.provider.answers import Action, error_of
from voicereg.provider.sockets import Socket
from voicereg.provider.speech.base import Audio, Deliver, Line

_PATH = "inference"
_VOLUME, _RATE, _PITCH = 50, 1.0, 1.0
"""The provider's defaults."""


def speak_by_inference(line: Line, request: SpeechRequest, deliver: Deliver) -> Spoken:
    """Run one task: text goes out in JSON events, audio comes back in binary messages."""
    audio = Audio(line.clock, deliver)
    task_id = line.task_id()
    with line.open_socket(_PATH) as socket:
        socket.send(_event("run-task", task_id, _task(request)))
        _wait_for("task-started", socket, audio)
        socket.send(_event("continue-task", task_id, {"input": {"text": request.text}}))
        audio.asked()
        socket.send(_event("finish-task", task_id, {"input": {}}))
        header = _wait_for("task-finished", socket, audio)
    found = header.get("attributes")
    request_id = found.get("request_uuid") if isinstance(found, Mapping) else None
    return audio.spoken(request, request_id if isinstance(request_id, str) else task_id)


def _event(action: str, task_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "header": {"action": action, "task_id": task_id, "streaming": "duplex"},
        "payload": payload,
    }


def _task(request: SpeechRequest) -> dict[str, Any]:
    return {
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "model": request.target_model,
        "parameters": {
            "text_type": "PlainText",
            "voice": request.voice_id,
            "format": request.response_format,
            "sample_rate": request.sample_rate,
            "volume": _VOLUME,
            "rate": _RATE,
            "pitch": _PITCH,
        },
        "input": {},
    }


def _wait_for(wanted: str, socket: Socket, audio: Audio) -> Mapping[str, Any]:
    """Pass audio on until an event of that name comes, and return its header."""
    while True:
        message = socket.receive()
        if isinstance(message, bytes):
            audio.take(message)
            continue
        header = message.get("header")
        if not isinstance(header, Mapping):
            raise AnswerUnreadable("an event has no header", status=101)
        event = header.get("event")
        if not isinstance(event, str):
            raise AnswerUnreadable("an event has no name", status=101)
        if event == "task-failed":
            raise error_of(
                Action.SYNTHESIZE,
                header.get("error_code"),
                header.get("error_message"),
                request_id=header.get("task_id"),
            )
        if event == wanted:
            return header
