"""What a sync compares with the provider's listings, and what it notes for the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.families import Family
from voicereg.domain.reconcile import Absence
from voicereg.domain.states import HOLDING, State
from voicereg.domain.voices import Voice
from voicereg.store.batches import batches
from voicereg.store.voices import SELECT, from_rows
from voicereg.tables import absences, accounts, quota_limits, sync_states, voices

_ATTEMPTS = (State.CREATING, State.UNRESOLVED)


def standing(connection: sa.Connection, account_id: int, family: Family) -> dict[str, Voice]:
    """The voices of an account's family that are not gone, by registry id; creates left out."""
    query = SELECT.where(
        voices.c.account_id == account_id,
        voices.c.family == family,
        voices.c.gone_at.is_(None),
        voices.c.state.not_in(_ATTEMPTS),
    )
    return {voice.id: voice for voice in from_rows(connection.execute(query).all())}


def attempts(connection: sa.Connection, group_id: int, family: Family) -> tuple[Voice, ...]:
    """The creates of a quota group's family whose outcome is not known, oldest first."""
    query = SELECT.where(
        voices.c.quota_group_id == group_id,
        voices.c.family == family,
        voices.c.state.in_(_ATTEMPTS),
    ).order_by(voices.c.created_at, voices.c.id)
    return tuple(from_rows(connection.execute(query).all()))


def on_record(
    connection: sa.Connection, group_id: int, voice_ids: Collection[str]
) -> dict[str, Voice]:
    """The voices of a quota group, gone ones too, that have these ids at the provider, by id."""
    found: dict[str, Voice] = {}
    for some in batches(voice_ids):
        query = SELECT.where(voices.c.quota_group_id == group_id, voices.c.voice_id.in_(some))
        found |= {
            voice.voice_id: voice
            for voice in from_rows(connection.execute(query).all())
            if voice.voice_id is not None
        }
    return found


def unresolved(connection: sa.Connection, account_id: int) -> int:
    """How many creates of an account have an unknown outcome."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(voices)
        .where(
            voices.c.account_id == account_id,
            voices.c.state == State.UNRESOLVED,
            voices.c.gone_at.is_(None),  # in the words of the index of live voices
        )
    ).scalar_one()


def absences_of(connection: sa.Connection, group_id: int, family: Family) -> dict[str, Absence]:
    """What is noted of the absences of a quota group's family, by registry id."""
    query = (
        sa.select(absences.c.voice, absences.c.since, absences.c.listings)
        .join(voices, voices.c.id == absences.c.voice)
        .where(
            voices.c.quota_group_id == group_id,
            voices.c.family == family,
            # All that may have any; without a word of it, all that are gone are looked at.
            voices.c.state.in_(sorted(HOLDING)),
        )
    )
    return {voice: Absence(since, listings) for voice, since, listings in connection.execute(query)}


def note_absences(connection: sa.Connection, noted: Mapping[str, Absence | None]) -> None:
    """Note how often voices were not listed; None: that they were seen, or have come to an end."""
    for some in batches(noted):
        connection.execute(sa.delete(absences).where(absences.c.voice.in_(some)))
    rows = [
        {"voice": voice, "since": absence.since, "listings": absence.listings}
        for voice, absence in sorted(noted.items())
        if absence is not None
    ]
    if rows:
        connection.execute(sa.insert(absences), rows)


def note_sync(
    connection: sa.Connection,
    account_id: int,
    family: Family,
    *,
    began_at: datetime,
    problem: str | None,
) -> None:
    """Note how the sync of an account's family went.

    Args:
        connection: a transaction that writes, and that has locked the family's limit.
        account_id: the account.
        family: the family.
        began_at: when the sync began.
        problem: why it was not complete; None: it was.
    """
    which = (sync_states.c.account_id == account_id, sync_states.c.family == family)
    values = {"tried_at": began_at, "problem": problem}
    if problem is None:
        values["synced_at"] = began_at
    found = connection.execute(sa.select(sync_states.c.tried_at).where(*which)).one_or_none()
    if found is None:
        row = {"account_id": account_id, "family": family, **values}
        connection.execute(sa.insert(sync_states).values(row))
    else:
        connection.execute(sa.update(sync_states).where(*which).values(values))


def set_surplus(
    connection: sa.Connection, account: Account, family: Family, surplus: int, now: datetime
) -> int:
    """Note how many listed voices stand on no record, beyond the slots of creates in question.

    Args:
        connection: a transaction that writes, and that has locked the family's limit.
        account: whose listing showed them.
        family: the family.
        surplus: how many there are.
        now: the time.

    Returns:
        How many more than in the account's last sync.
    """
    which = (sync_states.c.account_id == account.id, sync_states.c.family == family)
    before: int | None = connection.execute(
        sa.select(sync_states.c.surplus).where(*which)
    ).scalar_one_or_none()
    if surplus == (before or 0):
        return 0
    if before is None:
        row = {
            "account_id": account.id,
            "family": family,
            "tried_at": now,
            "problem": "its first sync has not ended",
            "surplus": surplus,
        }
        connection.execute(sa.insert(sync_states).values(row))
    else:
        connection.execute(sa.update(sync_states).where(*which).values(surplus=surplus))
    of_the_group = (
        sa.select(sa.func.coalesce(sa.func.sum(sync_states.c.surplus), 0))
        .join(accounts, accounts.c.id == sync_states.c.account_id)
        .where(accounts.c.quota_group_id == account.quota_group_id, sync_states.c.family == family)
        .scalar_subquery()
    )
    connection.execute(
        sa.update(quota_limits)
        .where(
            quota_limits.c.quota_group_id == account.quota_group_id,
            quota_limits.c.family == family,
        )
        .values(surplus=of_the_group)
    )
    return surplus - (before or 0)
