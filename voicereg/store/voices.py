"""One voice at a time: added, read, locked, changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis, Origin, Voice
from voicereg.tables import accounts, voice_tags, voices

_FIELDS = tuple(field.name for field in fields(Voice) if field.name not in {"tags", "aliases"})
SELECT = sa.select(
    *(accounts.c.name if name == "account" else voices.c[name] for name in _FIELDS)
).join(accounts, voices.c.account_id == accounts.c.id)
"""Voices, their columns in the order of the fields of :class:`Voice`."""

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
)
_ID = _FIELDS.index("id")
_TAGS_AT_ONCE = 500


def insert(connection: sa.Connection, values: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Add a voice with its tags."""
    connection.execute(sa.insert(voices).values(**values))
    _add_tags(connection, values["id"], tags)


def get(connection: sa.Connection, voice: str, *, lock: bool = False) -> Voice | None:
    """The voice of that registry id.

    Args:
        connection: a transaction; one that writes, where ``lock``.
        voice: the registry id.
        lock: keep others from changing it until the transaction ends.
    """
    query = SELECT.where(voices.c.id == voice)
    if lock:
        query = query.with_for_update(of=voices)
    row = connection.execute(query).one_or_none()
    return None if row is None else from_rows(connection, [row])[0]


def holder_of(connection: sa.Connection, group_id: int, voice_id: str) -> str | None:
    """The registry id of the voice that a provider's id is recorded for in a quota group."""
    return connection.execute(
        sa.select(voices.c.id).where(
            voices.c.quota_group_id == group_id, voices.c.voice_id == voice_id
        )
    ).scalar_one_or_none()


def update(connection: sa.Connection, voice: str, values: Mapping[str, Any]) -> None:
    """Change a voice's own columns."""
    connection.execute(sa.update(voices).where(voices.c.id == voice).values(**values))


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


def move_to_group(connection: sa.Connection, account_id: int, group_id: int) -> None:
    """Count all of an account's voices in another quota group."""
    connection.execute(
        sa.update(voices).where(voices.c.account_id == account_id).values(quota_group_id=group_id)
    )


def ids_also_in(connection: sa.Connection, account_id: int, group_id: int) -> int:
    """How many of an account's voice ids are recorded in another quota group as well."""
    other = voices.alias()
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(voices)
        .join(other, other.c.voice_id == voices.c.voice_id)
        .where(voices.c.account_id == account_id, other.c.quota_group_id == group_id)
    ).scalar_one()


def from_rows(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[Voice]:
    """Voices from rows of :data:`SELECT`, with their tags."""
    tags: dict[str, dict[str, str]] = {}
    ids = [row[_ID] for row in rows]
    for start in range(0, len(ids), _TAGS_AT_ONCE):
        found = connection.execute(
            sa.select(voice_tags)
            .where(voice_tags.c.voice.in_(ids[start : start + _TAGS_AT_ONCE]))
            .order_by(voice_tags.c.key)
        )
        for voice, key, value in found:
            tags.setdefault(voice, {})[key] = value
    return [_voice(row, tags.get(row[_ID], {})) for row in rows]


def _voice(row: sa.Row[Any], tags: Mapping[str, str]) -> Voice:
    values = list(row)
    for place, convert in _CONVERTED:
        values[place] = convert(values[place])
    values.append(tags)
    return Voice(*values)
