"""Many voices at once: filtered, searched, sorted, and found by what a user typed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.filters import SortField, VoiceFilter
from voicereg.domain.states import GONE, State
from voicereg.domain.voices import Voice
from voicereg.store.voices import SELECT, from_rows
from voicereg.tables import UtcDateTime, aliases, voice_tags, voices

_LAST_ACTIVITY = sa.case(
    (voices.c.last_used_at > voices.c.created_at, voices.c.last_used_at),
    else_=voices.c.created_at,
)
_ORDERS: dict[SortField, tuple[sa.ColumnElement[Any], ...]] = {
    SortField.CREATED: (voices.c.created_at,),
    SortField.DEADLINE: (voices.c.deadline_at,),
    SortField.USED: (sa.func.coalesce(voices.c.last_used_at, voices.c.created_at),),
    SortField.UPDATED: (voices.c.updated_at,),
    SortField.NAME: (sa.func.lower(voices.c.name),),
    # Where a null sorts differs from database to database.
    SortField.MODEL: (sa.func.coalesce(voices.c.target_model, ""),),
    SortField.STATE: (voices.c.state,),
}
_SEARCHED = (
    voices.c.name,
    voices.c.prompt,
    voices.c.preview_text,
    voices.c.note,
    voices.c.voice_id,
)


def select(
    connection: sa.Connection,
    account_ids: list[int],
    wanted: VoiceFilter,
    *,
    sort: SortField = SortField.CREATED,
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Voice]:
    """The voices of some accounts that fit, in order; ties by id."""
    query = SELECT.where(*_conditions(account_ids, wanted))
    order = [*_ORDERS[sort], voices.c.id]
    query = query.order_by(*(column.desc() if descending else column for column in order))
    if limit is not None or offset:
        # SQLite has no OFFSET without a LIMIT; -1 is how it spells none.
        query = query.limit(limit).offset(offset)
    return from_rows(connection.execute(query).all())


def page_after(
    connection: sa.Connection,
    account_ids: list[int],
    wanted: VoiceFilter,
    *,
    after: Voice | None,
    size: int,
) -> list[Voice]:
    """The next page in order of creation: cheap however far along it is."""
    query = SELECT.where(*_conditions(account_ids, wanted))
    if after is not None:
        query = query.where(
            sa.tuple_(voices.c.created_at, voices.c.id)
            # With its type: as text, a time of another form would compare otherwise.
            > sa.tuple_(sa.literal(after.created_at, UtcDateTime()), after.id)
        )
    query = query.order_by(voices.c.created_at, voices.c.id).limit(size)
    return from_rows(connection.execute(query).all())


def longest_idle(
    connection: sa.Connection, group_id: int, family: Family, limit: int
) -> list[Voice]:
    """The usable voices of a quota group's family unused for the longest; pinned ones left out."""
    query = (
        SELECT.where(
            voices.c.quota_group_id == group_id,
            voices.c.family == family,
            voices.c.state == State.ACTIVE,
            voices.c.pinned.is_(False),
        )
        .order_by(voices.c.deadline_at, voices.c.id)
        .limit(limit)
    )
    return from_rows(connection.execute(query).all())


def gone_since(connection: sa.Connection, account_id: int, since: datetime) -> list[Voice]:
    """The voices of an account that are gone since some time, but not by its own doing."""
    query = SELECT.where(
        voices.c.account_id == account_id,
        voices.c.state.in_((State.EXPIRED, State.LOST)),
        voices.c.gone_at >= since,
    ).order_by(voices.c.gone_at, voices.c.id)
    return from_rows(connection.execute(query).all())


def by_exact_id(connection: sa.Connection, account_ids: list[int], reference: str) -> list[Voice]:
    """The voices whose registry id or provider id is ``reference``."""
    return _matching(
        connection,
        account_ids,
        sa.or_(voices.c.id == reference, voices.c.voice_id == reference),
    )


def by_alias(connection: sa.Connection, account_ids: list[int], name: str) -> list[Voice]:
    """The voices that a name stands for, one for each account that has it."""
    named = sa.select(aliases.c.voice).where(
        aliases.c.name == name, aliases.c.account_id.in_(account_ids)
    )
    return _matching(connection, account_ids, voices.c.id.in_(named))


def by_beginning(
    connection: sa.Connection, account_ids: list[int], reference: str, limit: int
) -> list[Voice]:
    """The voices whose registry id or provider id begins with ``reference``."""
    length = len(reference)
    return _matching(
        connection,
        account_ids,
        sa.or_(
            sa.func.substr(voices.c.id, 1, length) == reference,
            sa.func.substr(voices.c.voice_id, 1, length) == reference,
        ),
        limit,
    )


def by_name(
    connection: sa.Connection, account_ids: list[int], name: str, limit: int
) -> list[Voice]:
    """The voices of that name, whatever its case; for a hint to one who typed a name."""
    return _matching(connection, account_ids, sa.func.lower(voices.c.name) == name.lower(), limit)


def _matching(
    connection: sa.Connection,
    account_ids: list[int],
    condition: sa.ColumnElement[bool],
    limit: int | None = None,
) -> list[Voice]:
    query = (
        SELECT.where(voices.c.account_id.in_(account_ids), condition)
        .order_by(voices.c.created_at, voices.c.id)
        .limit(limit)
    )
    return from_rows(connection.execute(query).all())


def _conditions(account_ids: list[int], wanted: VoiceFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [voices.c.account_id.in_(account_ids)]
    if wanted.states is not None:
        conditions.append(voices.c.state.in_(sorted(wanted.states)))
    if wanted.states.isdisjoint(GONE) if wanted.states is not None else not wanted.with_gone:
        # The same as every state that holds a slot, in the words of the index of live voices.
        conditions.append(voices.c.gone_at.is_(None))
    for column, value in (
        (voices.c.family, wanted.family),
        (voices.c.target_model, wanted.target_model),
        (voices.c.owner, wanted.owner),
        (voices.c.origin, wanted.origin),
        (voices.c.pinned, wanted.pinned),
    ):
        if value is not None:
            conditions.append(column == value)
    for key, value in wanted.tags:
        tagged = sa.exists().where(voice_tags.c.voice == voices.c.id, voice_tags.c.key == key)
        conditions.append(tagged if value is None else tagged.where(voice_tags.c.value == value))
    if wanted.search:
        conditions.append(
            sa.or_(*(column.icontains(wanted.search, autoescape=True) for column in _SEARCHED))
        )
    if wanted.idle_since is not None:
        conditions.append(wanted.idle_since >= _LAST_ACTIVITY)
    if wanted.due_by is not None:
        conditions.append(voices.c.deadline_at <= wanted.due_by)
    return conditions
