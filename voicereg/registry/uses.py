"""Uses written and read: the last use moves forward, counts add up, deadlines follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from voicereg.domain.errors import StateConflict
from voicereg.domain.uses import (
    FUTURE_TOLERANCE,
    DailyUses,
    UseNote,
    UsesRecorded,
    check_use,
)
from voicereg.domain.voices import DeadlineBasis, Voice
from voicereg.registry.changes import locked
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.recorder import Batch
from voicereg.registry.repeating import idempotent
from voicereg.store import uses

_BATCHES_BETWEEN_CLEANINGS = 500


def count(connection: sa.Connection, notes: Iterable[UseNote], now: datetime) -> UsesRecorded:
    """Count uses, and note the latest of each voice, in the caller's transaction.

    Uses of voices on no record are kept for the day when they are put on record.
    """
    notes = list(notes)
    found = uses.find(connection, {note.reference for note in notes})
    counts: dict[tuple[str, date, str], int] = {}
    latest: dict[str, tuple[uses.Used, datetime, str]] = {}
    unclaimed: list[UseNote] = []
    for note in notes:
        # Noted by a clock that is ahead: it has been by now, whatever that clock said.
        at = note.last_at if note.last_at <= now + FUTURE_TOLERANCE else now
        day = min(note.day, at.date())
        if note.reference not in found:
            unclaimed.append(UseNote(note.reference, note.source, day, note.uses, at))
            continue
        for used in found[note.reference]:
            key = (used.id, day, note.source)
            counts[key] = counts.get(key, 0) + note.uses
            if used.id not in latest or latest[used.id][1] < at:
                latest[used.id] = (used, at, note.source)
    uses.move_forward(connection, list(latest.values()))
    uses.add(connection, counts)
    uses.keep_unclaimed(connection, unclaimed)
    missed: dict[str, int] = {}
    for note in unclaimed:
        missed[note.reference] = missed.get(note.reference, 0) + note.uses
    return UsesRecorded(sum(note.uses for note in notes), len(latest), missed)


def claim(connection: sa.Connection, voice_ids: Collection[str], now: datetime) -> None:
    """Give voices that are on record from now on the uses that were kept for them."""
    kept = uses.claim(connection, voice_ids)
    if kept:
        count(connection, kept, now)


class Uses:
    """Writes uses, reads them, and corrects the last one."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups

    @idempotent
    def write(self, batch: Batch) -> None:
        """Write what a recorder noted: one transaction, and never twice.

        Raises:
            DatabaseProblem: it was not written, as far as is known.
        """
        database = self._context.database
        with database.write() as connection:
            now = database.now(connection)
            if not uses.is_new(connection, batch.writer, batch.number, now):
                return  # the first try was written after all
            if batch.number % _BATCHES_BETWEEN_CLEANINGS == 1:
                uses.forget_writers(connection, now - uses.LONGEST_SILENCE)
            done = count(connection, batch.notes, now)
            # A voice may have come on record while another was writing that it is on none.
            found = {note.reference for note in batch.notes} - done.unclaimed.keys()
            claim(connection, sorted(found), now)

    @idempotent
    def by_day(self, voice: Voice, *, days: int) -> list[DailyUses]:
        """How often a voice was used on each of the last days, by source, oldest first."""
        since = (self._context.clock.now() - timedelta(days=days - 1)).date()
        with self._context.database.read() as connection:
            return uses.by_day(connection, voice.id, since)

    @idempotent
    def correct(self, reference: str, at: datetime, *, source: str, account: str | None) -> Voice:
        """Set a voice's last use, to an earlier moment if need be. The audit log tells.

        Raises:
            InvalidInput: a time without a zone or in the future.
            VoiceNotFound, AmbiguousVoice: no such voice, or several.
            StateConflict: it was never made.
        """
        found = self._lookups.voice(reference, account)
        with self._context.database.write() as connection:
            changes, voice = locked(self._context, connection, found.id)
            check_use(at=at, count=1, source=source, now=changes.now)
            if voice.voice_id is None:
                raise StateConflict(voice, "a voice without an id at the provider has no uses")
            values = {
                "last_used_at": at,
                "last_used_source": source,
                "deadline_at": uses.deadline_after(voice.created_at, at),
                "deadline_basis": DeadlineBasis.USED,
            }
            return changes.apply(voice, "voice.use.correct", values, "corrected by hand")
