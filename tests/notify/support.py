"""Voices, items and messages to be told, and receivers of them on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.domain import making
from voicereg.domain.concerns import (
    Concern,
    of_deadline,
    of_failed_keep_alive,
    of_quota,
    of_retiring,
    of_state,
)
from voicereg.domain.messages import Item, Message, News
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis, Voice

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MARKS = (60, 30, 14, 7, 3, 1)
MODEL = "qwen3-tts-vd-realtime-2025-12-16"


def voice(days_left: float, number: int = 1, **changes: Any) -> Voice:
    """A voice with so much time left."""
    values: dict[str, Any] = {
        "id": f"v-{number}",
        "name": f"calm-{number}",
        "deadline_at": NOW + timedelta(days=days_left),
    }
    return making.voice(**(values | changes))


def certain(concern: Concern | None) -> Concern:
    """The concern, of which there must be one."""
    assert concern is not None
    return concern


def item(concern: Concern | None, news: News = News.WARNING, *, repeat: bool = False) -> Item:
    return Item(news, certain(concern), maybe_repeat=repeat)


def near(days_left: float, number: int = 1, *, repeat: bool = False, **changes: Any) -> Item:
    """That a voice is near its deletion, or past its deadline."""
    return item(of_deadline(voice(days_left, number, **changes), NOW, MARKS), repeat=repeat)


def quota_item(**changes: Any) -> Item:
    values: dict[str, Any] = {"used": 950, "unresolved": 0}
    return item(of_quota(making.quota(**(values | changes))))


def everything() -> list[Item]:
    """A warning and an all-clear of every kind."""
    gone = voice(40, 5, state=State.LOST, gone_at=NOW - timedelta(days=1))
    unknown = voice(300, 6, state=State.UNRESOLVED, voice_id=None, created_at=NOW)
    refused = voice(300, 7, state=State.REJECTED, state_reason="the prompt breaks a rule")
    retiring = of_retiring("studio", MODEL, date(2027, 3, 1), [voice(90, 8)], NOW, MARKS)
    used = voice(365, 9, last_used_at=NOW)
    made = voice(365, 10, state=State.ACTIVE)
    roomy = making.quota()
    items = [
        near(-10, 1, deadline_basis=DeadlineBasis.ESTIMATED),
        near(6.5, 2),
        item(of_failed_keep_alive(voice(2, 3, pinned=True), NOW, "the provider answered 503")),
        item(of_state(gone, NOW)),
        item(of_state(unknown, NOW + timedelta(days=2))),
        item(of_state(refused, NOW)),
        item(retiring),
        quota_item(),
        _clear(near(3, 9), voices=(used,), deadline_at=used.deadline_at),
        _clear(item(of_state(unknown, NOW + timedelta(days=2))), voices=(made,)),
        _clear(item(of_state(refused, NOW)), voices=(voice(9, 7, state=State.DELETED),)),
        _clear(quota_item(), quota=roomy),
        _clear(item(retiring), voices=()),
    ]
    return sorted(items, key=lambda each: each.urgency(NOW))


def _clear(warning: Item, **changes: Any) -> Item:
    from dataclasses import replace

    return Item(News.ALL_CLEAR, replace(warning.concern, **changes))


def all_clear() -> Message:
    """A message of nothing but good news."""
    return message(*(each for each in everything() if each.news is News.ALL_CLEAR))


def message(*items: Item) -> Message:
    return Message("m-1", "mail", NOW, sorted(items, key=lambda each: each.urgency(NOW)))


@dataclass
class Received:
    """What an HTTP receiver was sent."""

    port: int
    status: int = 200
    paths: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True
    received: Received


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        received = self.server.received
        received.paths.append(self.path)
        received.bodies.append(_read(raw))
        self.send_response(received.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode()


@contextmanager
def http_receiver(status: int = 200) -> Iterator[Received]:
    """An HTTP server on loopback that takes whatever is posted."""
    server = _Receiver(("127.0.0.1", 0), _Handler)
    server.received = Received(server.server_port, status)
    # It looks for the end often, for every test waits for that.
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield server.received
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


class Mailbox:
    """Takes every mail."""

    def __init__(self, *, refusing: bool = False) -> None:
        self.refusing = refusing
        self.mails: list[Mail] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refusing:
            return "550 no room for secret-password"
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content))
        return "250 OK"


@contextmanager
def smtp_server(mailbox: Mailbox) -> Iterator[int]:
    """An SMTP server on loopback; its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    )
    serving = threading.Thread(target=loop.run_forever, daemon=True)
    serving.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_stopped(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        serving.join()
        loop.close()


async def _stopped(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    # What still serves a connection is to end before its loop does.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def parts_of(mail: Mail) -> dict[str, str]:
    """The texts of a mail by their type."""
    texts: dict[str, str] = {}
    for part in mail.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            texts[part.get_content_type()] = payload.decode()
    return texts


def many(count: int, days_left: float = -5) -> Sequence[Item]:
    return [near(days_left, number) for number in range(count)]
