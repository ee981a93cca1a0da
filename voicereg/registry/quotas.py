"""Quotas: what is left, and the slot that a create takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.errors import DatabaseProblem, InvalidInput, Problem, QuotaExceeded
from voicereg.domain.families import Family, parse_family
from voicereg.domain.quotas import FRESH_FOR, Quota
from voicereg.registry.context import Context
from voicereg.store import slots
from voicereg.store.accounts import Lock

if TYPE_CHECKING:
    from voicereg.domain.voices import Voice

_logger = logging.getLogger(__name__)
_SUGGESTED = 3
"""How many of the voices unused for the longest a refusal names."""


class Quotas:
    """Reads quotas, and refuses what does not fit."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self, account: str | None = None) -> list[Quota]:
        """The quota of each family, of one account or of all."""
        with self._context.database.read() as connection:
            return [
                quota
                for found in self._context.accounts(connection, account)
                for quota in self.of(connection, found).values()
            ]

    def one(self, family: Family | str, account: str | None = None) -> Quota:
        """The quota of one family."""
        family = parse_family(family)
        with self._context.database.read() as connection:
            return self.of(connection, self._context.account(connection, account))[family]

    def require(self, family: Family | str, needed: int, account: str | None = None) -> Quota:
        """The quota of one family, when as many slots remain as are needed.

        Raises:
            QuotaExceeded: fewer do.
            InvalidInput: no such family, or a number below 1.
        """
        family = parse_family(family)
        if needed < 1:
            raise InvalidInput(Problem("need", str(needed), "at least 1 slot can be asked for"))
        with self._context.database.read() as connection:
            found = self._context.account(connection, account)
            quota = self.of(connection, found)[family]
            if quota.remaining < needed:
                raise self._exceeded(connection, found, quota, needed)
            return quota

    def take_slot(self, connection: sa.Connection, account: Account, family: Family) -> None:
        """Make sure that one more voice fits, and that nobody else takes its slot meanwhile.

        The lock on the quota group's family is held until the caller's transaction ends, in which
        it records the voice.

        Raises:
            QuotaExceeded: it does not fit.
        """
        account.require_limits()
        most = slots.lock_limit(connection, account.quota_group_id, family)
        if slots.held_of(connection, account.quota_group_id, family) >= most:
            raise self._exceeded(
                connection, account, self.of(connection, account)[family], needed=1
            )

    def refused_by_provider(
        self, account: Account, family: Family, request_id: str | None
    ) -> QuotaExceeded:
        """The error for a create that the provider refused for a full quota.

        The slots that seemed free count as unseen from now on, so that the next caller is refused
        here; a sync that explains them, or a create that succeeds, clears that.
        """
        try:
            self._context.patiently(lambda: self._note_refusal(account, family))
        except DatabaseProblem as problem:
            _logger.warning("the provider's refusal was not noted: %s", problem)
        with self._context.database.read() as connection:
            quota = self.of(connection, account)[family]
            return self._exceeded(
                connection, account, quota, needed=1, by_provider=True, request_id=request_id
            )

    def succeeded(self, voice: Voice) -> None:
        """A create came about: what an earlier refusal seemed to say no longer holds."""
        try:
            with self._context.database.write() as connection:
                slots.lock_limit(connection, voice.quota_group_id, voice.family)
                slots.explain(connection, voice.quota_group_id, voice.family)
        except DatabaseProblem as problem:
            # The next success, or a sync, does it.
            _logger.info("slots still count as unseen: %s", problem)

    def _note_refusal(self, account: Account, family: Family) -> None:
        from voicereg.registry.changes import Changes

        with self._context.database.write() as connection:
            # It may have been moved to another quota group since.
            account = self._context.account(connection, account.name, Lock.STEADY)
            account.require_limits()
            slots.lock_limit(connection, account.quota_group_id, family)
            now = self._context.database.now(connection)
            before = self.of(connection, account)[family]
            slots.note_refusal(connection, account.quota_group_id, family, now)
            after = self.of(connection, account)[family]
            Changes(connection, actor=self._context.actor, now=now).log(
                "quota.refused",
                account=account.name,
                before={"unseen": before.unseen, "stale": before.stale},
                after={"family": family, "unseen": after.unseen, "stale": after.stale},
                reason="the provider refused a create for a full quota",
            )

    def _exceeded(
        self,
        connection: sa.Connection,
        account: Account,
        quota: Quota,
        needed: int,
        *,
        by_provider: bool = False,
        request_id: str | None = None,
    ) -> QuotaExceeded:
        from voicereg.store import voice_queries  # a refusal is the exception

        error = QuotaExceeded(
            family=quota.family,
            quota_group=account.quota_group,
            limit=quota.limit,
            used=quota.used,
            needed=needed,
            unresolved=quota.unresolved,
            unseen=quota.unseen,
            synced_at=quota.synced_at,
            longest_idle=voice_queries.longest_idle(
                connection, account.quota_group_id, quota.family, _SUGGESTED
            ),
            by_provider=by_provider,
            request_id=request_id,
        )
        error.advice = _what_frees_a_slot(error)
        return error

    def of(self, connection: sa.Connection, account: Account) -> dict[Family, Quota]:
        """The quotas of an account, as a transaction sees them.

        Raises:
            LimitMissing: somebody has deleted a limit of its quota group.
        """
        account.require_limits()
        held = slots.held(connection, account.quota_group_id)
        known = slots.freshness(connection, account.quota_group_id)
        stale_before = self._context.clock.now() - FRESH_FOR
        return {
            family: Quota(
                account=account.name,
                quota_group=account.quota_group,
                family=family,
                limit=account.limits[family],
                used=held[family].used,
                creating=held[family].creating,
                unresolved=held[family].unresolved,
                unseen=known[family].unseen,
                synced_at=(synced_at := known[family].synced_at),
                stale=synced_at is None
                or synced_at < stale_before
                or known[family].refused_at is not None,
                thresholds=self._context.settings.quota,
            )
            for family in Family
        }


def _what_frees_a_slot(error: QuotaExceeded) -> str:
    if error.by_provider or error.unseen:
        return (
            "voicereg sync finds what holds them. Where it finds nothing: is the provider's limit "
            f"lower, voicereg account edit --limit {error.family.value}=N says so; has room been "
            "made elsewhere, voicereg sync --force counts them as free again"
        )
    if error.longest_idle:
        idle = ", ".join(
            f"{voice.id} ({voice.name}, last active {voice.last_activity_at:%Y-%m-%d})"
            for voice in error.longest_idle
        )
        return f"deleting a voice frees a slot; unused for the longest: {idle}"
    if error.unresolved:
        return f"{error.unresolved} slots are held by creates whose outcome is unknown"
    if error.limit == 0:
        return "the limit of this family is set to 0: voicereg account edit --limit raises it"
    if error.needed > error.limit:
        return f"so many never fit into a limit of {error.limit}: ask for fewer"
    return "deleting a voice frees a slot; every voice is pinned, new or on its way out"
