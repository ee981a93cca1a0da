"""Leases in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from voicereg.store.inserts import insert_into
from voicereg.tables import leases


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as it stands."""

    name: str
    token: str
    holder: str
    place: str | None
    taken_at: datetime
    expires_at: datetime


def get(connection: sa.Connection, name: str) -> LeaseRow | None:
    """A lease, locked until the transaction ends; None: nobody has it."""
    row = connection.execute(
        sa.select(leases).where(leases.c.name == name).with_for_update()
    ).one_or_none()
    return None if row is None else LeaseRow(**row._mapping)


def find(connection: sa.Connection, name: str) -> LeaseRow | None:
    """A lease as it stands; None: nobody has it."""
    row = connection.execute(sa.select(leases).where(leases.c.name == name)).one_or_none()
    return None if row is None else LeaseRow(**row._mapping)


def put(connection: sa.Connection, lease: LeaseRow) -> bool:
    """Write a lease that nobody has; False: somebody has taken it meanwhile."""
    values = {
        "name": lease.name,
        "token": lease.token,
        "holder": lease.holder,
        "place": lease.place,
        "taken_at": lease.taken_at,
        "expires_at": lease.expires_at,
    }
    insert = insert_into(connection, leases).values(values)
    statement = insert.on_conflict_do_nothing().returning(leases.c.name)
    return connection.execute(statement).one_or_none() is not None


def extend(connection: sa.Connection, lease: LeaseRow, expires_at: datetime) -> None:
    """Move the end of a lease."""
    connection.execute(
        sa.update(leases).where(leases.c.name == lease.name).values(expires_at=expires_at)
    )


def drop(connection: sa.Connection, name: str) -> None:
    """Let everybody have a lease."""
    connection.execute(sa.delete(leases).where(leases.c.name == name))
