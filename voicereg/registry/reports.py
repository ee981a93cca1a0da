"""What a report tells of accounts: read at one time, the same figures everywhere in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.audio import KeptPreview, PreviewAudio
from voicereg.domain.deadlines import Timeline, boundaries, timeline
from voicereg.domain.families import Family
from voicereg.domain.filters import SortField, VoiceFilter
from voicereg.domain.forecast import Forecast, Pace, forecast, period_since
from voicereg.domain.quotas import Quota
from voicereg.domain.states import GONE, HOLDING, State
from voicereg.domain.uses import MonthlyUses, by_month, first_month
from voicereg.domain.voices import Voice
from voicereg.registry.context import Context
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent
from voicereg.store import accounts, figures, previews, uses, voice_queries

MONTHS = 13
"""Of uses: this one, and a year before it to compare it with."""
_STANDING = frozenset({State.PENDING, State.ACTIVE, State.MISSING})
"""The states in which a deadline counts, as warnings have it."""


@dataclass(frozen=True, slots=True)
class FamilyReport:
    """A family's slots in one quota group, and when they will all be taken."""

    quota: Quota
    shared_by: Sequence[str]
    """The names of the accounts that share it."""
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """What a report is made of."""

    read_at: datetime
    accounts: Sequence[str]
    """Those that it tells of, by name."""
    families: Sequence[FamilyReport]
    """Of each quota group of those accounts; one that they share is there once."""
    states: Mapping[State, int]
    """How many voices there are in every state."""
    deadlines: Timeline
    """Of those that are pending, active or missing."""
    months: Sequence[MonthlyUses]
    """How often all of their voices were used, gone ones too; the oldest month first."""
    unused: Sequence[Voice]
    """Those unused for the longest, of those with a deadline."""
    voices: Sequence[Voice]
    """Standing ones by deadline, then gone ones, as many as there is room for."""
    previews: Mapping[str, KeptPreview]
    """What is kept of those voices, by registry id."""


class Reports:
    """Reads what a report is made of."""

    def __init__(self, context: Context, quotas: Quotas) -> None:
        self._context = context
        self._quotas = quotas

    @idempotent
    def read(self, account: str | None, *, most_voices: int, most_unused: int) -> RegistryReport:
        """What there is to tell of an account, in one transaction.

        Args:
            account: its name, or ``ALL_ACCOUNTS``; None: the selected one.
            most_voices: so many voices are read at most; figures are of all of them.
            most_unused: likewise, of those unused for the longest.

        Raises:
            AccountNotFound: no such account.
        """
        with self._context.database.read() as connection:
            now = self._context.database.now(connection)
            owners = self._context.accounts(connection, account)
            ids = [owner.id for owner in owners]
            voices = _voices(connection, ids, most_voices)
            unused = VoiceFilter(states=_STANDING)
            return RegistryReport(
                read_at=now,
                accounts=[owner.name for owner in owners],
                families=self._families(connection, owners, now),
                states=_states(connection, ids),
                deadlines=_deadlines(connection, ids, now),
                months=_months(connection, ids, now),
                unused=voice_queries.select(
                    connection, ids, unused, sort=SortField.USED, limit=most_unused
                ),
                voices=voices,
                previews=previews.kept_of(connection, [voice.id for voice in voices]),
            )

    @idempotent
    def preview(self, voice: str) -> PreviewAudio | None:
        """The preview audio kept of the voice with exactly that registry id."""
        with self._context.database.read() as connection:
            return previews.get(connection, voice)

    def _families(
        self, connection: sa.Connection, owners: Sequence[Account], now: datetime
    ) -> list[FamilyReport]:
        everyone = accounts.everyone(connection)
        found = []
        for group_id, first in {owner.quota_group_id: owner for owner in reversed(owners)}.items():
            sharing = [one for one in everyone if one.quota_group_id == group_id]
            period = period_since(min(one.created_at for one in sharing), now)
            changes = figures.net_change(connection, {one.id: now - period for one in sharing})
            for family, quota in self._quotas.of(connection, first).items():
                net = sum(changes.get((one.id, family), 0) for one in sharing)
                found.append(
                    FamilyReport(
                        quota=quota,
                        shared_by=[one.name for one in sharing],
                        forecast=forecast(quota, Pace(net, period), now),
                    )
                )
        return sorted(
            found, key=lambda one: (one.shared_by[0], list(Family).index(one.quota.family))
        )


def _voices(connection: sa.Connection, ids: Sequence[int], most: int) -> list[Voice]:
    standing = voice_queries.select(
        connection,
        ids,
        VoiceFilter(states=frozenset(HOLDING)),
        sort=SortField.DEADLINE,
        limit=most,
    )
    if len(standing) == most:
        return standing
    # A gone voice seldom changes again: those that went last come first.
    gone = voice_queries.select(
        connection,
        ids,
        VoiceFilter(states=GONE),
        sort=SortField.UPDATED,
        descending=True,
        limit=most - len(standing),
    )
    return standing + gone


def _states(connection: sa.Connection, ids: Sequence[int]) -> dict[State, int]:
    counts: Counter[State] = Counter()
    for (account_id, _), by_state in figures.states(connection).items():
        if account_id in ids:
            counts.update(by_state)
    return {state: counts[state] for state in State}


def _deadlines(connection: sa.Connection, ids: Sequence[int], now: datetime) -> Timeline:
    moments = boundaries(now)
    by_account = figures.due(connection, _STANDING, moments)
    ours = [counts for (account_id, _), counts in by_account.items() if account_id in ids]
    return timeline(now, [sum(counts) for counts in zip(*ours, strict=True)] or [0] * len(moments))


def _months(connection: sa.Connection, ids: Sequence[int], now: datetime) -> list[MonthlyUses]:
    today = now.date()
    daily = uses.by_family(connection, ids, first_month(today, MONTHS))
    return by_month(daily, today, MONTHS)
