"""Aliases in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.aliases import Alias
from voicereg.domain.states import State
from voicereg.store.inserts import insert_into
from voicereg.tables import accounts, aliases, voices

_SELECT = (
    sa.select(
        aliases.c.name,
        accounts.c.name,
        voices.c.id,
        voices.c.voice_id,
        voices.c.target_model,
        voices.c.state,
        aliases.c.updated_at,
    )
    .join(accounts, accounts.c.id == aliases.c.account_id)
    .join(voices, voices.c.id == aliases.c.voice)
    .order_by(aliases.c.name, accounts.c.name)
)


def find(connection: sa.Connection, account_ids: Sequence[int], name: str) -> list[Alias]:
    """The aliases of that name, one for each account that has it."""
    query = _SELECT.where(aliases.c.name == name, aliases.c.account_id.in_(account_ids))
    return [_alias(row) for row in connection.execute(query)]


def select(connection: sa.Connection, account_ids: Sequence[int]) -> list[Alias]:
    """All aliases of some accounts, by name."""
    query = _SELECT.where(aliases.c.account_id.in_(account_ids))
    return [_alias(row) for row in connection.execute(query)]


def put(connection: sa.Connection, account_id: int, name: str, voice: str, now: datetime) -> None:
    """Let a name stand for a voice."""
    values = {"voice": voice, "updated_at": now}
    connection.execute(
        insert_into(connection, aliases)
        .values(account_id=account_id, name=name, **values)
        .on_conflict_do_update(index_elements=[aliases.c.account_id, aliases.c.name], set_=values)
    )


def remove(connection: sa.Connection, account_id: int, name: str) -> None:
    """Let a name stand for nothing."""
    connection.execute(
        sa.delete(aliases).where(aliases.c.account_id == account_id, aliases.c.name == name)
    )


def move(connection: sa.Connection, voice: str, to: str) -> None:
    """Let the names of one record stand for another: they are the same voice."""
    connection.execute(sa.update(aliases).where(aliases.c.voice == voice).values(voice=to))


def _alias(row: sa.Row[*tuple[Any, ...]]) -> Alias:
    name, account, voice, voice_id, target_model, state, updated_at = row
    return Alias(name, account, voice, voice_id, target_model, State(state), updated_at)
