"""Many voices at once: filtered, searched, sorted, and found by what a user typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.filters import SortField, VoiceFilter
from voicereg.domain.states import GONE, State
from voicereg.domain.voices import Voice
from voicereg.store import texts
from voicereg.store.voices import SELECT, from_rows
from voicereg.tables import UtcDateTime, aliases, voice_tags, voice_texts, voices

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
Scope = Sequence[int] | None
"""The accounts that are meant, by number; None: all that there are."""
_FEW = 1_000
"""So many voices are named one by one; where more fit, a list is walked in its order instead."""


def select(
    connection: sa.Connection,
    scope: Scope,
    wanted: VoiceFilter,
    *,
    sort: SortField = SortField.CREATED,
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Voice]:
    """The voices of some accounts that fit, in order; ties by id."""
    query = SELECT.where(*_conditions(connection, scope, wanted))
    order = [*_ORDERS[sort], voices.c.id]
    query = query.order_by(*(column.desc() if descending else column for column in order))
    if limit is not None or offset:
        # SQLite has no OFFSET without a LIMIT; -1 is how it spells none.
        query = query.limit(limit).offset(offset)
    return from_rows(connection.execute(query).all())


def page_after(
    connection: sa.Connection,
    scope: Scope,
    wanted: VoiceFilter,
    *,
    after: Voice | None,
    size: int,
) -> list[Voice]:
    """The next page in order of creation: cheap however far along it is."""
    query = SELECT.where(*_conditions(connection, scope, wanted))
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


def by_exact_id(connection: sa.Connection, scope: Scope, reference: str) -> list[Voice]:
    """The voices whose registry id or provider id is ``reference``."""
    return _any_of(
        connection, scope, voices.c.id == reference, voices.c.voice_id == reference, limit=_FEW
    )


def tags(connection: sa.Connection, scope: Scope) -> list[tuple[str, str]]:
    """Keys and values of tags, each once, in order."""
    query = (
        sa.select(voice_tags.c.key, voice_tags.c.value)
        .distinct()
        .join(voices, voices.c.id == voice_tags.c.voice)
        .where(*_within(scope, voices.c.account_id))
        .order_by(voice_tags.c.key, voice_tags.c.value)
    )
    return [(key, value) for key, value in connection.execute(query)]


def successors(connection: sa.Connection, voice: str) -> list[Voice]:
    """The voices that stand in for another, oldest first."""
    rows = connection.execute(
        SELECT.where(voices.c.replaces == voice).order_by(voices.c.created_at, voices.c.id)
    ).all()
    return from_rows(rows)


def of_key(connection: sa.Connection, account_id: int, key: str) -> list[Voice]:
    """The standing voices of a manifest's key, and those to be chosen from for it; oldest first."""
    ids: set[str] = set()
    for column in (voices.c.manifest_key, voices.c.candidate_for):
        query = sa.select(voices.c.id).where(
            voices.c.account_id == account_id, column == key, voices.c.gone_at.is_(None)
        )
        ids.update(connection.execute(query).scalars())
    if not ids:
        return []
    query = SELECT.where(voices.c.id.in_(ids)).order_by(voices.c.created_at, voices.c.id)
    return from_rows(connection.execute(query).all())


def with_keys(connection: sa.Connection, scope: Scope) -> list[Voice]:
    """All voices that a manifest has a key for, gone ones too, oldest first."""
    query = SELECT.where(
        *_within(scope),
        sa.or_(voices.c.manifest_key.is_not(None), voices.c.candidate_for.is_not(None)),
    ).order_by(voices.c.created_at, voices.c.id)
    return from_rows(connection.execute(query).all())


def by_alias(connection: sa.Connection, scope: Scope, name: str) -> list[Voice]:
    """The voices that a name stands for, one for each account that has it."""
    named = sa.select(aliases.c.voice).where(
        aliases.c.name == name, *_within(scope, aliases.c.account_id)
    )
    return _any_of(connection, scope, voices.c.id.in_(named), limit=_FEW)


