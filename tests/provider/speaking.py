"""What the tests of synthesis share: requests, impatient clients, servers made by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from websockets.sync.server import Server, ServerConnection, serve

from voicereg.domain.speech import Manner, SpeechRequest
from voicereg.provider.client import ProviderClient
from voicereg.settings import CreateSettings

from .support import KEY, FakeClock, Longest, Waits, remote_endpoint

TEXT = "Good evening. 晚上好！"
MODELS = {
    Manner.LINK: "qwen3-tts-vd-2026-01-26",
    Manner.INFERENCE: "cosyvoice-v3.5-plus",
    Manner.REALTIME: "qwen3-tts-vd-realtime-2026-01-15",
}
PATIENT = CreateSettings(connect_timeout=timedelta(seconds=20), read_timeout=timedelta(seconds=20))
"""For what answers, however busy the machine is."""
IMPATIENT = CreateSettings(
    connect_timeout=timedelta(seconds=5), read_timeout=timedelta(milliseconds=200)
)


def saying(manner: Manner, **changed: Any) -> SpeechRequest:
    fields: dict[str, Any] = {
        "voice_id": "v-1",
        "target_model": MODELS[manner],
        "manner": manner,
        "text": TEXT,
        "response_format": "pcm" if manner is Manner.REALTIME else "wav",
        "file_format": "wav",
        "sample_rate": 24000,
    }
    return SpeechRequest(**(fields | changed))


def client_at(
    base_url: str,
    *,
    key: str = KEY,
    waits: Waits | None = None,
    timeouts: CreateSettings | None = None,
    workspace: str | None = None,
) -> ProviderClient:
    return ProviderClient(
        remote_endpoint(workspace, base_url),
        key,
        clock=FakeClock(),
        rng=Longest(),
        sleep=waits or Waits(),
        timeouts=timeouts,
    )


Talk = Callable[[ServerConnection], None]


class SocketServer:
    """Speaks as a test tells it to, and remembers what it was told."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.opened: list[tuple[str, dict[str, str]]] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/api/v1"


@contextmanager
def talking(talk: Talk, **options: Any) -> Iterator[SocketServer]:
    """A WebSocket server that runs inside the block; each connection is a ``talk``."""

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        headers = {name.lower(): value for name, value in connection.request.headers.raw_items()}
        made.opened.append((connection.request.path, headers))
        talk(connection)

    with serve(handle, "127.0.0.1", 0, **options) as server:
        made = SocketServer(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def hear(connection: ServerConnection) -> Any:
    """The next message of the client."""
    return json.loads(connection.recv(10))


def say(connection: ServerConnection, *messages: Any) -> None:
    """Send messages: bytes and texts as they are, all else as JSON."""
    for message in messages:
        as_it_is = isinstance(message, bytes | str)
        connection.send(message if as_it_is else json.dumps(message))


def task(event: str, **header: Any) -> dict[str, Any]:
    """An event of ``/inference``."""
    return {"header": {"task_id": "t", "event": event, "attributes": {}, **header}, "payload": {}}


def linked(url: object = None, data: object = "", **changed: Any) -> dict[str, Any]:
    """An answer over HTTP."""
    audio = {"url": url, "data": data, "id": "a", "expires_at": 1}
    return {"output": {"audio": audio, "finish_reason": "stop"}, "request_id": "r-1", **changed}
