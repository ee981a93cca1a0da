"""What a monitoring system is told of: counts and first dates, on indexes, however many voices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.messages import Outcome
from voicereg.domain.states import State
from voicereg.tables import accounts, events, messages, quota_groups, quota_limits, rounds, voices

OfAccount = tuple[int, Family]
"""The id of an account, and a family."""

_MEMBERS = sa.select(accounts.c.quota_group_id).group_by(accounts.c.quota_group_id)
_ALONE = _MEMBERS.having(sa.func.count() == 1)
_SHARED = _MEMBERS.having(sa.func.count() > 1)
_STATES = (voices.c.family, voices.c.state)


def _looked_up(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column to group by, so that no index in its order is walked from end to end: what is
    asked for is few rows, which another index finds."""
    return sa.func.coalesce(column, column)


_ACCOUNT = _looked_up(voices.c.account_id)


def states(connection: sa.Connection) -> dict[OfAccount, dict[State, int]]:
    """How many voices each account and family has in each state; those that it has none in are
    left out.

    No index tells the account of gone voices. So those of an account that shares its quota with
    no other, which is the rule, are counted by quota group, on the index alone; only those of
    accounts that share one are looked at one by one.
    """
    owners = {
        group_id: account_id
        for account_id, group_id in connection.execute(
            sa.select(accounts.c.id, accounts.c.quota_group_id)
        )
    }
    alone = connection.execute(
        sa.select(voices.c.quota_group_id, *_STATES, sa.func.count())
        .where(voices.c.quota_group_id.in_(_ALONE))
        .group_by(voices.c.quota_group_id, *_STATES)
    )
    shared = connection.execute(
        sa.select(_ACCOUNT, *_STATES, sa.func.count())
        .where(voices.c.quota_group_id.in_(_SHARED))
        .group_by(_ACCOUNT, *_STATES)
    )
    found: dict[OfAccount, dict[State, int]] = defaultdict(dict)
    for group_id, family, state, count in alone:
        if group_id in owners:
            found[owners[group_id], Family(family)][State(state)] = count
    for account_id, family, state, count in shared:
        found[account_id, Family(family)][State(state)] = count
    return found


def soonest_deadlines(
    connection: sa.Connection, standing: Collection[State]
) -> dict[OfAccount, datetime]:
    """The soonest deadline of each account and family; where there is none, it is left out.

    Args:
        connection: a transaction.
        standing: the states of the voices that it is asked of.
    """
    # State by state, so that each is the first entry in a stretch of the index.
    firsts = [
        sa.select(voices.c.deadline_at)
        .where(
            voices.c.quota_group_id == quota_limits.c.quota_group_id,
            voices.c.account_id == accounts.c.id,
            voices.c.family == quota_limits.c.family,
            voices.c.state == state,
        )
        .order_by(voices.c.deadline_at)
        .limit(1)
        .correlate(accounts, quota_limits)
        .scalar_subquery()
        for state in sorted(standing)
    ]
    # A row for each account and family: every group has a limit of each family.
    query = sa.select(accounts.c.id, quota_limits.c.family, *firsts).join_from(
        accounts, quota_limits, quota_limits.c.quota_group_id == accounts.c.quota_group_id
    )
    found = {}
    for account_id, family, *deadlines in connection.execute(query):
        known = [deadline for deadline in deadlines if deadline is not None]
        if known:
            found[account_id, Family(family)] = min(known)
    return found


def due(
    connection: sa.Connection, standing: Collection[State], moments: Sequence[datetime]
) -> dict[OfAccount, list[int]]:
    """How many voices of each account and family have their deadline by each of some moments.

    Args:
        connection: a transaction.
        standing: the states of the voices that count.
        moments: by when; at least one.

    Returns:
        A number for each moment, in their order; accounts and families with none are left out.
    """
    counts = [sa.func.count().filter(voices.c.deadline_at <= moment) for moment in moments]
    query = (
        sa.select(_ACCOUNT, voices.c.family, *counts)
        .where(*_held_in(standing), voices.c.deadline_at <= max(moments))
        .group_by(_ACCOUNT, voices.c.family)
    )
    return {
        (account_id, Family(family)): found
        for account_id, family, *found in connection.execute(query)
    }


def net_change(connection: sa.Connection, since: Mapping[int, datetime]) -> dict[OfAccount, int]:
    """How many more voices of each account and family hold a slot than at a time in the past.

    By the days on which they were made and gone, whenever that came on record. Accounts and
    families in which nothing came and nothing went are left out.

    Args:
        connection: a transaction.
        since: for each account, by its id, the time that is compared with.
    """
    changes: dict[OfAccount, int] = defaultdict(int)
    for account_id, moment in since.items():
        ours = voices.c.account_id == account_id
        # Each on an index: of live voices by creation, and of gone ones by when they went.
        came = (voices.c.gone_at.is_(None), voices.c.created_at > moment)
        went = (
            voices.c.gone_at.is_not(None),
            voices.c.gone_at > moment,
            voices.c.created_at <= moment,
        )
        for sign, conditions in ((1, came), (-1, went)):
            query = (
                sa.select(voices.c.family, sa.func.count())
                .where(ours, *conditions)
                .group_by(voices.c.family)
            )
            for family, count in connection.execute(query):
                changes[account_id, Family(family)] += sign * count
    return dict(changes)


def oldest_unresolved(connection: sa.Connection) -> dict[OfAccount, datetime]:
    """When the oldest unresolved create of each account and family began, where there is one."""
    query = (
        sa.select(_ACCOUNT, voices.c.family, sa.func.min(voices.c.created_at))
        .where(*_held_in({State.UNRESOLVED}))
        .group_by(_ACCOUNT, voices.c.family)
    )
    return {
        (account_id, Family(family)): began_at
        for account_id, family, began_at in connection.execute(query)
    }


def messages_since(
    connection: sa.Connection, since: datetime
) -> list[tuple[str, Outcome | None, int, datetime]]:
    """By channel and outcome (None: not known yet): how many messages were made since a time, and
    when the last one was, ever."""
    query = sa.select(
        messages.c.channel,
        messages.c.outcome,
        sa.func.count().filter(messages.c.made_at >= since),
        sa.func.max(messages.c.made_at),
    ).group_by(messages.c.channel, messages.c.outcome)
    return [
        (channel, None if outcome is None else Outcome(outcome), count, last_at)
        for channel, outcome, count, last_at in connection.execute(query)
    ]


def actions_since(
    connection: sa.Connection, actions: Collection[str], since: datetime
) -> dict[tuple[str | None, str], int]:
    """How often each of some actions was logged of each account since a time."""
    account = _looked_up(events.c.account)
    query = (
        sa.select(account, events.c.action, sa.func.count())
        .where(events.c.at >= since, events.c.action.in_(sorted(actions)))
        .group_by(account, events.c.action)
    )
    return {(account, action): count for account, action, count in connection.execute(query)}


def last_finished(connection: sa.Connection) -> datetime | None:
    """When the last round that came to its end did so; None: none did."""
    query = (
        sa.select(rounds.c.finished_at)
        .where(rounds.c.finished_at.is_not(None))
        .order_by(rounds.c.id.desc())
        .limit(1)
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


def _held_in(wanted: Collection[State]) -> list[sa.ColumnElement[Any]]:
    """That a voice is in one of some states, in the words of the index of held slots."""
    return [
        voices.c.quota_group_id.in_(sa.select(quota_groups.c.id)),
        voices.c.family.in_(list(Family)),
        voices.c.state.in_(sorted(wanted)),
    ]
