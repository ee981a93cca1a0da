"""The tables behind a registry: filled by hand with what only a later sync can bring, and counted.

Nothing here goes through the code under test; each call has a connection of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from tests.fakes import START
from voicereg import State
from voicereg.store.texts import SEARCHED, text_of
from voicereg.tables import accounts, events, voice_previews, voice_texts, voices

COSYVOICE = "cosyvoice"
QWEN = "qwen-tts"
MODELS = {COSYVOICE: "cosyvoice-v3.5-plus", QWEN: "qwen3-tts-vd-2026-01-26"}

WITH_VOICE_ID = [
    state for state in State if state not in {State.CREATING, State.UNRESOLVED, State.FAILED}
]

_numbers = itertools.count(1)


@contextmanager
def begun(url: str) -> Iterator[sa.Connection]:
    """A transaction on a connection that nobody else uses."""
    with _engine(url).begin() as connection:
        yield connection


@lru_cache(maxsize=8)
def _engine(url: str) -> sa.Engine:
    """An engine that keeps no connections, only what it has found out about the database."""
    return sa.create_engine(url, poolclass=sa.pool.NullPool)


def insert_voices(
    url: str,
    count: int,
    *,
    state: State = State.ACTIVE,
    account: str = "default",
    family: str = COSYVOICE,
    created_at: datetime = START,
    **changed: Any,
) -> list[str]:
    """Record voices in any state, and return their registry ids in the order of those."""
    with begun(url) as connection:
        owner = connection.execute(sa.select(accounts).where(accounts.c.name == account)).one()
        rows = []
        for number in itertools.islice(_numbers, count):
            row: dict[str, Any] = {
                "id": f"row{number:09}",
                "account_id": owner.id,
                "quota_group_id": owner.quota_group_id,
                "family": family,
                "voice_id": f"{MODELS[family]}-vd-row-{number:09}",
                "target_model": MODELS[family],
                "origin": "designed",
                "state": state.value,
                "name": f"row{number}",
                "prompt": "A voice that was recorded by hand.",
                "preview_text": "Good evening.",
                "created_at": created_at,
                "last_used_at": None,
                "deadline_at": created_at + timedelta(days=365),
                "deadline_basis": "created",
                "pinned": False,
                "owner": None,
                "note": None,
                "updated_at": created_at,
                "lease_holder": None,
                "lease_expires_at": None,
                "delete_asked_at": None,
                "state_before_delete": None,
                "gone_at": created_at if state.is_gone else None,
            }
            if state in {State.CREATING, State.UNRESOLVED, State.FAILED}:
                row["voice_id"] = None
            if state is State.CREATING:
                row |= {"lease_holder": "another host", "lease_expires_at": created_at}
            if state is State.DELETING:
                row |= {"delete_asked_at": created_at, "state_before_delete": "active"}
            rows.append(row | changed)
        connection.execute(sa.insert(voices), rows)
        texts = [
            {"voice": row["id"], "text": text_of(row[name] for name in SEARCHED)} for row in rows
        ]
        connection.execute(sa.insert(voice_texts), texts)
        return [row["id"] for row in rows]


def insert_voice(url: str, **options: Any) -> str:
    """Record one voice, and return its registry id."""
    return insert_voices(url, 1, **options)[0]


def update_voice(url: str, voice: str, **values: Any) -> None:
    """Change a voice behind the registry's back, as another program would."""
    with begun(url) as connection:
        connection.execute(sa.update(voices).where(voices.c.id == voice).values(**values))


def counts(url: str) -> tuple[int, int, int]:
    """How many voices, events and previews are recorded: what a refusal must not change."""
    with begun(url) as connection:
        voices_, events_, previews_ = (
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (voices, events, voice_previews)
        )
        return voices_, events_, previews_


def row_of(url: str, voice: str) -> sa.Row[Any]:
    """A voice as the database holds it."""
    with begun(url) as connection:
        return connection.execute(sa.select(voices).where(voices.c.id == voice)).one()
