"""Figures for a monitoring system: what is known of every account, counted by the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from voicereg.domain.families import Family
from voicereg.domain.keep_alive import KeepAliveAction
from voicereg.domain.messages import Outcome
from voicereg.domain.quotas import Quota
from voicereg.domain.states import State
from voicereg.registry.context import ALL_ACCOUNTS, Context
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent
from voicereg.schema.revisions import found_revision
from voicereg.store import figures
from voicereg.store.accounts import names

RECENT = timedelta(days=1)
"""What was done within this time is counted. A count of all that is on record would shrink
whenever old records are let go of."""
_STANDING = frozenset({State.PENDING, State.ACTIVE, State.MISSING})
"""The states in which a deadline counts, as warnings have it."""


@dataclass(frozen=True, slots=True)
class FamilyFigures:
    """The voices of an account's family."""

    quota: Quota
    """Of the account's quota group."""
    voices: Mapping[State, int]
    """How many there are in every state."""
    soonest_deadline_at: datetime | None
    """Of those that are pending, active or missing; None: there are none."""
    past_deadline: int
    """How many of those are past it."""
    due: Mapping[int, int]
    """For each mark, in days: how many of those have no more time left, or are past it."""
    unresolved_since: datetime | None
    """When the oldest create of unknown outcome began; None: there is none."""


@dataclass(frozen=True, slots=True)
class MessageFigures:
    """Messages to a channel that had the same outcome."""

    channel: str
    outcome: Outcome | None
    """None: being sent, or a crash came before it was noted."""
    recent: int
    """How many were made within the last day."""
    last_at: datetime | None
    """When the last one was made; None: there is none on record."""


@dataclass(frozen=True, slots=True)
class KeepAliveFigures:
    """Keep-alives of an account's voices, within the last day."""

    account: str
    done: int
    failed: int


class Figures:
    """Reads figures of all accounts, in a number of queries that voices do not add to."""

    def __init__(self, context: Context, quotas: Quotas) -> None:
        self._context = context
        self._quotas = quotas

    @idempotent
    def now(self) -> datetime:
        """The time by the clock that all users of the database share."""
        with self._context.database.read() as connection:
            return self._context.database.now(connection)

    @idempotent
    def schema_revision(self) -> str | None:
        """The revision that the database is at."""
        return found_revision(self._context.database)

    @idempotent
    def families(self) -> list[FamilyFigures]:
        """Of each account and each of its families."""
        marks = sorted(set(self._context.settings.warn.marks))
        with self._context.database.read() as connection:
            now = self._context.database.now(connection)
            moments = [now, *(now + timedelta(days=mark) for mark in marks)]
            states = figures.states(connection)
            soonest = figures.soonest_deadlines(connection, _STANDING)
            due = figures.due(connection, _STANDING, moments)
            unresolved = figures.oldest_unresolved(connection)
            found = []
            for account in self._context.accounts(connection, ALL_ACCOUNTS):
                quotas = self._quotas.of(connection, account)
                for family in Family:
                    key = (account.id, family)
                    counts = states.get(key, {})
                    past, *within = due.get(key, [0] * len(moments))
                    found.append(
                        FamilyFigures(
                            quota=quotas[family],
                            voices={state: counts.get(state, 0) for state in State},
                            soonest_deadline_at=soonest.get(key),
                            past_deadline=past,
                            due=dict(zip(marks, within, strict=True)),
                            unresolved_since=unresolved.get(key),
                        )
                    )
        return found

    @idempotent
    def messages(self) -> list[MessageFigures]:
        """By channel and outcome: of every channel that is set up, or was told something."""
        channels = {channel.name for channel in self._context.settings.channels}
        with self._context.database.read() as connection:
            since = self._context.database.now(connection) - RECENT
            found = {
                (channel, outcome): MessageFigures(channel, outcome, recent, last_at)
                for channel, outcome, recent, last_at in figures.messages_since(connection, since)
            }
        channels |= {channel for channel, _ in found}
        return [
            found.get((channel, outcome), MessageFigures(channel, outcome, 0, None))
            for channel in sorted(channels)
            for outcome in (*Outcome, None)
        ]

    @idempotent
    def keep_alives(self) -> list[KeepAliveFigures]:
        """Of each account."""
        with self._context.database.read() as connection:
            since = self._context.database.now(connection) - RECENT
            found = figures.actions_since(connection, set(KeepAliveAction), since)
            return [
                KeepAliveFigures(
                    account,
                    done=found.get((account, KeepAliveAction.KEPT), 0),
                    failed=found.get((account, KeepAliveAction.FAILED), 0),
                )
                for account in names(connection)
            ]

    @idempotent
    def last_finished_at(self) -> datetime | None:
        """When the last round that came to its end did so; None: none did."""
        with self._context.database.read() as connection:
            return figures.last_finished(connection)
