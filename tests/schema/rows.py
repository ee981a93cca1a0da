"""Rows for direct inserts, which pass every constraint unless a test changes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.fakes import NARRATOR, START
from voicereg import tables
from voicereg.domain.families import Family
from voicereg.domain.states import State

GROUP = 1
"""The quota group of the default account."""


def voice_row(**changed: Any) -> dict[str, Any]:
    """A voice of the default account, as its state needs it to be."""
    row: dict[str, Any] = {
        "id": "avoice",
        "account_id": 1,
        "quota_group_id": GROUP,
        "family": Family.QWEN_TTS,
        "voice_id": "qwen-tts-vd-avoice",
        "target_model": NARRATOR["target_model"],
        "origin": "designed",
        "state": State.ACTIVE,
        "name": NARRATOR["name"],
        "prompt": NARRATOR["prompt"],
        "created_at": START,
        "deadline_at": START + timedelta(days=365),
        "deadline_basis": "created",
        "pinned": False,
        "updated_at": START,
        "lease_holder": None,
        "lease_expires_at": None,
        "delete_asked_at": None,
        "state_before_delete": None,
        "gone_at": None,
    }
    state = changed.get("state", row["state"])
    if state == State.CREATING:
        row |= {"lease_holder": "host:1:a", "lease_expires_at": START + timedelta(minutes=15)}
    if state == State.DELETING:
        row |= {"delete_asked_at": START, "state_before_delete": State.ACTIVE}
    if state in {"failed", "deleted", "expired", "lost"}:
        row["gone_at"] = START
    return row | changed


def add_voices(connection: sa.Connection, count: int) -> None:
    """Add so many active Qwen-TTS voices to the default account."""
    connection.execute(
        sa.insert(tables.voices),
        [
            voice_row(id=f"filled{number:06}", voice_id=f"qwen-tts-vd-filled{number:06}")
            for number in range(count)
        ],
    )


def everything(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    return {
        table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
        for table in tables.metadata.sorted_tables
    }
