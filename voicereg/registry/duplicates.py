"""Two records of one voice: a create confirmed late meets what a sync made of its voice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from voicereg.domain.errors import StateConflict
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.changes import Changes
from voicereg.store import events, slots, voices

CONFIRMED = "voice.confirm"
ADOPTED = "voice.adopt"
IMPORTED = "voice.import"


def make_way(changes: Changes, attempt: Voice, voice_id: str) -> dict[str, Any]:
    """Take ``voice_id`` from the record that a sync gave it to: who made the voice knows better.

    A record made by the sync alone ends as ``failed``, and says where its voice is; a create that
    the voice was wrongly taken for is unresolved again.

    Args:
        changes: of a transaction that has locked the limit of the family.
        attempt: the create that is being confirmed.
        voice_id: the provider's id of what it made.

    Returns:
        What the record that gives way has and the other has not, by field.

    Raises:
        StateConflict: the id was confirmed for the other voice.
    """
    other = voices.holder_of(changes.connection, attempt.quota_group_id, voice_id)
    holder = None if other is None else voices.get(changes.connection, other, lock=True)
    if holder is None or holder.voice_id != voice_id:
        return {}
    how = events.last_action(changes.connection, holder.id, (CONFIRMED, ADOPTED, IMPORTED))
    if how == ADOPTED:
        changes.give_up_id(
            holder, State.UNRESOLVED, f"{voice_id} was made by voice {attempt.id}, not by this one"
        )
        return {}
    if how == IMPORTED:
        changes.give_up_id(holder, State.FAILED, f"the same voice as {attempt.id}")
        return _carried_over(attempt, holder)
    raise StateConflict(attempt, f"{voice_id} is recorded as voice {holder.id} already")


def lock_family(connection: sa.Connection, voice: Voice) -> None:
    """Keep syncs and creates of the voice's family waiting until the transaction ends."""
    slots.lock_limit(connection, voice.quota_group_id, voice.family)


def _carried_over(attempt: Voice, holder: Voice) -> dict[str, Any]:
    values: dict[str, Any] = {
        "tags": {**holder.tags, **attempt.tags},
        "owner": attempt.owner or holder.owner,
        "note": attempt.note or holder.note,
        "pinned": attempt.pinned or holder.pinned,
    }
    if holder.last_used_at is not None:
        values |= {
            "last_used_at": holder.last_used_at,
            "last_used_source": holder.last_used_source,
            "deadline_at": holder.deadline_at,
            "deadline_basis": holder.deadline_basis,
        }
    return values
