"""What syncs are tried on: voices that others made, listings that are spoilt, tables compared."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, MODELS, QWEN, begun
from tests.registry.support import COSY, add_account
from voicereg import (
    ChangeKind,
    CreateSettings,
    CreateUnresolved,
    Registry,
    Settings,
    State,
    Sync,
    SyncChange,
    Voice,
)
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.registry.clients import ClientFactory
from voicereg.sandbox import Sandbox
from voicereg.sandbox.provider import SandboxVoice
from voicereg.tables import metadata

SETTLE_AFTER = CreateSettings().settle_after
LONGEST_DELETE = CreateSettings().longest_delete
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"])
"""For what does not depend on the database: both would take twice as long."""
CLONE_MODELS = {COSYVOICE: "cosyvoice-v2", QWEN: "qwen3-tts-vc-2026-01-22"}

Change = Callable[[str, dict[str, Any]], dict[str, Any] | None]

_numbers = itertools.count(1)


def stock(
    sandbox: Sandbox,
    count: int = 1,
    *,
    family: str = COSYVOICE,
    origin: str = "designed",
    created_at: datetime | None = None,
    **changed: Any,
) -> list[SandboxVoice]:
    """Voices that others have made, each from a prompt of its own."""
    made = []
    for number in itertools.islice(_numbers, count):
        values: dict[str, Any] = {
            "family": family,
            "origin": origin,
            "target_model": (MODELS if origin == "designed" else CLONE_MODELS)[family],
            "name": f"other{number}",
            "created_at": created_at,
        }
        if origin == "designed":
            values["prompt"] = f"A voice of somebody else's, number {number}."
            values["preview_text"] = f"This is number {number}."
        made.append(sandbox.add_voice(**(values | changed)))
    return made


def same_design(sandbox: Sandbox, design: dict[str, Any], **changed: Any) -> SandboxVoice:
    """A voice at the provider that was made from just this design."""
    family = COSYVOICE if design["target_model"].startswith("cosyvoice") else QWEN
    return sandbox.add_voice(**({**design, "family": family, "origin": "designed"} | changed))


def unlisted(sandbox: Sandbox, family: str = COSYVOICE, *, times: int | None = 2) -> None:
    """Let the next listing show nothing, though the voices are there; it is read twice."""
    sandbox.misbehave("list", "empty-page", times=times, family=family)


def states(registry: Registry) -> dict[str | None, State]:
    """The state of every voice on record, by the provider's id."""
    voices = registry.voices(with_gone=True, account=registry.ALL_ACCOUNTS)
    return {voice.voice_id: voice.state for voice in voices}


def kinds(sync: Sync) -> list[ChangeKind]:
    return [change.kind for change in sync.changes]


def actions(registry: Registry, voice: str | None = None) -> list[str]:
    """What was logged of a voice, or of all, oldest first; the syncs themselves left out."""
    events = registry.events(voice=voice, account=registry.ALL_ACCOUNTS)
    return [event.action for event in reversed(events) if event.action != "sync"]


def without_ids(sync: Sync) -> list[SyncChange]:
    """The changes, but for the ids that a dry run cannot tell yet, in an order of their own."""
    changes = [replace(change, id=None) for change in sync.changes]
    return sorted(changes, key=lambda change: (change.family, change.voice_id or "", change.kind))


def everything(url: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    with begun(url) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for table in metadata.sorted_tables
        }


def asked(sandbox: Sandbox, action: str) -> int:
    """How many requests of a kind have come in since the last look."""
    return sum(
        request.body["input"]["action"].removesuffix("_voice") == action
        for request in sandbox.requests
    )


def unresolved(registry: Registry, sandbox: Sandbox, *, made: bool, **changed: Any) -> Voice:
    """A create whose answer is lost, after the voice was made or instead of that."""
    sandbox.misbehave("create", "reset", after=made)
    with pytest.raises(CreateUnresolved) as lost:
        registry.design(**(COSY | changed))
    return lost.value.voice


def second_account(registry: Registry, sandbox: Sandbox, name: str = "studio") -> None:
    """Another way into the same account at the provider."""
    add_account(registry, name, quota_group="default", base_url=sandbox.base_url)


def with_settings(sandbox: Sandbox, **create: Any) -> Settings:
    return Settings(base_url=sandbox.base_url, create=CreateSettings(**create))


def tampering(clock: FakeClock, change: Change) -> ClientFactory:
    """Makes clients between whom and the sandbox somebody changes what is said.

    Args:
        clock: the test's.
        change: takes an action and the output of its answer, and returns another output; None:
            leaves it.
    """

    def factory(endpoint: Endpoint, key: str) -> ProviderClient:
        return ProviderClient(
            endpoint, key, clock=clock, sleep=clock.sleep, transport=_Tampered(change)
        )

    return factory


class _Tampered(httpx.HTTPTransport):
    """The network, and somebody on it."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self._change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        action = json.loads(request.content)["input"]["action"].removesuffix("_voice")
        answer = super().handle_request(request)
        answer.read()
        answer.close()
        body = answer.json()
        changed = self._change(action, body["output"]) if "output" in body else None
        if changed is None:
            return httpx.Response(answer.status_code, content=answer.content)
        return httpx.Response(200, content=json.dumps({**body, "output": changed}).encode())
