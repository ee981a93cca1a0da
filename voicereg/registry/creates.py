"""The life of a create: recorded with its slot before any call, then confirmed or given up."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.audio import PreviewAudio
from voicereg.domain.designs import DesignOptions, checked_design, marked
from voicereg.domain.errors import (
    CreateUnresolved,
    DatabaseBusy,
    DatabaseProblem,
    InvalidInput,
    KeyTaken,
    Problem,
    StateConflict,
    VoiceNotFound,
)
from voicereg.domain.rules import RULES
from voicereg.domain.states import State
from voicereg.domain.voice_ids import is_voice_id
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis, Origin, Voice
from voicereg.registry.changes import Changes, locked
from voicereg.registry.context import Context
from voicereg.registry.duplicates import (
    CONFIRMED,
    Inherited,
    RecordedMeanwhile,
    inherit,
    leave_uses,
    lock_family,
    make_way,
    take_back,
    was_adopted,
)
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent, repeating
from voicereg.registry.texts import is_storable
from voicereg.registry.uses import claim
from voicereg.store import previews, slots, syncs, voice_queries, voices
from voicereg.store.accounts import Lock

_logger = logging.getLogger(__name__)
_LONGEST_LEASE = timedelta(days=366)
_TRIES = 3


class Creates:
    """Records creates. None of its transactions is open while the provider is called."""

    def __init__(self, context: Context, quotas: Quotas) -> None:
        self._context = context
        self._quotas = quotas

    def reserve(
        self, asked: DesignOptions, *, account: str | None, lease: timedelta | None
    ) -> Slot:
        """Record a voice and hold its slot, for a create that the caller carries out.

        Raises: as :meth:`begin` does.
        """
        _, voice = self.begin(asked, account=account, lease=lease)
        return Slot(voice, self)

    def begin(
        self,
        asked: DesignOptions,
        *,
        account: str | None = None,
        lease: timedelta | None = None,
    ) -> tuple[Account, Voice]:
        """Record a voice that is about to be made, and take its slot: one transaction.

        Args:
            asked: what is to be made, as a user gave it.
            account: its name; None: the selected one.
            lease: for how long the create counts as being worked on.

        Raises:
            InvalidInput: a value that breaks a rule, or a lease that has no end or has ended.
            QuotaExceeded: no slot remains; nothing is recorded.
        """
        context = self._context
        if lease is not None and not timedelta(0) < lease <= _LONGEST_LEASE:
            raise InvalidInput(
                Problem("lease", str(lease), f"it lasts up to {_LONGEST_LEASE.days} days")
            )
        voice_id, holder = context.new_id(), _who(context.new_id())

        def record(may_be_done: bool) -> tuple[Account, Voice]:
            with context.database.write() as connection:
                if may_be_done and (known := voices.get(connection, voice_id)) is not None:
                    return context.account(connection, known.account), known
                return self._record(connection, voice_id, holder, asked, account, lease)

        return repeating(record)

    @idempotent
    def check_replaced(self, asked: DesignOptions, account: str | None) -> None:
        """Make sure that :meth:`begin` would not refuse what is to be replaced.

        Raises:
            VoiceNotFound: it is not there.
            StateConflict: another voice stands in for it already.
        """
        with self._context.database.read() as connection:
            _check_replaced(connection, self._context.account(connection, account), asked)

    def _record(
        self,
        connection: sa.Connection,
        voice_id: str,
        holder: str,
        asked: DesignOptions,
        account: str | None,
        lease: timedelta | None,
    ) -> tuple[Account, Voice]:
        context = self._context
        # Steady: it must not move to another quota group between here and the voice's row.
        found = context.account(connection, account, Lock.STEADY)
        request, labels = checked_design(found.region, **asked)
        if context.settings.create.mark_names:
            request = marked(request, context.rng, unchecked=asked.get("unchecked", False))
        self._quotas.take_slot(connection, found, request.family)
        _check_replaced(connection, found, asked)
        key, candidate_for = _key_of(connection, found, asked)
        # After the lock: the time spent waiting for it is not part of the attempt.
        now = context.database.now(connection)
        voice = Voice(
            id=voice_id,
            voice_id=None,
            account=found.name,
            quota_group_id=found.quota_group_id,
            family=request.family,
            target_model=request.target_model,
            origin=Origin.DESIGNED,
            state=State.CREATING,
            state_reason=None,
            name=request.name,
            prompt=request.prompt,
            preview_text=request.preview_text,
            language=request.language,
            sample_rate=request.sample_rate,
            response_format=request.response_format,
            created_at=now,
            last_used_at=None,
            last_used_source=None,
            deadline_at=now + INACTIVITY_LIMIT,
            deadline_basis=DeadlineBasis.CREATED,
            pinned=labels.pinned,
            owner=labels.owner,
            note=labels.note,
            replaces=asked.get("replaces"),
            request_id=None,
            lease_holder=holder,
            lease_expires_at=now + (lease or context.settings.create.settle_after),
            delete_asked_at=None,
            state_before_delete=None,
            gone_at=None,
            updated_at=now,
            manifest_key=key,
            candidate_for=candidate_for,
            candidate_alias=asked.get("candidate_alias") if candidate_for else None,
            tags=labels.tags,
        )
        voices.insert(connection, voice, found.id)
        Changes(connection, actor=context.actor, now=now).log(
            "voice.create", account=found.name, voice=voice.id, after=_what_was_made(voice)
        )
        return found, voice

    def confirm(
        self,
        voice: str,
        voice_id: str,
        *,
        target_model: str | None = None,
        preview: PreviewAudio | None = None,
        request_id: str | None = None,
    ) -> Voice:
        """Note the provider's id of a voice that was made. It always wins, however late it comes.

        Confirming again with the same id changes nothing.

        Raises:
            InvalidInput: the id cannot be one.
            StateConflict: the voice is known by another id, or another was confirmed with this one.
        """
        voice_id = voice_id.strip() if isinstance(voice_id, str) else voice_id
        if not is_voice_id(voice_id):
            raise InvalidInput(Problem("voice_id", ascii(voice_id), "it is not a voice id"))
        for _ in range(_TRIES):
            for merging in (False, True):
                try:
                    confirmed, doubted = self._confirm(
                        voice, voice_id, target_model, preview, request_id, merging=merging
                    )
                except RecordedMeanwhile:
                    continue
                except DatabaseBusy as busy:
                    # With the lock that syncs take first, the other way round cannot happen.
                    if not busy.deadlock or merging:
                        raise
                    continue
                if doubted:
                    self._quotas.succeeded(confirmed)
                return confirmed
        raise DatabaseBusy(self._context.database.display)

    @idempotent
    def _confirm(
        self,
        voice: str,
        voice_id: str,
        target_model: str | None,
        preview: PreviewAudio | None,
        request_id: str | None,
        *,
        merging: bool,
    ) -> tuple[Voice, bool]:
        """Note the id in one transaction.

        Args:
            merging: whether a record that a sync made of the voice gives way. It takes more locks.

        Returns:
            The voice, and whether the provider's word on the quota is thereby disproved.

        Raises:
            RecordedMeanwhile: the id is recorded for another voice, or the voice by another id.
        """
        with self._context.database.write() as connection:
            if merging and (unlocked := voices.get(connection, voice)) is not None:
                lock_family(connection, unlocked)
            changes, found = locked(self._context, connection, voice)
            if found.voice_id == voice_id:
                return found, False
            if found.voice_id is not None:
                if not was_adopted(connection, found):
                    raise StateConflict(found, f"it is known as {found.voice_id} already")
                if not merging:
                    raise RecordedMeanwhile
                # It was taken for what made another voice; who made it knows better.
                leave_uses(changes, found)
                found = take_back(changes, found, f"it made {voice_id}, and not {found.voice_id}")
            inherited = Inherited({}, None)
            if merging:
                inherited = make_way(changes, found, voice_id)
            elif voices.holder_of(connection, found.quota_group_id, voice_id) is not None:
                raise RecordedMeanwhile
            reviewed = RULES[found.family].reviewed
            values: dict[str, Any] = {
                **inherited.values,
                "state": State.PENDING if reviewed else State.ACTIVE,
                "voice_id": voice_id,
                "target_model": target_model or found.target_model,
                "request_id": request_id,
            }
            try:
                confirmed = inherit(changes, changes.apply(found, CONFIRMED, values), inherited)
            except sa.exc.IntegrityError:
                # On PostgreSQL another may record the id between the look above and this.
                raise RecordedMeanwhile from None
            if preview is not None:
                previews.insert(connection, voice, preview, changes.now)
            if found.state is not State.CREATING:
                # Listings were counted that showed nothing of it; they say nothing any more.
                syncs.note_absences(connection, {found.id: None})
            # Whoever made it may have used it before saying so.
            claim(connection, [voice_id], changes.now)
            refused_at = slots.refused_at(connection, found.quota_group_id, found.family)
            return confirmed, refused_at is not None and refused_at <= found.created_at

    def fail(self, voice: str, reason: str, request_id: str | None = None) -> Voice:
        """Give up a create that certainly made nothing: its slot is free again."""
        return self._settle(voice, "voice.fail", State.FAILED, reason, request_id)

    def leave_unresolved(self, voice: str, reason: str, request_id: str | None = None) -> Voice:
        """Note that nobody knows what became of a create: its slot stays held."""
        return self._settle(voice, "voice.unresolved", State.UNRESOLVED, reason, request_id)

    @idempotent
    def _settle(
        self, voice: str, action: str, state: State, reason: str, request_id: str | None
    ) -> Voice:
        with self._context.database.write() as connection:
            changes, found = locked(self._context, connection, voice)
            if found.voice_id is not None:
                raise StateConflict(found, "it was confirmed already")
            if found.state is State.FAILED:
                return found
            values: dict[str, Any] = {"state": state, "state_reason": reason}
            if request_id is not None:
                values["request_id"] = request_id
            return changes.apply(found, action, values, reason)


class Slot:
    """A slot held for a create that the caller carries out.

    As a context manager, it must be confirmed or released before the block ends; otherwise nobody
    knows what the provider did, and the voice is left unresolved.
    """

    def __init__(self, voice: Voice, creates: Creates) -> None:
        self._creates = creates
        self._voice = voice

    @property
    def voice(self) -> Voice:
        """The voice as this slot last saw it."""
        return self._voice

    @property
    def settled(self) -> bool:
        """Whether the slot was confirmed, released, or left unresolved."""
        return self._voice.state is not State.CREATING

    def confirm(
        self,
        voice_id: str,
        *,
        preview: PreviewAudio | None = None,
        request_id: str | None = None,
    ) -> Voice:
        """The provider made the voice: note its id.

        Args:
            voice_id: the provider's id of the voice.
            preview: its preview audio, to be kept.
            request_id: the provider's id of the request.

        Raises:
            InvalidInput: that is no id.
            StateConflict: the slot was confirmed with another id, or the id is recorded already.
        """
        return self._keep(
            lambda voice: self._creates.confirm(
                voice, voice_id, preview=preview, request_id=request_id
            )
        )

    def release(self, reason: str = "released by the caller") -> Voice:
        """The provider certainly made nothing: free the slot.

        Raises:
            StateConflict: the slot was confirmed already.
        """
        return self._keep(lambda voice: self._creates.fail(voice, reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.settled:
            return
        cause = (
            "the block ended without confirm or release"
            if error is None
            else f"{type(error).__name__} left the block"
        )
        try:
            self._keep(lambda voice: self._creates.leave_unresolved(voice, cause))
        except StateConflict as conflict:
            # Settled meanwhile by somebody who found it at the provider.
            self._voice = conflict.voice
        except DatabaseProblem as problem:
            # The lease says it later; what left the block must not be hidden by this.
            _logger.warning(
                "voice %s could not be noted as unresolved: %s", self._voice.id, problem
            )
        if error is None and self._voice.voice_id is None:
            raise CreateUnresolved(self._voice, cause)

    def _keep(self, settle: Callable[[str], Voice]) -> Voice:
        self._voice = settle(self._voice.id)
        return self._voice


def _check_replaced(connection: sa.Connection, account: Account, asked: DesignOptions) -> None:
    """Make sure that what is to be replaced is there, and that nobody else is at it.

    Args:
        connection: a transaction that has locked the family's limit.
        account: where the new voice will be.
        asked: what is to be made.
    """
    replaced = asked.get("replaces")
    if replaced is None:
        return
    voice = voices.get(connection, replaced) if is_storable(replaced) else None
    if voice is None or voice.account != account.name:
        raise VoiceNotFound(replaced, account.name)
    standing = [
        other for other in voice_queries.successors(connection, voice.id) if not other.state.is_gone
    ]
    if standing and not asked.get("again", False):
        raise StateConflict(
            voice,
            f"voice {standing[0].id} ({standing[0].state.value}) stands in for it already",
            "--again makes one more",
        )


def _key_of(
    connection: sa.Connection, account: Account, asked: DesignOptions
) -> tuple[str | None, str | None]:
    """The key that a new voice has, and the one that it gets if it is chosen.

    Args:
        connection: a transaction that has locked the family's limit.
        account: where the new voice will be.
        asked: what is to be made.

    Raises:
        KeyTaken: a key has its voice, or as many to choose from as there are to be.
    """
    key, candidates = asked.get("manifest_key"), asked.get("candidates", 1)
    if key is None:
        return None, None
    from voicereg.domain.planning import rivals

    standing = rivals(voice_queries.of_key(connection, account.id, key), asked.get("replaces"))
    chosen = [voice for voice in standing if voice.manifest_key == key]
    if chosen or len(standing) >= candidates:
        raise KeyTaken((chosen or standing)[0], key)
    return (key, None) if candidates == 1 else (None, key)


def _who(token: str) -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{token}"


def _what_was_made(voice: Voice) -> dict[str, Any]:
    """The fields of a new voice that say something."""
    values = {field.name: getattr(voice, field.name) for field in fields(voice)}
    for known in ("id", "account", "quota_group_id", "aliases"):
        del values[known]
    return {name: value for name, value in values.items() if value not in (None, False, {})}
