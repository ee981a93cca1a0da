"""One voice at a time: added, read, locked, changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis, Origin, Voice
from voicereg.tables import accounts, voice_tags, voices

SELECT = sa.select(voices, accounts.c.name.label("account")).join(
    accounts, voices.c.account_id == accounts.c.id
)
_TAGS_AT_ONCE = 500


def insert(connection: sa.Connection, values: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Add a voice with its tags."""
    connection.execute(sa.insert(voices).values(**values))
    set_tags(connection, values["id"], tags)


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
    """Add tags; one that is there already takes the new value."""
    if not tags:
        return
    remove_tags(connection, voice, tags)
    connection.execute(
        sa.insert(voice_tags),
        [{"voice": voice, "key": key, "value": value} for key, value in tags.items()],
    )


def remove_tags(connection: sa.Connection, voice: str, keys: Iterable[str]) -> None:
    """Remove tags by key; those that are not there are passed over."""
    connection.execute(
        sa.delete(voice_tags).where(voice_tags.c.voice == voice, voice_tags.c.key.in_(sorted(keys)))
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
    ids = [row.id for row in rows]
    for start in range(0, len(ids), _TAGS_AT_ONCE):
        found = connection.execute(
            sa.select(voice_tags)
            .where(voice_tags.c.voice.in_(ids[start : start + _TAGS_AT_ONCE]))
            .order_by(voice_tags.c.key)
        )
        for voice, key, value in found:
            tags.setdefault(voice, {})[key] = value
    return [_voice(row, tags.get(row.id, {})) for row in rows]


def _voice(row: Any, tags: Mapping[str, str]) -> Voice:
    return Voice(
        id=row.id,
        voice_id=row.voice_id,
        account=row.account,
        quota_group_id=row.quota_group_id,
        family=Family(row.family),
        target_model=row.target_model,
        origin=Origin(row.origin),
        state=State(row.state),
        state_reason=row.state_reason,
        name=row.name,
        prompt=row.prompt,
        preview_text=row.preview_text,
        language=row.language,
        sample_rate=row.sample_rate,
        response_format=row.response_format,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        last_used_source=row.last_used_source,
        deadline_at=row.deadline_at,
        deadline_basis=DeadlineBasis(row.deadline_basis),
        pinned=row.pinned,
        owner=row.owner,
        note=row.note,
        replaces=row.replaces,
        request_id=row.request_id,
        lease_holder=row.lease_holder,
        lease_expires_at=row.lease_expires_at,
        delete_asked_at=row.delete_asked_at,
        state_before_delete=None
        if row.state_before_delete is None
        else State(row.state_before_delete),
        gone_at=row.gone_at,
        updated_at=row.updated_at,
        tags=tags,
    )
