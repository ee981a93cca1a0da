"""Models that are spoken to over ``/realtime``: ``qwen3-tts-vd-realtime-*`` and ``-vc-``.

The events are those of the provider's API reference for realtime synthesis. Audio is PCM.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from voicereg.domain.provider_errors import AnswerUnreadable
from voicereg.domain.speech import SpeechRequest, Spoken
from voicereg.provider.answers import Action, error_of
from voicereg.provider.sockets import Socket
from voicereg.provider.speech.base import Audio, Deliver, Line

_PATH = "realtime"


def speak_by_realtime(line: Line, request: SpeechRequest, deliver: Deliver) -> Spoken:
    """Hold one session: update, append, commit, finish; audio comes in Base64 deltas."""
    audio = Audio(line.clock, deliver)
    with line.open_socket(f"{_PATH}?{urlencode({'model': request.target_model})}") as socket:
        _wait_for({"session.created"}, socket, audio)
        session = {
            "voice": request.voice_id,
            "mode": "commit",
            "response_format": request.response_format,
            "sample_rate": request.sample_rate,
        }
        socket.send(_event(line, "session.update", session=session))
        _wait_for({"session.updated"}, socket, audio)
        socket.send(_event(line, "input_text_buffer.append", text=request.text))
        audio.asked()
        socket.send(_event(line, "input_text_buffer.commit"))
        done = _wait_for({"response.done"}, socket, audio)
        socket.send(_event(line, "session.finish"))
        _wait_for({"session.finished"}, socket, audio)
    return audio.spoken(request, _response_id(done))


def _event(line: Line, kind: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": f"event_{line.task_id()}", "type": kind, **fields}


def _response_id(done: Mapping[str, Any]) -> str | None:
    response = done.get("response")
    found = response.get("id") if isinstance(response, Mapping) else None
    return found if isinstance(found, str) else None


def _wait_for(wanted: set[str], socket: Socket, audio: Audio) -> Mapping[str, Any]:
    """Pass audio on until an event of such a type comes, and return it."""
    while True:
        event = socket.receive()
        if isinstance(event, bytes):
            raise AnswerUnreadable("a binary message came", status=101)
        kind = event.get("type")
        if not isinstance(kind, str):
            raise AnswerUnreadable("an event has no type", status=101)
        if kind == "error":
            error = event.get("error")
            fields = error if isinstance(error, Mapping) else {}
            raise error_of(
                Action.SYNTHESIZE,
                fields.get("code"),
                fields.get("message"),
                request_id=event.get("event_id"),
            )
        if kind == "response.audio.delta":
            audio.take(_decoded(event.get("delta")))
        if kind in wanted:
            return event


def _decoded(delta: object) -> bytes:
    if not isinstance(delta, str):
        raise AnswerUnreadable("a piece of audio is missing", status=101)
    try:
        return base64.b64decode(delta, validate=True)
    except (binascii.Error, ValueError):
        raise AnswerUnreadable("a piece of audio is not Base64", status=101) from None
