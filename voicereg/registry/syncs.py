"""Syncs: the registry compared with the provider's listings, and mended."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.attempts import Doubt
from voicereg.domain.errors import AccountRejected, DatabaseBusy
from voicereg.domain.families import Family
from voicereg.domain.reconcile import (
    Evidence,
    Listed,
    Plan,
    Snapshot,
    Step,
    Timing,
    make_plan,
)
from voicereg.domain.remote import RemoteVoice
from voicereg.domain.states import State
from voicereg.domain.syncs import ChangeKind, Sync, SyncChange
from voicereg.domain.trust import Sight, sight
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis, Origin, Voice
from voicereg.registry.changes import Changes
from voicereg.registry.context import Context
from voicereg.registry.duplicates import ADOPTED, IMPORTED, RecordedMeanwhile
from voicereg.registry.inspection import Inspection, OnProgress, Unread
from voicereg.registry.repeating import idempotent
from voicereg.registry.texts import mended
from voicereg.registry.uses import claim
from voicereg.store import slots, syncs, voices
from voicereg.store.accounts import Lock

_logger = logging.getLogger(__name__)
_TRIES = 3
_ON_NO_RECORD = "listed by the provider, and on no record"
_NAMED = 5
"""So many voices a message names at most."""
_ACTIONS = {
    ChangeKind.REFRESHED: "voice.refresh",
    ChangeKind.ADOPTED: ADOPTED,
    ChangeKind.RELEASED: "voice.release",
    ChangeKind.MISSING: "voice.missing",
    ChangeKind.GONE: "voice.gone",
    ChangeKind.LAPSED: "voice.lapse",
}


class Syncs:
    """Compares accounts with the provider. No transaction is open while the provider is asked."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def sync(
        self,
        *,
        account: str | None,
        families: Sequence[Family],
        dry_run: bool = False,
        force: bool = False,
        on_progress: OnProgress | None = None,
    ) -> Sync:
        """Compare one account with the provider, and mend the registry.

        Args:
            account: its name; None: the selected one.
            families: which ones.
            dry_run: find what would change, and change nothing.
            force: believe listings that the safe-guards would not.
            on_progress: told how far it has come.

        Raises:
            AccountNotFound: no such account.
            KeyMissing: the account's variable is not set.
            LimitMissing: somebody has deleted a limit of its quota group.
        """
        context = self._context
        found, started_at = self._begin(account)
        client = context.clients.of(found)
        timing = Timing(
            context.settings.create.settle_after, context.settings.create.longest_delete
        )
        inspection = Inspection(client, found.name, timing, on_progress)
        run = _Run(context, found, timing, inspection, dry_run=dry_run, force=force)
        run.compare(families)
        return run.finish(families, started_at)

    @idempotent
    def _begin(self, account: str | None) -> tuple[Account, datetime]:
        database = self._context.database
        with database.read() as connection:
            found = self._context.account(connection, account)
            found.require_limits()
            return found, database.now(connection)


