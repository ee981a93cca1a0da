"""One voice at a time: added, read, locked, changed.

Statements are made once: putting one together takes longer than SQLite takes to run it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from voicereg.domain.families import Family
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis, Origin, Voice
from voicereg.store import texts
from voicereg.tables import accounts, aliases, voice_tags, voices


class _JsonObject(sa.sql.functions.FunctionElement[Any]):
    """An aggregate of keys and values as one JSON object, which each database calls otherwise."""

    type = sa.Text()
    inherit_cache = True


@compiles(_JsonObject, "sqlite")
def _json_group_object(element: _JsonObject, compiler: Any, **options: Any) -> str:
    return f"json_group_object({compiler.process(element.clauses, **options)})"


@compiles(_JsonObject, "postgresql")
def _json_object_agg(element: _JsonObject, compiler: Any, **options: Any) -> str:
    return f"CAST(json_object_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


class _JsonArray(sa.sql.functions.FunctionElement[Any]):
    """An aggregate of values as one JSON array."""

    type = sa.Text()
    inherit_cache = True


@compiles(_JsonArray, "sqlite")
def _json_group_array(element: _JsonArray, compiler: Any, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(_JsonArray, "postgresql")
def _json_agg(element: _JsonArray, compiler: Any, **options: Any) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


_TAGS = (
    sa.select(_JsonObject(voice_tags.c.key, voice_tags.c.value))
    .where(voice_tags.c.voice == voices.c.id)
    .scalar_subquery()
    .label("tags")
)
_ALIASES = (
    sa.select(_JsonArray(aliases.c.name))
    .where(aliases.c.voice == voices.c.id)
    .scalar_subquery()
    .label("aliases")
)
_FIELDS = tuple(field.name for field in fields(Voice))
_OTHERS: dict[str, sa.ColumnElement[Any]] = {
    "account": accounts.c.name,
    "tags": _TAGS,
    "aliases": _ALIASES,
}
_OWN = tuple(name for name in _FIELDS if name not in _OTHERS)
_COLUMNS: list[sa.ColumnElement[Any]] = [
    _OTHERS[name] if name in _OTHERS else voices.c[name] for name in _FIELDS
]
Row = sa.Row[*tuple[Any, ...]]

SELECT: sa.Select[*tuple[Any, ...]] = sa.select(*_COLUMNS).join(
    accounts, voices.c.account_id == accounts.c.id
)
"""Voices, their columns in the order of the fields of :class:`Voice`."""
_GET = SELECT.where(voices.c.id == sa.bindparam("voice"))
_LOCK = sa.select(voices.c.id).where(voices.c.id == sa.bindparam("voice")).with_for_update()
_INSERT = sa.insert(voices)
_UPDATE = sa.update(voices).where(voices.c.id == sa.bindparam("which"))
_HOLDER = sa.select(voices.c.id).where(
    voices.c.quota_group_id == sa.bindparam("group_id"),
    voices.c.voice_id == sa.bindparam("voice_id"),
)


_decode = json.JSONDecoder().raw_decode  # a third of the time: there is no space around it


def _tags(text: str | None) -> dict[str, str]:
    """Tags by key; PostgreSQL has nothing to aggregate where there are none."""
    if text is None or text == "{}":
        return {}
    tags: dict[str, str] = _decode(text)[0]
    return tags if len(tags) < 2 else dict(sorted(tags.items()))


def _aliases(text: str | None) -> tuple[str, ...]:
    return () if text is None or text == "[]" else tuple(sorted(json.loads(text)))


_FAMILIES = {family.value: family for family in Family}
_ORIGINS = {origin.value: origin for origin in Origin}
_STATES: dict[str | None, State] = {state.value: state for state in State}
_BASES = {basis.value: basis for basis in DeadlineBasis}
# Long lists are read often enough for a look-up to be worth it: calling an enum takes ten times
# as long.
_CONVERTED = (
    (_FIELDS.index("family"), _FAMILIES.__getitem__),
    (_FIELDS.index("origin"), _ORIGINS.__getitem__),
    (_FIELDS.index("state"), _STATES.__getitem__),
    (_FIELDS.index("deadline_basis"), _BASES.__getitem__),
    (_FIELDS.index("state_before_delete"), _STATES.get),
    (_FIELDS.index("tags"), _tags),
    (_FIELDS.index("aliases"), _aliases),
)


def insert(connection: sa.Connection, voice: Voice, account_id: int) -> None:
    """Add a voice with its tags."""
    values = {name: getattr(voice, name) for name in _OWN}
    connection.execute(_INSERT, {**values, "account_id": account_id})
    texts.add(connection, voice)
    _add_tags(connection, voice.id, voice.tags)


def get(connection: sa.Connection, voice: str, *, lock: bool = False) -> Voice | None:
    """The voice of that registry id.

    Args:
        connection: a transaction; one that writes, where ``lock``.
        voice: the registry id.
        lock: keep others from changing it until the transaction ends.
    """
    if lock and connection.dialect.name != "sqlite":
        # A statement of its own: one that waits for a lock goes on with the tags, and whatever else
        # it joined, as they were before it waited. (SQLite's writer has locked everything.)
        connection.execute(_LOCK, {"voice": voice})
    row = connection.execute(_GET, {"voice": voice}).one_or_none()
    return None if row is None else _voice(row)


def one(connection: sa.Connection, voice: str, *, lock: bool = False) -> Voice:
    """The voice of a registry id that the database itself gave: voices are never erased.

    Args: as for :func:`get`.

    Raises:
        KeyError: it is no such id.
    """
    found = get(connection, voice, lock=lock)
    if found is None:
        raise KeyError(voice)
    return found


def holder_of(connection: sa.Connection, group_id: int, voice_id: str) -> str | None:
    """The registry id of the voice that a provider's id is recorded for in a quota group."""
    return connection.execute(
        _HOLDER, {"group_id": group_id, "voice_id": voice_id}
    ).scalar_one_or_none()


