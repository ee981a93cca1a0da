"""Slots: how many are held, and the lock under which the next one is taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.states import HOLDING, State
from voicereg.tables import accounts, quota_limits, sync_states, voices

_LOCK_LIMIT = (
    # What is taken without a record is as good as not there.
    sa.select(quota_limits.c.slots - quota_limits.c.unseen - quota_limits.c.surplus)
    .where(
        quota_limits.c.quota_group_id == sa.bindparam("group_id"),
        quota_limits.c.family == sa.bindparam("family"),
    )
    .with_for_update()
)
_COUNT = (
    sa.select(sa.func.count())
    .select_from(voices)
    .where(
        voices.c.quota_group_id == sa.bindparam("group_id"),
        voices.c.family == sa.bindparam("family"),
        voices.c.state.in_(HOLDING),
    )
)


@dataclass(frozen=True, slots=True)
class Held:
    """The slots of one family that are held."""

    used: int = 0
    creating: int = 0
    unresolved: int = 0


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of a family's slots beyond the registry's own count."""

    unseen: int
    """Slots that are taken at the provider, and that no voice on record stands for."""
    refused_at: datetime | None
    """When the provider last refused a create for a full quota, against the registry's count."""
    synced_at: datetime | None
    """Since when all accounts of the group have had a complete sync; None: not all have."""


def lock_limit(connection: sa.Connection, group_id: int, family: Family) -> int:
    """The slots of a quota group's family that voices on record may hold.

    The limit's row is locked until the transaction ends. On SQLite the whole database is, since
    BEGIN, and the clause compiles to nothing.
    """
    limit: int = connection.execute(
        _LOCK_LIMIT, {"group_id": group_id, "family": family}
    ).scalar_one()
    return limit


def held(connection: sa.Connection, group_id: int) -> dict[Family, Held]:
    """The held slots of a quota group, counted; every family is there."""
    counts: dict[Family, dict[State, int]] = {family: {} for family in Family}
    rows = connection.execute(
        sa.select(voices.c.family, voices.c.state, sa.func.count())
        # Every family, said out loud: only then is the index of held slots of use.
        .where(
            voices.c.quota_group_id == group_id,
            voices.c.family.in_(list(Family)),
            voices.c.state.in_(HOLDING),
        )
        .group_by(voices.c.family, voices.c.state)
    )
    for family, state, count in rows:
        counts[Family(family)][State(state)] = count
    return {
        family: Held(
            used=sum(by_state.values()),
            creating=by_state.get(State.CREATING, 0),
            unresolved=by_state.get(State.UNRESOLVED, 0),
        )
        for family, by_state in counts.items()
    }


def held_of(connection: sa.Connection, group_id: int, family: Family) -> int:
    """The held slots of one family, counted."""
    return connection.execute(_COUNT, {"group_id": group_id, "family": family}).scalar_one()


_REFUSED_AT = sa.select(quota_limits.c.refused_at).where(
    quota_limits.c.quota_group_id == sa.bindparam("group_id"),
    quota_limits.c.family == sa.bindparam("family"),
)


def refused_at(connection: sa.Connection, group_id: int, family: Family) -> datetime | None:
    """When the provider last refused a create for a full quota, if nothing explains it yet."""
    return connection.execute(
        _REFUSED_AT, {"group_id": group_id, "family": family}
    ).scalar_one_or_none()


_FRESHNESS = (
    sa.select(
        quota_limits.c.family,
        quota_limits.c.unseen + quota_limits.c.surplus,
        quota_limits.c.refused_at,
        sa.func.count(accounts.c.id),
        sa.func.count(sync_states.c.synced_at),
        sa.func.min(sync_states.c.synced_at),
    )
    .join(accounts, accounts.c.quota_group_id == quota_limits.c.quota_group_id)
    .join(
        sync_states,
        sa.and_(
            sync_states.c.account_id == accounts.c.id,
            sync_states.c.family == quota_limits.c.family,
        ),
        isouter=True,
    )
    .where(quota_limits.c.quota_group_id == sa.bindparam("group_id"))
    .group_by(
        quota_limits.c.family,
        quota_limits.c.unseen,
        quota_limits.c.surplus,
        quota_limits.c.refused_at,
    )
)


def freshness(connection: sa.Connection, group_id: int) -> dict[Family, Freshness]:
    """How far the count of a quota group's slots can be relied on, per family."""
    return {
        Family(family): Freshness(
            unseen=unseen,
            refused_at=refused_at,
            synced_at=synced_at if synced == known else None,
        )
        for family, unseen, refused_at, known, synced, synced_at in connection.execute(
            _FRESHNESS, {"group_id": group_id}
        )
    }


def note_refusal(connection: sa.Connection, group_id: int, family: Family, now: datetime) -> None:
    """Note that the provider says that the quota is full: the slots that seem free are unseen.

    ``connection`` has locked the family's limit.
    """
    used = held_of(connection, group_id, family)
    unseen = quota_limits.c.slots - quota_limits.c.surplus - used
    connection.execute(
        sa.update(quota_limits)
        .where(quota_limits.c.quota_group_id == group_id, quota_limits.c.family == family)
        .values(unseen=sa.case((unseen > 0, unseen), else_=0), refused_at=now)
    )


def explain(
    connection: sa.Connection, group_id: int, family: Family, found: int | None = None
) -> None:
    """Count fewer slots as unseen.

    Args:
        connection: a transaction that writes, and that has locked the family's limit.
        group_id: the quota group.
        family: the family.
        found: so many of them have been found; None: none are left to be found.
    """
    left = sa.literal(0) if found is None else quota_limits.c.unseen - found
    some_left = left > 0
    connection.execute(
        sa.update(quota_limits)
        .where(
            quota_limits.c.quota_group_id == group_id,
            quota_limits.c.family == family,
            quota_limits.c.refused_at.is_not(None),
        )
        .values(
            unseen=sa.case((some_left, left), else_=0),
            refused_at=sa.case((some_left, quota_limits.c.refused_at), else_=None),
        )
    )