def by_beginning(
    connection: sa.Connection, scope: Scope, reference: str, limit: int
) -> list[Voice]:
    """The voices whose registry id or provider id begins with ``reference``."""
    begins = [_begins(connection, name, reference) for name in (voices.c.id, voices.c.voice_id)]
    return _any_of(connection, scope, *begins, limit=limit)


def _begins(
    connection: sa.Connection, column: sa.ColumnElement[Any], beginning: str
) -> sa.ColumnElement[bool]:
    if connection.dialect.name == "sqlite":
        # As its indexes are sorted.
        return sa.and_(column >= beginning, column < beginning + chr(0x10FFFF))
    return sa.func.substr(column, 1, len(beginning)) == beginning


def by_name(connection: sa.Connection, scope: Scope, name: str, limit: int) -> list[Voice]:
    """The voices of that name, whatever its case; for a hint to one who typed a name."""
    with_it = texts.containing(connection, name).limit(_FEW).subquery()
    named = sa.and_(
        voices.c.id.in_(sa.select(with_it.c.voice)), sa.func.lower(voices.c.name) == name.lower()
    )
    return _any_of(connection, scope, named, limit=limit)


def _any_of(
    connection: sa.Connection, scope: Scope, *conditions: sa.ColumnElement[bool], limit: int
) -> list[Voice]:
    """The voices that fit one of some conditions, by creation.

    Each is asked on an index of its own, before anything is put in order: for the sake of the
    order, a database would rather walk through all voices.
    """
    ids: set[str] = set()
    for condition in conditions:
        query = sa.select(voices.c.id).where(*_within(scope), condition).limit(limit)
        ids.update(connection.execute(query).scalars())
    query = SELECT.where(voices.c.id.in_(ids)).order_by(voices.c.created_at, voices.c.id)
    return from_rows(connection.execute(query.limit(limit)).all()) if ids else []


def _within(
    scope: Scope, column: sa.ColumnElement[int] = voices.c.account_id
) -> list[sa.ColumnElement[bool]]:
    # Of all accounts nothing is asked, so that a list of all is walked on an index of its own.
    return [] if scope is None else [column.in_(scope)]


def _conditions(
    connection: sa.Connection, scope: Scope, wanted: VoiceFilter
) -> list[sa.ColumnElement[bool]]:
    conditions = [*_within(scope), *_narrow(connection, wanted)]
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
    if wanted.idle_since is not None:
        conditions.append(wanted.idle_since >= _LAST_ACTIVITY)
    if wanted.due_by is not None:
        conditions.append(voices.c.deadline_at <= wanted.due_by)
    return conditions


def _narrow(connection: sa.Connection, wanted: VoiceFilter) -> list[sa.ColumnElement[bool]]:
    """What is asked of tags and texts.

    Where few voices have a tag or a text, they are named: no database guesses well how many there
    are, and one that walks a list of millions for a handful takes its time.
    """
    conditions = []
    for query, asked in _asked(connection, wanted):
        few = connection.execute(query.limit(_FEW + 1)).scalars().all()
        conditions.append(asked if len(few) > _FEW else voices.c.id.in_(few))
    return conditions


def _asked(
    connection: sa.Connection, wanted: VoiceFilter
) -> Iterator[tuple[sa.Select[str], sa.ColumnElement[bool]]]:
    """Each a query for the voices that fit, and what is asked of one voice."""
    for key, value in wanted.tags:
        tagged = voice_tags.c.key == key
        if value is not None:
            tagged &= voice_tags.c.value == value
        yield (
            sa.select(voice_tags.c.voice).where(tagged),
            sa.exists().where(voice_tags.c.voice == voices.c.id, tagged),
        )
    if wanted.search:
        found = voice_texts.c.text.contains(wanted.search.lower(), autoescape=True)
        yield (
            texts.containing(connection, wanted.search),
            sa.exists().where(voice_texts.c.voice == voices.c.id, found),
        )
