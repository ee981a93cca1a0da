"""What is old enough to be let go of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from voicereg.tables import events, messages, rounds, voice_uses

_AT_ONCE = 5_000


def count(connection: sa.Connection, before: datetime) -> Mapping[str, int]:
    """How many rows of each kind are older."""
    return {
        name: connection.execute(
            sa.select(sa.func.count()).select_from(table).where(*_older(table, before))
        ).scalar_one()
        for name, table in _TABLES.items()
    }


def delete_some(connection: sa.Connection, name: str, before: datetime) -> int:
    """Delete some of the older rows of a kind, and return how many: fewer than there are at once
    where a writer would have to wait too long for all of them."""
    table = _TABLES[name]
    key = list(table.primary_key)
    oldest = sa.select(*key).where(*_older(table, before)).limit(_AT_ONCE)
    deleted = connection.execute(
        sa.delete(table).where(sa.tuple_(*key).in_(oldest)).returning(key[0])
    )
    return len(deleted.all())


_TABLES = {"events": events, "uses": voice_uses, "messages": messages, "rounds": rounds}
"""By what they are called in a round's counts."""


def _older(table: sa.Table, before: datetime) -> list[sa.ColumnElement[bool]]:
    if table is voice_uses:
        return [voice_uses.c.day < before.date()]
    if table is messages:
        # One that is being sent is still to be noted.
        return [messages.c.made_at < before, messages.c.outcome.is_not(None)]
    return [(rounds.c.started_at if table is rounds else events.c.at) < before]