class _Run:
    """One sync of one account."""

    def __init__(
        self,
        context: Context,
        account: Account,
        timing: Timing,
        inspection: Inspection,
        *,
        dry_run: bool,
        force: bool,
    ) -> None:
        self._context = context
        self._account = account
        self._timing = timing
        self._inspection = inspection
        self._dry_run = dry_run
        self._force = force
        self._listed = 0
        self._held_back = 0
        self._any_day = 0
        self._changes: list[SyncChange] = []
        self._remarks: list[str] = []
        self._problems: dict[Family, list[str]] = {}

    def compare(self, families: Sequence[Family]) -> None:
        """Read everything, then change what the listings say of each family."""
        self._problems = {family: [] for family in families}
        reads: list[Listed | Unread] = []
        for family in families:
            reads += self._inspection.listings(family, self._before(family))
        listings = [read for read in reads if isinstance(read, Listed)]
        for read in reads:
            if isinstance(read, Unread):
                what = _listing_name(read.family, read.origins)
                self._problems[read.family].append(
                    f"{what} could not be read, and nothing of it was changed: {read.problem}"
                )
        self._listed = sum(len(listed.voices) for listed in listings)
        recorded = [self._recorded(listed) for listed in listings]
        seen = [
            self._sight(listed, known) for listed, known in zip(listings, recorded, strict=True)
        ]
        of_all_read = sum(seen, Sight())
        # What could not be read speaks neither for nor against; but it tells how much was known.
        of_all = sum(
            (Sight(known=read.known) for read in reads if isinstance(read, Unread)), of_all_read
        )
        for listed, known, one in zip(listings, recorded, seen, strict=True):
            if not self._force and (one.is_foreign or of_all.is_foreign):
                self._hold_back(listed)
                continue
            suspicious = one.is_suspicious or of_all_read.is_suspicious
            completed = self._inspection.completed(listed, known.keys())
            self._reconcile(completed, self._force or not suspicious, of_all_read.is_blank)
        is_said = any(self._problems.values())
        if of_all_read.shows_none_known and not self._force and not is_said:
            self._remarks.append(self._none_known_text(of_all_read))

    def _sight(self, listed: Listed, recorded: Mapping[str, Voice]) -> Sight:
        ours = sum(voice.account == self._account.name for voice in recorded.values())
        return sight(listed.scope(), listed.voices.keys(), ours, listed.before.taken_at)

    def _none_known_text(self, seen: Sight) -> str:
        what = (
            "does not show the only voice on record"
            if seen.expected == 1
            else f"shows none of the {seen.expected} voices on record"
        )
        return (
            f"the provider {what}: if {self._account.api_key_env} is the key of another account, "
            "put it right before the next sync, which would count what is missing as gone"
        )

    def _hold_back(self, listed: Listed) -> None:
        """Change nothing of a listing that is probably another account's."""
        self._held_back += len(listed.voices) + len(listed.absent())
        what = _listing_name(listed.family, listed.origins)
        self._problems[listed.family].append(
            f"{what} shows none of the account's voices on record: it is probably another "
            f"account's, and nothing of it was changed; check the key in "
            f"{self._account.api_key_env}, or believe it with --force"
        )

    def _reconcile(self, listed: Listed, trusted: bool, blank: bool) -> None:
        """Change what one listing says."""
        proofs = {} if trusted else self._inspection.proofs(listed)
        plan = self._carry_out(listed, trusted, proofs, blank)
        if plan.unproved:
            still_there = sum(proofs.get(voice.id) is False for voice in plan.unproved)
            self._held_back += len(plan.unproved)
            what = _listing_name(listed.family, listed.origins)
            self._problems[listed.family].append(
                f"{what} misses {len(listed.absent())} voices that are on record, which is "
                f"suspicious: {len(plan.unproved)} of them were left as they are ({still_there} "
                "are there when asked for); a later sync looks again, and --force believes the "
                "listing"
            )
        self._remarks += [self._doubt_text(doubt) for doubt in plan.doubts]

    def _carry_out(
        self, listed: Listed, trusted: bool, proofs: Mapping[str, bool], blank: bool
    ) -> Plan:
        """Plan on what the registry holds now, and change it, in one transaction."""
        for _ in range(_TRIES):
            try:
                return self._carry_out_once(listed, trusted, proofs, blank)
            except RecordedMeanwhile:
                _logger.info("a voice was recorded by another meanwhile; once more")
            except DatabaseBusy as busy:
                if not busy.deadlock:
                    raise
                _logger.info("another transaction was in the way; once more")
        raise DatabaseBusy(self._context.database.display)

    @idempotent
    def _carry_out_once(
        self, listed: Listed, trusted: bool, proofs: Mapping[str, bool], blank: bool
    ) -> Plan:
        with self._transaction() as connection:
            plan, done, any_day = self._apply(connection, listed, trusted, proofs, blank)
        self._changes += done
        self._any_day += any_day
        return plan

    def _transaction(self) -> AbstractContextManager[sa.Connection]:
        database = self._context.database
        return database.read() if self._dry_run else database.write()

    def _apply(
        self,
        connection: sa.Connection,
        listed: Listed,
        trusted: bool,
        proofs: Mapping[str, bool],
        blank: bool,
    ) -> tuple[Plan, list[SyncChange], int]:
        group, family = self._account.quota_group_id, listed.family
        if not self._dry_run:
            self._keep_steady(connection)
            slots.lock_limit(connection, group, family)
        now = self._snapshot(connection, family)
        recorded = syncs.on_record(connection, group, listed.voices.keys())
        plan = make_plan(listed, now, Evidence(recorded, trusted, proofs, blank), self._timing)
        changes = Changes(connection, actor=self._context.actor, now=now.taken_at)
        done: list[SyncChange] = []
        any_day = 0
        for remote in plan.imports:
            voice = self._imported(remote, now.taken_at)
            any_day += voice.deadline_at <= now.taken_at
            if not self._dry_run:
                self._insert(changes, voice)
            done.append(self._told(ChangeKind.IMPORTED, None, voice, _ON_NO_RECORD))
        # In the order in which everyone locks several voices.
        for step in sorted(plan.steps, key=lambda step: step.voice.id):
            changed = self._changed(changes, step)
            if changed is not None:
                done.append(self._told(step.kind, step.voice, changed, step.why))
        if not self._dry_run:
            syncs.note_absences(connection, plan.absences)
            # Of those that were on record before, too: a use may have been written while another
            # put its voice on record.
            found_now = {one.voice_id for one in done if one.voice_id is not None}
            claim(connection, recorded.keys() | found_now, now.taken_at)
            # What is on record from now on, or counted as surplus, is not unseen as well.
            found = sum(_takes_a_slot(change) for change in done)
            if Origin.DESIGNED in listed.origins:
                found += syncs.set_surplus(
                    connection, self._account, family, plan.surplus, now.taken_at
                )
            if found > 0:
                slots.explain(connection, group, family, found)
        return plan, done, any_day

    def _keep_steady(self, connection: sa.Connection) -> None:
        """Keep the account in its quota group until the transaction ends.

        Raises:
            AccountRejected: it was moved to another since the sync began.
        """
        name = self._account.name
        current = self._context.account(connection, name, Lock.STEADY)
        if current.quota_group_id != self._account.quota_group_id:
            raise AccountRejected(
                name,
                f"it was moved to the quota group {current.quota_group} while it was synced; what "
                "was not compared by then is as it was",
                "sync it again",
            )

    def _insert(self, changes: Changes, voice: Voice) -> None:
        try:
            voices.insert(changes.connection, voice, self._account.id)
        except sa.exc.IntegrityError:
            # On PostgreSQL a confirmation may record it between the look at the records and this.
            raise RecordedMeanwhile from None
        changes.log(
            IMPORTED,
            account=voice.account,
            voice=voice.id,
            after={
                "voice_id": voice.voice_id,
                "target_model": voice.target_model,
                "origin": voice.origin,
                "state": voice.state,
                "created_at": voice.created_at,
                "deadline_at": voice.deadline_at,
            },
            reason=_ON_NO_RECORD,
        )

    def _changed(self, changes: Changes, step: Step) -> Voice | None:
        """Change a voice on record; None where it is no longer as it was planned on."""
        if self._dry_run:
            return replace(step.voice, **step.values)
        current = voices.get(changes.connection, step.voice.id, lock=True)
        if current is None or not step.still_fits(current):
            return None
        if current.account != self._account.name:
            # Another account of the quota group had it, and misses it.
            voices.update(changes.connection, current.id, {"account_id": self._account.id})
        try:
            return changes.apply(current, _ACTIONS[step.kind], step.values, step.why)
        except sa.exc.IntegrityError:
            raise RecordedMeanwhile from None

    def _told(self, kind: ChangeKind, before: Voice | None, after: Voice, why: str) -> SyncChange:
        return SyncChange(
            kind=kind,
            family=after.family,
            # A dry run makes no record, so that its id means nothing.
            id=None if before is None and self._dry_run else after.id,
            voice_id=after.voice_id,
            before=None if before is None else before.state,
            after=after.state,
            why=why,
        )

    def _imported(self, remote: RemoteVoice, now: datetime) -> Voice:
        """The record of a voice that others made. When it was last used is not known."""
        # Where the provider does not say when it was made, the earliest deadline there can be.
        created_at = min(remote.created_at or now - INACTIVITY_LIMIT, now)
        return Voice(
            id=self._context.new_id(),
            voice_id=remote.voice_id,
            account=self._account.name,
            quota_group_id=self._account.quota_group_id,
            family=remote.family,
            target_model=_kept(remote.target_model),
            origin=remote.origin,
            state=remote.new_state,
            state_reason=None,
            name=mended(remote.name or remote.voice_id),
            prompt=_kept(remote.prompt),
            preview_text=_kept(remote.preview_text),
            language=_kept(remote.language),
            sample_rate=None,
            response_format=None,
            created_at=created_at,
            last_used_at=None,
            last_used_source=None,
            deadline_at=created_at + INACTIVITY_LIMIT,
            deadline_basis=DeadlineBasis.ESTIMATED,
            pinned=False,
            owner=None,
            note=None,
            replaces=None,
            request_id=None,
            lease_holder=None,
            lease_expires_at=None,
            delete_asked_at=None,
            state_before_delete=None,
            gone_at=None,
            updated_at=now,
        )

    def _snapshot(self, connection: sa.Connection, family: Family) -> Snapshot:
        group = self._account.quota_group_id
        # The time first: what is read after it is at least as new.
        return Snapshot(
            taken_at=self._context.database.now(connection),
            voices=syncs.standing(connection, self._account.id, family),
            attempts=syncs.attempts(connection, group, family),
            absences=syncs.absences_of(connection, group, family),
        )

    @idempotent
    def _before(self, family: Family) -> Snapshot:
        with self._context.database.read() as connection:
            return self._snapshot(connection, family)

    @idempotent
    def _recorded(self, listed: Listed) -> dict[str, Voice]:
        with self._context.database.read() as connection:
            return syncs.on_record(connection, self._account.quota_group_id, listed.voices.keys())

    @idempotent
    def finish(self, families: Sequence[Family], started_at: datetime) -> Sync:
        """Note how it went, and tell it."""
        problems = [text for family in families for text in self._problems[family]]
        database = self._context.database
        with self._transaction() as connection:
            finished_at = database.now(connection)
            sync = Sync(
                account=self._account.name,
                families=tuple(families),
                dry_run=self._dry_run,
                complete=not problems,
                started_at=started_at,
                finished_at=finished_at,
                requests=self._inspection.requests,
                listed=self._listed,
                held_back=self._held_back,
                unresolved=self._still_unresolved(connection),
                any_day=self._any_day,
                changes=tuple(self._changes),
                problems=(*problems, *self._remarks),
            )
            if not self._dry_run:
                self._note(connection, sync)
        return sync

    def _doubt_text(self, doubt: Doubt) -> str:
        creates = _names([attempt.id for attempt in doubt.attempts])
        listed = _names([voice.voice_id for voice in doubt.voices])
        ours = [one for one in doubt.attempts if one.account == self._account.name]
        named = (ours or list(doubt.attempts))[0]
        account = "" if named.account == self._context.settings.account else f"-a {named.account} "
        return (
            f"the create{'s' if len(doubt.attempts) > 1 else ''} {creates} may have made {listed}, "
            f"and the provider's listing does not tell which: voicereg {account}resolve "
            f"{named.id} --adopt VOICE_ID settles it by hand"
        )

    def _still_unresolved(self, connection: sa.Connection) -> int:
        """The account's creates whose outcome is unknown, of every family."""
        found = syncs.unresolved(connection, self._account.id)
        if not self._dry_run:
            return found
        return found + sum(
            (change.after is State.UNRESOLVED) - (change.before is State.UNRESOLVED)
            for change in self._changes
        )

    def _note(self, connection: sa.Connection, sync: Sync) -> None:
        # It may have been moved since; what was compared is of its voices, wherever they count.
        account = self._context.account(connection, self._account.name, Lock.STEADY)
        for family in sorted(sync.families):
            slots.lock_limit(connection, account.quota_group_id, family)
            problem = "; ".join(self._problems[family]) or None
            syncs.note_sync(
                connection, account.id, family, began_at=sync.started_at, problem=problem
            )
            if problem is None:
                left = None if self._force else 0
                slots.explain(connection, account.quota_group_id, family, left)
        told = sync.as_dict()
        for long in ("account", "changes", "dry_run", "problems"):
            del told[long]
        Changes(connection, actor=self._context.actor, now=sync.finished_at).log(
            "sync",
            account=account.name,
            after=told,
            reason="; ".join(sync.problems) or None,
        )


def _takes_a_slot(change: SyncChange) -> bool:
    """Whether a voice holds a slot that it did not hold before."""
    held = change.before is not None and change.before.holds_slot
    return change.after.holds_slot and not held


def _kept(text: str | None) -> str | None:
    return None if text is None else mended(text)


def _listing_name(family: Family, origins: frozenset[Origin]) -> str:
    kinds = " and ".join(sorted(origin.value for origin in origins))
    return f"the listing of {kinds} {family.value} voices"


def _names(ids: Collection[str]) -> str:
    shown = list(ids)[:_NAMED]
    more = f" and {len(ids) - len(shown)} more" if len(ids) > len(shown) else ""
    return ", ".join(shown) + more
