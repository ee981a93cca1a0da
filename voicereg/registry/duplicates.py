"""Two records of one voice: a create confirmed late meets what a sync made of its voice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voicereg.domain.errors import StateConflict
from voicereg.domain.states import State
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis, Voice
from voicereg.registry.changes import Changes
from voicereg.store import aliases, events, slots, syncs, uses, voices

CONFIRMED = "voice.confirm"
ADOPTED = "voice.adopt"
IMPORTED = "voice.import"


class RecordedMeanwhile(Exception):
    """An id is recorded for another voice, or the voice by another id, than was looked at."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the record that gives way leaves to the other."""

    values: Mapping[str, Any]
    """What it has and the other has not, by field."""
    state: State | None
    """``deleting`` or ``deleted``, where a delete was asked of it."""


def make_way(changes: Changes, attempt: Voice, voice_id: str) -> Inherited:
    """Take ``voice_id`` from the record that a sync gave it to: who made the voice knows better.

    A record made by the sync alone ends as ``failed``, and says where its voice is; a create that
    the voice was wrongly taken for is unresolved again.

    Args:
        changes: of a transaction that has locked the limit of the family.
        attempt: the create that is being confirmed.
        voice_id: the provider's id of what it made.

    Raises:
        StateConflict: the id was confirmed for the other voice.
    """
    other = voices.holder_of(changes.connection, attempt.quota_group_id, voice_id)
    holder = None if other is None else voices.one(changes.connection, other, lock=True)
    if holder is None or holder.voice_id != voice_id:
        return Inherited({}, None)
    asked = holder.state if holder.state in {State.DELETING, State.DELETED} else None
    # What was counted was the absence of this voice, and it says nothing of another.
    syncs.note_absences(changes.connection, {holder.id: None})
    uses.move_counts(changes.connection, holder.id, attempt.id)
    # Whoever speaks under a name goes on speaking with the same voice.
    aliases.move(changes.connection, holder.id, attempt.id)
    how = events.last_action(changes.connection, holder.id, (CONFIRMED, ADOPTED, IMPORTED))
    if how == ADOPTED:
        take_back(changes, holder, f"{voice_id} was made by voice {attempt.id}, not by this one")
        return Inherited(_later_use(attempt, holder), asked)
    if how == IMPORTED:
        changes.give_up_id(holder, State.FAILED, f"the same voice as {attempt.id}")
        return Inherited(_carried_over(attempt, holder), asked)
    raise StateConflict(attempt, f"{voice_id} is recorded as voice {holder.id} already")


def inherit(changes: Changes, confirmed: Voice, inherited: Inherited) -> Voice:
    """Go on with the delete that was asked of the other record, so that it is no loss."""
    if inherited.state is None:
        return confirmed
    asked = changes.apply(
        confirmed, "voice.delete.ask", {"state": State.DELETING}, "asked of its other record"
    )
    if inherited.state is State.DELETING:
        return asked
    return changes.apply(
        asked, "voice.delete", {"state": State.DELETED}, "deleted under its other record"
    )


def merge(changes: Changes, one: str, other: str) -> bool:
    """Make one record of two of the same voice; one that a sync made gives way.

    Args:
        changes: of a transaction that has locked the family's limit in both quota groups.
        one: a record's id at the registry.
        other: the other's.

    Returns:
        Whether one of them could give way.
    """
    for giving, keeping in ((one, other), (other, one)):
        holder = voices.one(changes.connection, giving, lock=True)
        kept = voices.one(changes.connection, keeping, lock=True)
        how = events.last_action(changes.connection, giving, (CONFIRMED, ADOPTED, IMPORTED))
        if how == IMPORTED:
            syncs.note_absences(changes.connection, {giving: None})
            # A use by the provider's id was counted for both.
            uses.move_counts(changes.connection, giving, keeping, counted_twice=True)
            aliases.move(changes.connection, giving, keeping)
            changes.give_up_id(holder, State.FAILED, f"the same voice as {keeping}")
            changes.apply(kept, "voice.merge", _carried_over(kept, holder), "recorded twice")
            return True
    return False


def was_adopted(connection: sa.Connection, voice: Voice) -> bool:
    """Whether a create has its id by what was found at the provider, not by who made the voice."""
    return events.last_action(connection, voice.id, (CONFIRMED, ADOPTED, IMPORTED)) == ADOPTED


def take_back(changes: Changes, mistaken: Voice, reason: str) -> Voice:
    """A create was taken for what made another voice: it is unresolved again, and never used."""
    syncs.note_absences(changes.connection, {mistaken.id: None})
    return changes.give_up_id(
        mistaken,
        State.UNRESOLVED,
        reason,
        {
            "last_used_at": None,
            "last_used_source": None,
            "deadline_at": mistaken.created_at + INACTIVITY_LIMIT,
            "deadline_basis": DeadlineBasis.CREATED,
        },
    )


def leave_uses(changes: Changes, mistaken: Voice) -> None:
    """Keep the uses of a voice that is about to be on no record, for the record it will be on."""
    if mistaken.voice_id is not None:
        uses.move_to_unclaimed(
            changes.connection,
            mistaken.id,
            mistaken.voice_id,
            mistaken.last_used_at,
            mistaken.last_used_source,
        )


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
    return values | _later_use(attempt, holder)


def _later_use(kept: Voice, holder: Voice) -> dict[str, Any]:
    """What the last use of ``holder`` changes in the record that is kept: it may have a later."""
    used_at = holder.last_used_at
    if used_at is None or (kept.last_used_at is not None and kept.last_used_at >= used_at):
        return {}
    return {
        "last_used_at": used_at,
        "last_used_source": holder.last_used_source,
        "deadline_at": uses.deadline_after(kept.created_at, used_at),
        "deadline_basis": DeadlineBasis.USED,
    }
