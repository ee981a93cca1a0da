"""The audit log in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.events import Event
from voicereg.tables import events

_INSERT = sa.insert(events)


def append(
    connection: sa.Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    account: str | None,
    voice: str | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str | None,
) -> None:
    """Log one change, in the transaction that makes it."""
    connection.execute(
        _INSERT,
        {
            "at": at,
            "actor": actor,
            "action": action,
            "account": account,
            "voice": voice,
            "before": dict(before),
            "after": dict(after),
            "reason": reason,
        },
    )


def select(
    connection: sa.Connection,
    *,
    accounts: list[str] | None,
    voice: str | None,
    since: datetime | None,
    limit: int | None,
) -> list[Event]:
    """Events, newest first."""
    query = sa.select(events).order_by(events.c.id.desc()).limit(limit)
    if accounts is not None:
        query = query.where(events.c.account.in_(accounts))
    if voice is not None:
        query = query.where(events.c.voice == voice)
    if since is not None:
        query = query.where(events.c.at >= since)
    return [
        Event(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            account=row.account,
            voice=row.voice,
            before=row.before or {},
            after=row.after or {},
            reason=row.reason,
        )
        for row in connection.execute(query)
    ]


def count(connection: sa.Connection, action: str, account: str, *, since: datetime) -> int:
    """How often something was done to an account."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(events)
        .where(events.c.at >= since, events.c.action == action, events.c.account == account)
    ).scalar_one()


def last_action(connection: sa.Connection, voice: str, actions: Collection[str]) -> str | None:
    """Which of some actions was the last that a voice's log tells of; None: none of them."""
    return connection.execute(
        sa.select(events.c.action)
        .where(events.c.voice == voice, events.c.action.in_(actions))
        .order_by(events.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
