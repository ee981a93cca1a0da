"""Slots: how many are held, and the lock under which the next one is taken."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.states import HOLDING, State
from voicereg.tables import quota_limits, voices

_LOCK_LIMIT = (
    sa.select(quota_limits.c.slots)
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


def lock_limit(connection: sa.Connection, group_id: int, family: Family) -> int:
    """The limit of a quota group's family, locked until the transaction ends.

    On SQLite the whole database is locked since BEGIN, and the clause compiles to nothing.
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
