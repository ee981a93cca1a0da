"""Rounds of housekeeping in the database, and how each step went last."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.rounds import RoundRecord, StepState
from voicereg.store.inserts import insert_into
from voicereg.tables import accounts, rounds, step_states

OF_ALL = ""
"""In place of an account's name, where a step is about all of them."""


def begin(
    connection: sa.Connection,
    holder: str,
    now: datetime,
    due_at: datetime | None,
    missed: int,
) -> int:
    """Note that a round begins, and return its number."""
    number: int = connection.execute(
        sa.insert(rounds)
        .values(holder=holder, started_at=now, due_at=due_at, missed=missed)
        .returning(rounds.c.id)
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


def last_due(connection: sa.Connection) -> datetime | None:
    """When the schedule wanted the latest round that was run for it; None: there was none.

    One that was killed counts as not run.
    """
    query = sa.select(sa.func.max(rounds.c.due_at)).where(rounds.c.finished_at.is_not(None))
    found: datetime | None = connection.execute(query).scalar()
    return found


def latest(connection: sa.Connection, limit: int) -> list[RoundRecord]:
    """The latest rounds, the last one first."""
    query = sa.select(rounds).order_by(rounds.c.id.desc()).limit(limit)
    return [RoundRecord(**row._mapping) for row in connection.execute(query)]


def last_good(connection: sa.Connection) -> RoundRecord | None:
    """The last round in which every step went well; None: there was none."""
    query = sa.select(rounds).where(rounds.c.ok.is_(True)).order_by(rounds.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else RoundRecord(**row._mapping)


def steps(connection: sa.Connection) -> list[StepState]:
    """How each step of each account that there is went last."""
    query = (
        sa.select(step_states)
        .where(
            sa.or_(
                step_states.c.account == OF_ALL,
                step_states.c.account.in_(sa.select(accounts.c.name)),
            )
        )
        .order_by(step_states.c.account, step_states.c.name)
    )
    return [
        StepState(row.name, row.account or None, row.tried_at, row.good_at, row.error)
        for row in connection.execute(query)
    ]
