"""Uses in the database: the last of each voice, and counts by day and source."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.domain.uses import DailyUses, FamilyUses, UseNote
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis
from voicereg.store.batches import batches
from voicereg.store.inserts import insert_into
from voicereg.tables import unclaimed_uses, use_files, use_writers, voice_uses, voices


@dataclass(frozen=True, slots=True)
class Used:
    """What of a voice matters to a use."""

    id: str
    voice_id: str | None
    created_at: datetime


def is_new(connection: sa.Connection, writer: str, batch: int, now: datetime) -> bool:
    """Whether a batch was not written yet; it is noted as written, in the same transaction."""
    insert = insert_into(connection, use_writers).values(writer=writer, batch=batch, written_at=now)
    written = connection.execute(
        insert.on_conflict_do_update(
            index_elements=[use_writers.c.writer],
            set_={"batch": batch, "written_at": now},
            where=use_writers.c.batch < batch,
        ).returning(use_writers.c.batch)
    ).first()
    return written is not None


def forget_writers(connection: sa.Connection, before: datetime) -> None:
    """Forget the batches of processes that have not written for long."""
    connection.execute(sa.delete(use_writers).where(use_writers.c.written_at < before))


def find(connection: sa.Connection, references: Collection[str]) -> dict[str, list[Used]]:
    """The voices that have these ids at the provider, or in the registry, by id.

    One id at the provider can be on record in several quota groups; a use is one of each.
    """
    found: dict[str, list[Used]] = {}
    columns = sa.select(voices.c.id, voices.c.voice_id, voices.c.created_at)
    for some in batches(references):
        for row in connection.execute(columns.where(voices.c.voice_id.in_(some))):
            found.setdefault(row.voice_id, []).append(Used(*row))
        left = [reference for reference in some if reference not in found]
        for row in connection.execute(columns.where(voices.c.id.in_(left))):
            found[row.id] = [Used(*row)]
    return found


def move_forward(connection: sa.Connection, latest: Sequence[tuple[Used, datetime, str]]) -> None:
    """Note the latest use of each voice, unless a later one is known already.

    Args:
        connection: a transaction that writes.
        latest: voices, each once, with their latest use and its source.
    """
    if not latest:
        return
    rows = [
        {
            "which": used.id,
            "used_at": at,
            "source": source,
            "deadline": deadline_after(used.created_at, at),
        }
        # In the order in which everyone locks several voices.
        for used, at, source in sorted(latest, key=lambda one: one[0].id)
    ]
    connection.execute(_FORWARD, rows)


def deadline_after(created_at: datetime, used_at: datetime) -> datetime:
    """The deadline of a voice by its last activity."""
    return max(created_at, used_at) + INACTIVITY_LIMIT


_FORWARD = (
    sa.update(voices)
    .where(
        voices.c.id == sa.bindparam("which"),
        sa.or_(
            voices.c.last_used_at.is_(None),
            voices.c.last_used_at < sa.bindparam("used_at", type_=voices.c.last_used_at.type),
        ),
    )
    .values(
        last_used_at=sa.bindparam("used_at", type_=voices.c.last_used_at.type),
        last_used_source=sa.bindparam("source"),
        deadline_at=sa.bindparam("deadline", type_=voices.c.deadline_at.type),
        deadline_basis=DeadlineBasis.USED,
    )
)


def add(
    connection: sa.Connection,
    counts: Mapping[tuple[str, date, str], int],
    *,
    counted_twice: bool = False,
) -> None:
    """Add to the counts of voices, by registry id, day and source.

    Args:
        connection: a transaction that writes.
        counts: what is to be added.
        counted_twice: the same uses are in both counts: the higher one stands.
    """
    if not counts:
        return
    insert = insert_into(connection, voice_uses)
    here, new = voice_uses.c.uses, insert.excluded.uses
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[voice_uses.c.voice, voice_uses.c.day, voice_uses.c.source],
            set_={"uses": sa.case((new > here, new), else_=here) if counted_twice else here + new},
        ),
        [
            {"voice": voice, "day": day, "source": source, "uses": uses}
            for (voice, day, source), uses in sorted(counts.items())
        ],
    )


def keep_unclaimed(connection: sa.Connection, notes: Sequence[UseNote]) -> None:
    """Keep uses of voices on no record, until one of them is put on record."""
    if not notes:
        return
    insert = insert_into(connection, unclaimed_uses)
    last = insert.excluded.last_used_at
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[
                unclaimed_uses.c.voice_id,
                unclaimed_uses.c.day,
                unclaimed_uses.c.source,
            ],
            set_={
                "uses": unclaimed_uses.c.uses + insert.excluded.uses,
                "last_used_at": sa.case(
                    (last > unclaimed_uses.c.last_used_at, last),
                    else_=unclaimed_uses.c.last_used_at,
                ),
            },
        ),
        [
            {
                "voice_id": note.reference,
                "day": note.day,
                "source": note.source,
                "uses": note.uses,
                "last_used_at": note.last_at,
            }
            for note in sorted(notes, key=lambda one: (one.reference, one.day, one.source))
        ],
    )


def claim(connection: sa.Connection, voice_ids: Collection[str]) -> list[UseNote]:
    """Take the uses that were kept for voices which are on record now."""
    notes: list[UseNote] = []
    for some in batches(voice_ids):
        taken = connection.execute(
            sa.delete(unclaimed_uses)
            .where(unclaimed_uses.c.voice_id.in_(some))
            .returning(*unclaimed_uses.c)
        )
        notes += [
            UseNote(row.voice_id, row.source, row.day, row.uses, row.last_used_at) for row in taken
        ]
    return notes


def by_day(connection: sa.Connection, voice: str, since: date) -> list[DailyUses]:
    """How often a voice was used, by day and source, oldest first."""
    query = (
        sa.select(voice_uses.c.day, voice_uses.c.source, voice_uses.c.uses)
        .where(voice_uses.c.voice == voice, voice_uses.c.day >= since)
        .order_by(voice_uses.c.day, voice_uses.c.source)
    )
    return [DailyUses(*row) for row in connection.execute(query)]


def by_family(
    connection: sa.Connection, account_ids: Collection[int], since: date
) -> list[FamilyUses]:
    """How often the voices of some accounts were used, by day and family, oldest first."""
    query = (
        sa.select(voice_uses.c.day, voices.c.family, sa.func.sum(voice_uses.c.uses))
        .join(voices, voices.c.id == voice_uses.c.voice)
        .where(voice_uses.c.day >= since, voices.c.account_id.in_(account_ids))
        .group_by(voice_uses.c.day, voices.c.family)
        .order_by(voice_uses.c.day, voices.c.family)
    )
    # PostgreSQL adds whole numbers up to a decimal one.
    return [
        FamilyUses(day, Family(family), int(uses))
        for day, family, uses in connection.execute(query)
    ]


def move_counts(
    connection: sa.Connection, voice: str, to: str, *, counted_twice: bool = False
) -> None:
    """Count the uses of one record for another: they are the same voice."""
    rows = connection.execute(
        sa.delete(voice_uses).where(voice_uses.c.voice == voice).returning(*voice_uses.c)
    ).all()
    moved = {(to, row.day, row.source): row.uses for row in rows}
    add(connection, moved, counted_twice=counted_twice)


def move_to_unclaimed(
    connection: sa.Connection,
    voice: str,
    voice_id: str,
    last_used_at: datetime | None,
    last_used_source: str | None,
) -> None:
    """Keep the uses of a record for whichever record its voice will be on.

    Only the last of them is known to more than the day.

    Args:
        connection: a transaction that writes.
        voice: the record's id at the registry.
        voice_id: the provider's id of the voice.
        last_used_at: the record's last use.
        last_used_source: whose it was.
    """
    rows = connection.execute(
        sa.delete(voice_uses).where(voice_uses.c.voice == voice).returning(*voice_uses.c)
    ).all()
    if not rows or last_used_at is None:
        return
    last = max(
        rows,
        key=lambda row: (
            (row.day, row.source) == (last_used_at.date(), last_used_source),
            row.day,
            row.source,
        ),
    )
    notes = []
    for row in rows:
        # No later than it was; and than the last use, which may have been corrected.
        began = min(datetime.combine(row.day, time(), UTC), last_used_at)
        at = last_used_at if row is last else began
        notes.append(UseNote(voice_id, row.source, row.day, row.uses, at))
    keep_unclaimed(connection, notes)


def read_so_far(connection: sa.Connection, size_bytes: int) -> list[tuple[int, str]]:
    """The sizes and digests of what was read of files, up to a size; in order of size."""
    query = (
        sa.select(use_files.c.size_bytes, use_files.c.digest)
        .where(use_files.c.size_bytes <= size_bytes)
        .order_by(use_files.c.size_bytes)
    )
    return [(size, digest) for size, digest in connection.execute(query)]


def note_read(connection: sa.Connection, digest: str, size_bytes: int, now: datetime) -> bool:
    """Note how far a file has been read; False where another has read it as far already.

    Args:
        connection: the transaction in which its uses are counted.
        digest: of what was read.
        size_bytes: how much that is.
        now: the time.
    """
    noted = connection.execute(
        insert_into(connection, use_files)
        .values(digest=digest, size_bytes=size_bytes, read_at=now)
        .on_conflict_do_nothing(index_elements=[use_files.c.digest])
        .returning(use_files.c.digest)
    ).first()
    return noted is not None


LONGEST_SILENCE = timedelta(days=1)
"""After so long, no process comes back with a batch whose outcome it had not heard of."""
