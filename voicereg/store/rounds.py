"""Rounds of housekeeping in the database, and how each step went last."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from voicereg.store.inserts import insert_into
from voicereg.tables import rounds, step_states

OF_ALL = ""
"""In place of an account's name, where a step is about all of them."""


def begin(connection: sa.Connection, holder: str, now: datetime) -> int:
    """Note that a round begins, and return its number."""
    number: int = connection.execute(
        sa.insert(rounds).values(holder=holder, started_at=now).returning(rounds.c.id)
    ).scalar_one()
    return number


def finish(connection: sa.Connection, number: int, ok: bool, now: datetime) -> None:
    """Note that a round has ended."""
    connection.execute(
        sa.update(rounds).where(rounds.c.id == number).values(finished_at=now, ok=ok)
    )


def note_step(
    connection: sa.Connection, name: str, account: str | None, error: str | None, now: datetime
) -> None:
    """Note how a step went; an earlier good one is remembered."""
    insert = insert_into(connection, step_states).values(
        name=name,
        account=account or OF_ALL,
        tried_at=now,
        good_at=now if error is None else None,
        error=error,
    )
    new = insert.excluded
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=list(step_states.primary_key),
            set_={
                "tried_at": new.tried_at,
                "good_at": sa.func.coalesce(new.good_at, step_states.c.good_at),
                "error": new.error,
            },
        )
    )
