"""What the tests of the provider client share: answers in turn, a clock, sleeps that only count."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from voicereg.domain.designs import DesignRequest
from voicereg.domain.families import Family
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint, endpoint

KEY = "test-key"
BASE_URL = "https://voices.example/api/v1"
NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "

Reply = httpx.Response | Exception


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return NOW + self.passed

    def monotonic(self) -> timedelta:
        return self.passed


class Waits:
    """A sleep that returns at once, and remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, duration: timedelta) -> None:
        self.seconds.append(duration.total_seconds())


class Longest(Random):
    """Draws the end of every range, so that a wait is as long as it may be."""

    def random(self) -> float:
        return 1.0


class Script:
    """Gives the replies in turn, and keeps the requests. One request too many is a failure."""

    def __init__(self, *replies: Reply) -> None:
        self._left = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if not self._left:
            raise AssertionError(f"request {len(self.requests)} was not expected")
        reply = self._left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def unused(self) -> int:
        return len(self._left)


def remote_endpoint(workspace: str | None = None, base_url: str = BASE_URL) -> Endpoint:
    return endpoint(region="cn-beijing", workspace=workspace, base_url=base_url)


class Always(Script):
    """Gives one and the same reply for ever."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self._reply = reply

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._reply, Exception):
            raise self._reply
        same = self._reply
        return httpx.Response(same.status_code, headers=same.headers, content=same.content)


def client_of(
    script: Callable[[httpx.Request], httpx.Response],
    *,
    waits: Waits | None = None,
    clock: FakeClock | None = None,
    workspace: str | None = None,
    rng: Random | None = None,
) -> ProviderClient:
    return ProviderClient(
        remote_endpoint(workspace),
        KEY,
        clock=clock or FakeClock(),
        rng=rng or Longest(),
        sleep=waits or Waits(),
        transport=httpx.MockTransport(script),
    )


def design(family: Family = Family.COSYVOICE, **changes: Any) -> DesignRequest:
    fields: dict[str, Any] = {
        "family": family,
        "target_model": "cosyvoice-v3.5-plus"
        if family is Family.COSYVOICE
        else "qwen3-tts-vd-2026-01-26",
        "prompt": "A calm voice.",
        "preview_text": "Good evening.",
        "name": "announcer",
    }
    return DesignRequest(**(fields | changes))


def ok(output: object, request_id: str = "req-1") -> httpx.Response:
    return httpx.Response(200, json={"output": output, "request_id": request_id})


def refusal(
    status: int,
    code: str,
    message: str = "said why",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return httpx.Response(
        status,
        json={"code": code, "message": message, "request_id": "req-9"},
        headers=headers,
    )


def created(family: Family = Family.COSYVOICE, **changes: Any) -> dict[str, Any]:
    """The output of a successful create."""
    output: dict[str, Any] = {
        "target_model": design(family).target_model,
        "preview_audio": {
            "data": base64.b64encode(WAV).decode(),
            "sample_rate": 24000,
            "response_format": "wav",
        },
    }
    if family is Family.COSYVOICE:
        output["voice_id"] = "cosyvoice-v3.5-plus-vd-announcer-0a1b2c"
    else:
        output["voice"] = "qwen-tts-vd-announcer-voice-20251201102800-a1b2"
    return output | changes


def in_pieces(status: int, headers: dict[str, str], pieces: Iterable[bytes]) -> httpx.Response:
    """A response whose body is read piece by piece, as from a network."""

    def stream() -> Iterator[bytes]:
        yield from pieces

    return httpx.Response(status, headers=headers, content=stream())
