"""Accounts and quota groups in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.families import Family
from voicereg.tables import accounts, quota_groups, quota_limits, voices


class Lock(Enum):
    """How others are kept from an account's row; on SQLite, a writer has the whole database."""

    NONE = "none"
    STEADY = "steady"
    """Nobody changes it meanwhile; others may say the same."""
    ALONE = "alone"
    """For a change."""


_CHANGES_LOCK = 0x76616363
"""Any number that nothing else on the server locks."""
_ACCOUNTS = (
    sa.select(
        accounts,
        quota_groups.c.name.label("quota_group"),
        quota_limits.c.family,
        quota_limits.c.slots,
    )
    .join(quota_groups, accounts.c.quota_group_id == quota_groups.c.id)
    .join(quota_limits, quota_limits.c.quota_group_id == quota_groups.c.id)
    .order_by(accounts.c.name, quota_limits.c.family)
)
"""A row for each account and family."""
_NAMED = _ACCOUNTS.where(accounts.c.name == sa.bindparam("name"))
_ROW = sa.select(accounts.c.id).where(accounts.c.name == sa.bindparam("name"))
_LOCKS = {Lock.STEADY: _ROW.with_for_update(read=True), Lock.ALONE: _ROW.with_for_update()}


def lock_changes(connection: sa.Connection) -> None:
    """Keep every other change of accounts and quota groups waiting until the transaction ends.

    They are rare, and each may touch several: one at a time, none blocks another for good.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CHANGES_LOCK})")


def find(connection: sa.Connection, name: str, lock: Lock = Lock.NONE) -> Account | None:
    """The account of that name, locked until the transaction ends where that is asked for."""
    if lock is not Lock.NONE and connection.dialect.name != "sqlite":
        # A statement of its own: one that waits for a lock goes on with what it joined as it was
        # before it waited.
        connection.execute(_LOCKS[lock], {"name": name})
    found = _accounts(connection.execute(_NAMED, {"name": name}).all())
    return found[0] if found else None


def everyone(connection: sa.Connection) -> list[Account]:
    """All accounts, by name."""
    return _accounts(connection.execute(_ACCOUNTS).all())


def ids(connection: sa.Connection) -> dict[str, int]:
    """The numbers of all accounts, by name."""
    query = sa.select(accounts.c.name, accounts.c.id)
    return {row.name: row.id for row in connection.execute(query)}


def groups(connection: sa.Connection) -> dict[str, int]:
    """The quota groups of all accounts, by the name of the account."""
    query = sa.select(accounts.c.name, accounts.c.quota_group_id)
    return {row.name: row.quota_group_id for row in connection.execute(query)}


def sharing(connection: sa.Connection, group_id: int) -> list[str]:
    """The names of the accounts in a quota group, sorted."""
    query = sa.select(accounts.c.name).where(accounts.c.quota_group_id == group_id)
    return sorted(connection.execute(query).scalars())


def names(connection: sa.Connection) -> list[str]:
    """The names of all accounts, sorted."""
    return list(connection.execute(sa.select(accounts.c.name).order_by(accounts.c.name)).scalars())


def insert(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Add an account."""
    connection.execute(sa.insert(accounts).values(**values))


def update(connection: sa.Connection, account_id: int, values: Mapping[str, Any]) -> None:
    """Change an account."""
    connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**values))


def delete(connection: sa.Connection, account: Account) -> None:
    """Remove an account, and its quota group when it was the last one in it."""
    connection.execute(sa.delete(accounts).where(accounts.c.id == account.id))
    drop_group_if_unused(connection, account.quota_group_id)


def voice_count(connection: sa.Connection, account_id: int) -> int:
    """How many voices are recorded of an account, gone ones included."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(voices).where(voices.c.account_id == account_id)
    ).scalar_one()


def find_group(connection: sa.Connection, name: str) -> int | None:
    """The id of the quota group of that name."""
    return connection.execute(
        sa.select(quota_groups.c.id).where(quota_groups.c.name == name)
    ).scalar_one_or_none()


def insert_group(
    connection: sa.Connection, name: str, limits: Mapping[Family, int], now: datetime
) -> int:
    """Add a quota group with its limits, and return its id."""
    group_id: int = connection.execute(
        sa.insert(quota_groups).values(name=name, created_at=now).returning(quota_groups.c.id)
    ).scalar_one()
    connection.execute(
        sa.insert(quota_limits),
        [
            {"quota_group_id": group_id, "family": family, "slots": slots, "updated_at": now}
            for family, slots in limits.items()
        ],
    )
    return group_id


def drop_group_if_unused(connection: sa.Connection, group_id: int) -> None:
    """Remove a quota group that no account and no voice belongs to."""
    for table in (accounts, voices):
        if connection.execute(
            sa.select(sa.literal(1)).where(table.c.quota_group_id == group_id).limit(1)
        ).first():
            return
    connection.execute(sa.delete(quota_limits).where(quota_limits.c.quota_group_id == group_id))
    connection.execute(sa.delete(quota_groups).where(quota_groups.c.id == group_id))


def limits_of(connection: sa.Connection, group_id: int) -> dict[Family, int]:
    """The limits of a quota group."""
    rows = connection.execute(
        sa.select(quota_limits.c.family, quota_limits.c.slots)
        .where(quota_limits.c.quota_group_id == group_id)
        .order_by(quota_limits.c.family)
    )
    return {Family(family): slots for family, slots in rows}


def set_limit(
    connection: sa.Connection, group_id: int, family: Family, slots: int, now: datetime
) -> None:
    """Set the limit of a quota group's family.

    Slots that a lower limit does away with were none that somebody has taken unseen.
    """
    lowered = quota_limits.c.slots - slots
    unseen = quota_limits.c.unseen - lowered
    explained = sa.and_(lowered > 0, unseen <= 0)
    change = (
        sa.update(quota_limits)
        .where(quota_limits.c.quota_group_id == group_id, quota_limits.c.family == family)
        .values(
            slots=slots,
            unseen=sa.case((lowered <= 0, quota_limits.c.unseen), (unseen > 0, unseen), else_=0),
            refused_at=sa.case((explained, None), else_=quota_limits.c.refused_at),
            updated_at=now,
        )
        .returning(quota_limits.c.family)
    )
    if connection.execute(change).first() is None:
        # Somebody has deleted it.
        row = {"quota_group_id": group_id, "family": family, "slots": slots, "updated_at": now}
        connection.execute(sa.insert(quota_limits).values(row))


def _accounts(rows: Sequence[sa.Row[Any]]) -> list[Account]:
    limits: dict[int, dict[Family, int]] = {}
    for row in rows:
        limits.setdefault(row.id, {})[Family(row.family)] = row.slots
    first_rows = {row.id: row for row in reversed(rows)}
    return [
        Account(
            id=row.id,
            name=row.name,
            region=row.region,
            workspace=row.workspace,
            base_url=row.base_url,
            api_key_env=row.api_key_env,
            quota_group_id=row.quota_group_id,
            quota_group=row.quota_group,
            limits=limits[row.id],
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in sorted(first_rows.values(), key=lambda row: row.name)
    ]
