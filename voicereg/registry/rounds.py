"""Rounds of housekeeping on record, and what is old enough to be let go of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from voicereg.domain.rounds import RoundRecord, StepResult, StepState
from voicereg.registry.context import Context
from voicereg.registry.repeating import idempotent, repeating
from voicereg.registry.texts import mended
from voicereg.store import pruning, rounds

_LATEST = 5
"""Only one round goes on at a time: what was just noted is not far down."""


class Rounds:
    """Notes how rounds go."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def begin(self, *, due_at: datetime | None = None, missed: int = 0) -> int:
        """Note that a round begins, and return its number.

        Args:
            due_at: when the schedule wanted it; None: somebody asked for it.
            missed: how many earlier ones it stands for, too.
        """
        actor = self._context.actor
        began: list[datetime] = []

        def begin(may_be_done: bool) -> int:
            with self._context.database.write() as connection:
                if may_be_done:
                    for known in rounds.latest(connection, _LATEST):
                        if (known.holder, known.started_at) == (actor, began[-1]):
                            return known.id
                began.append(self._context.database.now(connection))
                return rounds.begin(connection, actor, began[-1], due_at, missed)

        return repeating(begin)

    @idempotent
    def note(self, step: StepResult) -> None:
        """Note how a step went."""
        error = None if step.error is None else mended(step.error)
        with self._context.database.write() as connection:
            now = self._context.database.now(connection)
            rounds.note_step(connection, step.name, step.account, error, now)

    @idempotent
    def finish(self, number: int, *, ok: bool) -> None:
        """Note that a round has ended."""
        with self._context.database.write() as connection:
            rounds.finish(connection, number, ok, self._context.database.now(connection))

    @idempotent
    def last_due(self) -> datetime | None:
        """When the schedule wanted the latest round that was run for it; None: there was none."""
        with self._context.database.read() as connection:
            return rounds.last_due(connection)

    @idempotent
    def latest(self, limit: int = 10) -> list[RoundRecord]:
        """The latest rounds, the last one first."""
        with self._context.database.read() as connection:
            return rounds.latest(connection, limit)

    @idempotent
    def last_good(self) -> RoundRecord | None:
        """The last round in which every step went well; None: there was none."""
        with self._context.database.read() as connection:
            return rounds.last_good(connection)

    @idempotent
    def steps(self) -> list[StepState]:
        """How each step of each account went last."""
        with self._context.database.read() as connection:
            return rounds.steps(connection)

    def prune(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """Let go of audit rows, daily counts, messages and rounds older than the settings say.

        Args:
            dry_run: only count them.

        Returns:
            How many of each.
        """
        before = self._cutoff()
        found = self._count(before)
        if dry_run:
            return found
        done = {}
        for name, expected in found.items():
            done[name] = 0
            while done[name] < expected:
                some = self._delete_some(name, before)
                done[name] += some
                if not some:
                    break
        return done

    @idempotent
    def _count(self, before: datetime) -> Mapping[str, int]:
        with self._context.database.read() as connection:
            return pruning.count(connection, before)

    @idempotent
    def _delete_some(self, name: str, before: datetime) -> int:
        with self._context.database.write() as connection:
            return pruning.delete_some(connection, name, before)

    @idempotent
    def _cutoff(self) -> datetime:
        with self._context.database.read() as connection:
            return self._context.database.now(connection) - self._context.settings.prune.after