def update(connection: sa.Connection, voice: str, values: Mapping[str, Any]) -> None:
    """Change a voice's own columns."""
    connection.execute(_UPDATE, {**values, "which": voice})
    if not values.keys().isdisjoint(texts.SEARCHED):
        texts.refresh(connection, voice)


def set_tags(connection: sa.Connection, voice: str, tags: Mapping[str, str]) -> None:
    """Make these the tags of a voice, and no others."""
    connection.execute(sa.delete(voice_tags).where(voice_tags.c.voice == voice))
    _add_tags(connection, voice, tags)


def _add_tags(connection: sa.Connection, voice: str, tags: Mapping[str, str]) -> None:
    if tags:
        connection.execute(
            sa.insert(voice_tags),
            [{"voice": voice, "key": key, "value": value} for key, value in tags.items()],
        )


def lock_all_of(connection: sa.Connection, account_id: int) -> None:
    """Keep others from an account's voices, in the order in which everyone locks several."""
    connection.execute(
        sa.select(voices.c.id)
        .where(voices.c.account_id == account_id)
        .order_by(voices.c.id)
        .with_for_update()
    )


def move_to_group(connection: sa.Connection, account_id: int, group_id: int) -> None:
    """Count all of an account's voices in another quota group."""
    connection.execute(
        sa.update(voices).where(voices.c.account_id == account_id).values(quota_group_id=group_id)
    )


def twice_recorded(
    connection: sa.Connection, account_id: int, group_id: int
) -> list[tuple[str, str]]:
    """The records of an account's voices that another quota group has as well: ours, and theirs."""
    other = voices.alias()
    rows = connection.execute(
        sa.select(voices.c.id, other.c.id)
        .join(other, other.c.voice_id == voices.c.voice_id)
        .where(voices.c.account_id == account_id, other.c.quota_group_id == group_id)
        .order_by(voices.c.id)
    )
    return [(ours, theirs) for ours, theirs in rows]


def from_rows(rows: Sequence[Row]) -> list[Voice]:
    """Voices from rows of :data:`SELECT`."""
    return [_voice(row) for row in rows]


def _voice(row: Row) -> Voice:
    values = list(row)
    for place, convert in _CONVERTED:
        values[place] = convert(values[place])
    return Voice(*values)
