"""Creates settled by hand: the administrator knows what became of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.attempts import is_at_work
from voicereg.domain.errors import DatabaseBusy, InvalidInput, Problem, StateConflict
from voicereg.domain.remote import RemoteVoice
from voicereg.domain.states import State
from voicereg.domain.voice_ids import is_voice_id
from voicereg.domain.voices import Voice
from voicereg.registry.changes import locked
from voicereg.registry.context import Context
from voicereg.registry.duplicates import ADOPTED, RecordedMeanwhile, inherit, lock_family, make_way
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent, repeated
from voicereg.registry.uses import claim
from voicereg.store import syncs

_BY_HAND = "settled by hand"
_TRIES = 3


class Settlements:
    """Settles creates whose outcome is unknown."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups

    def adopt(
        self, reference: str, voice_id: str, *, account: str | None, unchecked: bool
    ) -> Voice:
        """Say which voice a create made. The provider is asked whether there is such a voice.

        Raises:
            VoiceNotFound, AmbiguousVoice: no such create, or several.
            StateConflict: it is no create whose outcome is unknown, or the id is another's.
            InvalidInput: the id can be none, or the voice was made from something else.
            VoiceGone: the provider knows no such voice.
            ProviderProblem: it could not be asked.
        """
        if not is_voice_id(voice_id):
            raise InvalidInput(Problem("adopt", ascii(voice_id), "it is not a voice id"))
        context = self._context
        attempt = self._lookups.voice(reference, account)
        found = self._account_of(attempt)
        remote = context.clients.of(found).query(attempt.family, voice_id, attempt.origin)
        if not unchecked:
            _check_same(attempt, remote)
        for _ in range(_TRIES):
            try:
                return self._adopt(attempt, voice_id, remote)
            except RecordedMeanwhile:
                continue  # now it can be seen what has it
        raise DatabaseBusy(context.database.display)

    @idempotent
    def _account_of(self, attempt: Voice) -> Account:
        with self._context.database.read() as connection:
            found = self._context.account(connection, attempt.account)
            self._check(connection, attempt, State.FAILED)
            return found

    @idempotent
    def _adopt(self, attempt: Voice, voice_id: str, remote: RemoteVoice) -> Voice:
        with self._context.database.write() as connection:
            lock_family(connection, attempt)
            changes, current = locked(self._context, connection, attempt.id)
            if current.voice_id == voice_id:
                return current
            self._check(connection, current, State.FAILED)
            inherited = make_way(changes, current, voice_id)
            values: dict[str, Any] = {
                **inherited.values,
                "state": remote.new_state,
                "voice_id": voice_id,
                "target_model": remote.target_model or current.target_model,
            }
            syncs.note_absences(connection, {current.id: None})
            try:
                adopted = changes.apply(current, ADOPTED, values, _BY_HAND)
            except sa.exc.IntegrityError:
                # On PostgreSQL a create may be confirmed with it between the look and this.
                raise RecordedMeanwhile from None
            claim(connection, [voice_id], changes.now)
            return inherit(changes, adopted, inherited)

    @repeated
    def release(self, reference: str, *, account: str | None) -> Voice:
        """Say that a create made nothing: its slot is free.

        Raises:
            VoiceNotFound, AmbiguousVoice: no such create, or several.
            StateConflict: it is no create whose outcome is unknown.
        """
        attempt = self._lookups.voice(reference, account)
        with self._context.database.write() as connection:
            changes, current = locked(self._context, connection, attempt.id)
            self._check(connection, current)
            syncs.note_absences(connection, {current.id: None})
            values = {"state": State.FAILED, "state_reason": f"{_BY_HAND}: it made nothing"}
            return changes.apply(current, "voice.release", values, _BY_HAND)

    def _check(self, connection: sa.Connection, attempt: Voice, *others: State) -> None:
        if is_at_work(attempt, self._context.database.now(connection)):
            raise StateConflict(
                attempt,
                f"{attempt.lease_holder} may still be at work on it",
                f"it can be settled from {attempt.lease_expires_at:%Y-%m-%d %H:%M} UTC on",
            )
        if attempt.state not in {State.CREATING, State.UNRESOLVED, *others}:
            raise StateConflict(attempt, "it is no create whose outcome is unknown")


def _check_same(attempt: Voice, remote: RemoteVoice) -> None:
    """Raise InvalidInput where the provider shows that the voice was made from something else."""
    differing = [
        name
        for name in ("target_model", "prompt", "preview_text")
        if getattr(remote, name) is not None
        and getattr(remote, name).split() != (getattr(attempt, name) or "").split()
    ]
    if remote.origin is not attempt.origin:
        differing.append("origin")
    if differing:
        raise InvalidInput(
            *(
                Problem(name, getattr(remote, name), f"voice {attempt.id} was to have another")
                for name in differing
            ),
            advice="--unchecked adopts it all the same",
        )
