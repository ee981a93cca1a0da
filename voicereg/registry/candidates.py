"""Voices to be chosen from: the same description gives another voice each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from voicereg.domain.errors import StateConflict, VoiceregError
from voicereg.domain.planning import rivals
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.aliases import Aliases
from voicereg.registry.changes import locked
from voicereg.registry.context import Context
from voicereg.registry.deletes import Deletes
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent
from voicereg.store import voice_queries, voices
from voicereg.store.accounts import Lock


class Candidates:
    """Keeps the one that was chosen, and deletes the others."""

    def __init__(
        self, context: Context, lookups: Lookups, deletes: Deletes, aliases: Aliases
    ) -> None:
        self._context = context
        self._lookups = lookups
        self._deletes = deletes
        self._aliases = aliases

    @idempotent
    def all(self, account: str | None = None) -> list[Voice]:
        """The voices that somebody is to choose from, by key, oldest first.

        Raises:
            AccountNotFound: no such account.
        """
        with self._context.database.read() as connection:
            owner = self._context.account(connection, account)
            known = voice_queries.with_keys(connection, [owner.id])
        standing = [voice for voice in known if voice.candidate_for and not voice.state.is_gone]
        return sorted(standing, key=lambda voice: voice.candidate_for or "")

    @idempotent
    def others(self, reference: str, account: str | None = None) -> tuple[Voice, list[Voice]]:
        """A voice that can be chosen, and those that would be deleted for it; changes nothing.

        Args:
            reference: the voice, by an exact id.
            account: its name; None: the selected one.

        Raises:
            VoiceNotFound: there is none.
            StateConflict: there is nothing to choose from, it cannot be used, or another was.
        """
        with self._context.database.read() as connection:
            owner = self._context.account(connection, account)
            voice = self._lookups.exact(connection, owner, reference)
            others = _others(connection, owner.id, voice)
            if voice.candidate_for is not None:
                _check_free(voice, voice_queries.of_key(connection, owner.id, voice.candidate_for))
        if voice.candidate_for is None and not others:
            raise StateConflict(
                voice,
                "it is not one of several to choose from",
                "voicereg choose, without a voice, lists those",
            )
        _check_usable(voice)
        return voice, others

    def choose(self, reference: str, account: str | None = None) -> Voice:
        """Let a voice be the one of its key; it takes the alias that the manifest gives.

        Choosing it again changes nothing. The others stay until :meth:`delete_others`.

        Raises:
            VoiceNotFound: there is none.
            StateConflict: as :meth:`others` does.
            InvalidInput: the alias is the id of a voice by now.
        """
        voice, _ = self.others(reference, account)
        chosen = self._keep(voice)
        self._aliases.forget()
        return self._lookups.voice(chosen.id, chosen.account)

    def delete_others(
        self, chosen: Voice, others: Iterable[Voice]
    ) -> Iterator[tuple[Voice, VoiceregError | None]]:
        """Delete those that were not chosen, one after the other, going on after what fails.

        Args:
            chosen: the one that is kept.
            others: those that somebody has seen, and wants to be without. What was made since then
                is left alone.

        Yields:
            Each of them, and what kept it from being deleted.
        """
        seen = {voice.id for voice in others}
        for voice in self._left(chosen):
            if voice.id not in seen:
                continue
            try:
                # A pin that the chosen one has as well is the manifest's.
                force = chosen.pinned and not voice.aliases
                yield self._deletes.delete(voice.id, account=voice.account, force=force), None
            except VoiceregError as error:
                yield voice, error

    @idempotent
    def _left(self, chosen: Voice) -> list[Voice]:
        with self._context.database.read() as connection:
            owner = self._context.account(connection, chosen.account)
            return _others(connection, owner.id, chosen)

    @idempotent
    def _keep(self, voice: Voice) -> Voice:
        key = voice.candidate_for
        if key is None:
            return voice
        with self._context.database.write() as connection:
            owner = self._context.account(connection, voice.account, Lock.STEADY)
            # In one order everywhere, so that two who choose at once wait for each other.
            of_key = sorted({other.id for other in voice_queries.of_key(connection, owner.id, key)})
            standing = [voices.one(connection, other, lock=True) for other in of_key]
            changes, current = locked(self._context, connection, voice.id)
            if current.candidate_for is None:
                return current
            _check_usable(current)
            _check_free(current, standing)
            if current.candidate_alias is not None:
                # At once: who is interrupted between the two would have to set it by hand.
                self._aliases.put(connection, owner, current.candidate_alias, current.id)
            values = {"manifest_key": key, "candidate_for": None, "candidate_alias": None}
            return changes.apply(current, "voice.choose", values)


def _others(connection: sa.Connection, account_id: int, voice: Voice) -> list[Voice]:
    """The candidates for the key of a voice, but for itself."""
    key = voice.candidate_for or voice.manifest_key
    standing = [] if key is None else voice_queries.of_key(connection, account_id, key)
    return [other for other in standing if other.candidate_for and other.id != voice.id]


def _check_usable(voice: Voice) -> None:
    if voice.state is not State.ACTIVE:
        raise StateConflict(voice, "only a voice that can be used is chosen")


def _check_free(voice: Voice, standing: Iterable[Voice]) -> None:
    """Make sure that no other voice has the key that a candidate would get.

    Raises:
        StateConflict: one has.
    """
    for other in rivals(standing, voice.replaces):
        if other.manifest_key == voice.candidate_for and not other.state.is_gone:
            raise StateConflict(other, f"it was chosen for the key {other.manifest_key} already")
