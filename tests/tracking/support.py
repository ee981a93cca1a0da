"""Voices that can be watched, what is known of their uses, and answers made by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from tests.fakes import ANNOUNCER, NARRATOR
from voicereg import Registry, Voice

COSY_MODEL = ANNOUNCER["target_model"]
QWEN_MODEL = NARRATOR["target_model"]
REALTIME_MODEL = "qwen3-tts-vd-realtime-2026-01-15"
GENERATION = "/services/aigc/multimodal-generation/generation"
SYNTHESIZER = "/services/audio/tts/SpeechSynthesizer"
TEXT = "Good evening. 晚上好！Welcome to the late show."


def cosy(registry: Registry) -> Voice:
    return registry.design(**ANNOUNCER)


def qwen(registry: Registry) -> Voice:
    return registry.design(**NARRATOR)


def realtime(registry: Registry) -> Voice:
    return registry.design(**(NARRATOR | {"target_model": REALTIME_MODEL}))


def uses(registry: Registry, voice: Voice) -> Counter[str]:
    """How often a voice was used, by source."""
    registry.flush()
    counts: Counter[str] = Counter()
    for day in registry.daily_uses(voice.id):
        counts[day.source] += day.uses
    return counts


def asking(voice_id: object, model: str = QWEN_MODEL, **more: object) -> dict[str, Any]:
    """The body of a synthesis over HTTP."""
    return {"model": model, "input": {"text": TEXT, "voice": voice_id, **more}}


def spoken(**changed: object) -> dict[str, Any]:
    """The body of an answer of success."""
    audio = {"url": "https://files.example/one.wav", "data": "", "id": "a"}
    return {"output": {"audio": audio}, "request_id": "r", **changed}


def event(body: object) -> bytes:
    """A server-sent event."""
    return b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:" + json.dumps(body).encode() + b"\n\n"


def piece(data: str = "AAAA", **changed: object) -> bytes:
    """An event with some audio."""
    return event({"output": {"audio": {"data": data}, "finish_reason": "null"}, **changed})


REFUSED = (
    b"id:2\nevent:error\n:HTTP_STATUS/500\n"
    b'data:{"code":"InternalError","message":"no","request_id":"r"}\n\n'
)
EVENT_STREAM = {"content-type": "text/event-stream;charset=UTF-8"}


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes piece by piece, and knows how many were asked for."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for one in self._pieces:
            self.taken += 1
            yield one
        if self._error is not None:
            raise self._error

    async def __aiter__(self) -> Any:
        for one in self:
            yield one

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True
