"""What each channel has been told, and the messages that told it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.concerns import ConcernKind, Subject
from voicereg.domain.ledger import Intent, Told
from voicereg.domain.messages import News, Outcome
from voicereg.store.batches import batches
from voicereg.store.inserts import insert_into
from voicereg.tables import messages, warnings


def told(
    connection: sa.Connection, channel: str, accounts: Mapping[int, str]
) -> dict[Subject, Told]:
    """What a channel has been told of some accounts, given by id with their names."""
    found: dict[Subject, Told] = {}
    for some in batches(accounts):
        query = sa.select(warnings).where(
            warnings.c.channel == channel, warnings.c.account_id.in_(some)
        )
        for row in connection.execute(query):
            subject = Subject(accounts[row.account_id], ConcernKind(row.kind), row.key)
            uncertain = None if row.uncertain is None else News(row.uncertain)
            found[subject] = Told(subject, row.grade, uncertain)
    return found


def put(
    connection: sa.Connection,
    channel: str,
    all_told: Iterable[Told],
    account_ids: Mapping[str, int],
    now: datetime,
) -> None:
    """Note what a channel has been told."""
    rows = [
        {
            "channel": channel,
            "account_id": account_ids[one.subject.account],
            "kind": one.subject.kind,
            "key": one.subject.key,
            "grade": one.grade,
            "told_at": now,
            "uncertain": one.uncertain,
        }
        for one in all_told
        if one.subject.account in account_ids
    ]
    if not rows:
        return
    insert = insert_into(connection, warnings)
    new = insert.excluded
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=list(warnings.primary_key),
            set_={"grade": new.grade, "told_at": new.told_at, "uncertain": new.uncertain},
        ),
        rows,
    )


def forget(
    connection: sa.Connection,
    channel: str,
    subjects: Iterable[Subject],
    account_ids: Mapping[str, int],
) -> None:
    """Let a channel be told anew."""
    rows = [
        {"given": account_ids[one.account], "of": one.kind, "about": one.key}
        for one in subjects
        if one.account in account_ids
    ]
    if rows:
        connection.execute(
            sa.delete(warnings).where(
                warnings.c.channel == channel,
                warnings.c.account_id == sa.bindparam("given"),
                warnings.c.kind == sa.bindparam("of"),
                warnings.c.key == sa.bindparam("about"),
            ),
            rows,
        )


def intend(
    connection: sa.Connection,
    message_id: str,
    channel: str,
    intents: Sequence[Intent],
    now: datetime,
) -> None:
    """Note a message before it is sent."""
    connection.execute(
        sa.insert(messages).values(
            id=message_id,
            channel=channel,
            made_at=now,
            items=[intent.as_dict() for intent in intents],
        )
    )


def unsettled(connection: sa.Connection, channel: str) -> dict[str, list[Intent]]:
    """The messages to a channel whose outcome was never noted, oldest first."""
    query = (
        sa.select(messages.c.id, messages.c["items"])
        .where(messages.c.channel == channel, messages.c.outcome.is_(None))
        .order_by(messages.c.made_at, messages.c.id)
    )
    return {
        message_id: [Intent.from_dict(item) for item in items]
        for message_id, items in connection.execute(query)
    }


def settle(
    connection: sa.Connection,
    message_ids: Collection[str],
    outcome: Outcome,
    error: str | None,
    now: datetime,
) -> None:
    """Note what became of messages."""
    connection.execute(
        sa.update(messages)
        .where(messages.c.id.in_(list(message_ids)), messages.c.outcome.is_(None))
        .values(outcome=outcome, error=error, settled_at=now)
    )
