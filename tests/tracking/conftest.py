"""A registry whose voices live in a sandbox, and the official SDK pointed at it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dashscope
import pytest
import websocket
from dashscope.api_entities.http_request import close_shared_sync_session

from voicereg.sandbox import Sandbox


@pytest.fixture
def backend() -> str:
    """What is watched has nothing to do with the kind of database."""
    return "sqlite"


@pytest.fixture
def sdk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The SDK speaks with the sandbox, and leaves no sockets behind."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(dashscope, "api_key", sandbox.api_key)
    monkeypatch.setattr(dashscope, "base_http_api_url", sandbox.base_url)
    monkeypatch.setattr(
        dashscope, "base_websocket_api_url", f"{sandbox.websocket_base_url}/inference"
    )
    sockets: list[socket.socket] = []
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
    for one in sockets:
        one.close()
