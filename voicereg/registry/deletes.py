"""Deletes: the intent first, then the provider, then the record."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from voicereg.domain.errors import (
    DatabaseProblem,
    DeleteUnconfirmed,
    ProviderProblem,
    StateConflict,
    VoiceProtected,
)
from voicereg.domain.provider_errors import NotConnected, ProviderRefused
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.changes import Changes, locked
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent
from voicereg.store import voices

_logger = logging.getLogger(__name__)


class Deletes:
    """Deletes voices at the provider, then here."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups

    @idempotent
    def check(self, reference: str, *, account: str | None, force: bool) -> Voice:
        """The voice that a delete of ``reference`` would delete; nothing is changed.

        Args:
            reference: an exact registry or provider id.
            account: its name; None: the selected one.
            force: whether a pinned voice is meant, too.

        Raises:
            VoiceNotFound: there is none.
            VoiceProtected: it is pinned.
            StateConflict: it has no id at the provider that could be deleted.
        """
        with self._context.database.read() as connection:
            found = self._context.account(connection, account)
            voice = self._lookups.exact(connection, found, reference)
            _refuse(voice, force=force)
            return voice

    def delete(self, reference: str, *, account: str | None, force: bool) -> Voice:
        """Delete a voice. One that is gone already counts as deleted.

        Raises:
            VoiceNotFound, VoiceProtected, StateConflict: as :meth:`check` does.
            ProviderRefused: the provider refused; the voice is as it was.
            NotConnected: nothing was sent; the voice is as it was.
            DeleteUnconfirmed: nobody knows whether it was deleted.
        """
        context = self._context
        voice = self.check(reference, account=account, force=force)
        if voice.state.is_gone:
            return voice
        client = context.clients.of(context.selected(account))
        voice, asked_before = self._ask(voice, force=force)
        if voice.state.is_gone:
            return voice
        assert voice.voice_id is not None  # noqa: S101 - _refuse has seen to it
        try:
            was_there = client.delete(voice.family, voice.voice_id, voice.origin)
        except (ProviderRefused, NotConnected) as problem:
            if not asked_before:  # an earlier delete that may have arrived is not undone by this
                try:
                    said = str(problem)
                    context.patiently(lambda: self._note_refusal(voice, said))
                except DatabaseProblem as unnoted:
                    _logger.warning("voice %s still counts as deleting: %s", voice.id, unnoted)
            raise
        except ProviderProblem as problem:
            raise DeleteUnconfirmed(self._keep_asking(voice), str(problem)) from problem
        reason = None if was_there else "the provider knew no such voice any more"
        try:
            return context.patiently(lambda: self._note_deleted(voice, reason))
        except DatabaseProblem as problem:
            cause = f"the provider says that it is gone, and that could not be noted: {problem}"
            raise DeleteUnconfirmed(voice, cause) from problem

    @idempotent
    def _ask(self, voice: Voice, *, force: bool) -> tuple[Voice, bool]:
        """Record the intent, so that a delete whose answer is lost is not taken for a loss.

        Returns:
            The voice, and whether it was being deleted already.
        """
        with self._context.database.write() as connection:
            changes, current = locked(self._context, connection, voice.id)
            _refuse(current, force=force)
            if current.state.is_gone:
                return current, True
            if current.voice_id != voice.voice_id:
                raise StateConflict(current, f"it turned out to be another than {voice.voice_id}")
            if current.state is State.DELETING:
                # A sync must not take it for one that ended long ago.
                again = {"delete_asked_at": changes.now}
                return changes.apply(current, "voice.delete.ask", again), True
            return changes.apply(current, "voice.delete.ask", {"state": State.DELETING}), False

    @idempotent
    def _note_refusal(self, voice: Voice, reason: str) -> None:
        with self._context.database.write() as connection:
            changes, current = self._holder(connection, voice)
            if current is not None and current.state is State.DELETING:
                changes.apply(
                    current,
                    "voice.delete.refused",
                    {"state": current.state_before_delete},
                    reason,
                )

    def _keep_asking(self, voice: Voice) -> Voice:
        """Make sure that the intent stands: another delete may have been refused meanwhile."""
        try:
            return self._context.patiently(lambda: self._ask(voice, force=True)[0])
        except (DatabaseProblem, StateConflict) as problem:
            _logger.warning("voice %s: %s", voice.id, problem)
            return voice

    @idempotent
    def _note_deleted(self, voice: Voice, reason: str | None) -> Voice:
        with self._context.database.write() as connection:
            changes, current = self._holder(connection, voice)
            if current is None:
                _logger.warning(
                    "%s was deleted; voice %s turned out to be another", voice.voice_id, voice.id
                )
                return locked(self._context, connection, voice.id)[1]
            if current.state.is_gone:
                return current
            values = {"state": State.DELETED, "state_reason": reason}
            return changes.apply(current, "voice.delete", values, reason)

    def _holder(self, connection: sa.Connection, voice: Voice) -> tuple[Changes, Voice | None]:
        """The record that has the id which the delete was sent for; None: there is none any more.

        A create that is confirmed late may take the id from the record that the delete was for.
        """
        changes, current = locked(self._context, connection, voice.id)
        if current.voice_id == voice.voice_id:
            return changes, current
        assert voice.voice_id is not None  # noqa: S101 - it was sent
        holder = voices.holder_of(connection, current.quota_group_id, voice.voice_id)
        return changes, None if holder is None else voices.get(connection, holder, lock=True)


def _refuse(voice: Voice, *, force: bool) -> None:
    if voice.state in {State.CREATING, State.UNRESOLVED}:
        raise StateConflict(
            voice,
            "its id at the provider is not known, so it cannot be deleted there",
            "it keeps its slot until the create is settled",
        )
    if voice.state is State.FAILED:
        raise StateConflict(voice, "it was never made; it holds no slot")
    if not force and not voice.state.is_gone:
        if voice.pinned:
            raise VoiceProtected(voice, "pinned")
        if voice.aliases:
            raise VoiceProtected(voice, f"what {', '.join(voice.aliases)} stands for")
