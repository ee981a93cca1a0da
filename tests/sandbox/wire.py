"""Speaking to a sandbox over a socket, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from voicereg.sandbox import Sandbox

PATH = "/api/v1/services/audio/tts/customization"
CLOCK = "/sandbox/clock"

COSY = "voice-enrollment"
DESIGN = "qwen-voice-design"
CLONE = "qwen-voice-enrollment"

COSY_DESIGN: dict[str, Any] = {
    "target_model": "cosyvoice-v3.5-plus",
    "voice_prompt": "A calm old narrator.",
    "preview_text": "Good evening, dear listeners.",
    "prefix": "narrator",
}
COSY_CLONE: dict[str, Any] = {
    "target_model": "cosyvoice-v2",
    "prefix": "copy1",
    "url": "https://recordings.example/one.wav",
}
QWEN_DESIGN: dict[str, Any] = {
    "target_model": "qwen3-tts-vd-2026-01-26",
    "voice_prompt": "A calm old narrator.",
    "preview_text": "Good evening, dear listeners.",
    "preferred_name": "narrator_1",
}
QWEN_CLONE: dict[str, Any] = {
    "target_model": "qwen3-tts-vc-2026-01-22",
    "preferred_name": "copy_1",
    "audio": {"data": "https://recordings.example/one.wav"},
}
#: A create of every kind: management model, action, input.
CREATES = {
    "cosyvoice design": (COSY, "create_voice", COSY_DESIGN),
    "cosyvoice clone": (COSY, "create_voice", COSY_CLONE),
    "qwen design": (DESIGN, "create", QWEN_DESIGN),
    "qwen clone": (CLONE, "create", QWEN_CLONE),
}


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 20, 30, 15, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def output(self) -> Any:
        assert self.status == 200, self.raw
        return self.body["output"]

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body["code"]


class Caller:
    """One client of a sandbox, on a connection that it keeps."""

    def __init__(self, sandbox: Sandbox, key: str | None = None) -> None:
        address = urlsplit(sandbox.base_url)
        assert address.hostname is not None
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        self.headers = {"Authorization": f"Bearer {key or sandbox.api_key}"}

    def send(
        self,
        body: bytes,
        *,
        path: str = PATH,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send bytes as they are."""
        self.connection.request(
            method, path, body, dict(self.headers if headers is None else headers)
        )
        response = self.connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())

    def call(
        self,
        model: str,
        action: str,
        fields: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Answer:
        """Call an action; ``more`` is added to the input fields."""
        body: dict[str, Any] = {
            "model": model,
            "input": {"action": action, **(fields or {}), **more},
        }
        if parameters is not None:
            body["parameters"] = parameters
        return self.send(json.dumps(body).encode())

    def close(self) -> None:
        self.connection.close()


def move_clock(caller: Caller, **by: float) -> Answer:
    """Move the sandbox's clock as everybody can, without a key."""
    return caller.send(json.dumps(by).encode(), path=CLOCK, headers={})
