"""Aliases: set, moved, removed, and resolved as often as a service likes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.aliases import Alias, checked_alias
from voicereg.domain.errors import (
    AliasNotFound,
    DatabaseProblem,
    InvalidInput,
    Problem,
    StateConflict,
)
from voicereg.registry.changes import Changes
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent, repeated
from voicereg.registry.texts import is_storable
from voicereg.store import aliases, voice_queries, voices
from voicereg.store.accounts import Lock

CACHED_FOR = timedelta(seconds=5)
"""How long a process may go on with what a name stood for."""
KEPT_FOR = timedelta(hours=1)
"""How long it may while the database is away: an answer that is probably right beats none."""
_MOST_CACHED = 10_000
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Cached:
    alias: Alias
    read_at: timedelta
    asked_again_at: timedelta


class Aliases:
    """Manages the names that services resolve to voices. Safe to use from several threads."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups
        self._monotonic = context.clock.monotonic
        self._cache: dict[tuple[str, str | None], _Cached] = {}

    def resolve(self, name: str, account: str | None = None) -> Alias:
        """What a name stands for now, or a few seconds ago.

        Raises:
            AliasNotFound: it stands for nothing.
            StateConflict: the voice that it stands for is gone.
        """
        # A change makes a new cache: what was read before it goes into the old one.
        cache = self._cache
        known = cache.get((name, account))
        now = self._monotonic()
        if known is not None and now < known.asked_again_at:
            return known.alias
        try:
            # Where there is an answer already, a request does not wait for a server's restart.
            found = self._resolve(name, account, patient=known is None)
        except DatabaseProblem as problem:
            if known is None or now - known.read_at > KEPT_FOR:
                raise
            _logger.warning("alias %s is taken to be what it was: %s", name, problem)
            # Not every request is to wait for a database that does not answer.
            cache[name, account] = replace(known, asked_again_at=now + CACHED_FOR)
            return known.alias
        except (AliasNotFound, StateConflict):
            cache.pop((name, account), None)
            raise
        if len(cache) >= _MOST_CACHED:
            cache.clear()
        cache[name, account] = _Cached(found, read_at=now, asked_again_at=now + CACHED_FOR)
        return found

    @idempotent
    def _resolve(self, name: str, account: str | None, *, patient: bool) -> Alias:
        with self._context.database.read(patient=patient) as connection:
            owner = self._context.account(connection, account)
            found = self._find(connection, owner, name)
            if found.state.is_gone:
                voice = voices.one(connection, found.voice)
                raise StateConflict(
                    voice,
                    f"the alias {name} stands for it, and it is gone",
                    f"voicereg alias set {name} VOICE gives the name to another voice",
                )
            return found

    @idempotent
    def all(self, account: str | None = None) -> list[Alias]:
        """All aliases, by name.

        Raises:
            AccountNotFound: no such account.
        """
        with self._context.database.read() as connection:
            owners = self._context.accounts(connection, account)
            return aliases.select(connection, [owner.id for owner in owners])

    @idempotent
    def set(self, name: str, reference: str, account: str | None = None) -> Alias:
        """Let a name stand for a voice, in one step: at no moment does it stand for none.

        Args:
            name: the alias; one that is there already moves.
            reference: the voice, as :meth:`voicereg.Registry.voice` takes it.
            account: its name; None: the selected one.

        Raises:
            InvalidInput: the name cannot be one, or is a voice's id.
            VoiceNotFound, AmbiguousVoice: no such voice, or several.
            StateConflict: the voice is gone.
        """
        checked_alias(name)
        wanted = self._lookups.voice(reference, account)
        with self._context.database.write() as connection:
            owner = self._context.account(connection, wanted.account, Lock.STEADY)
            self.put(connection, owner, name, wanted.id)
            found = self._find(connection, owner, name)
        self.forget()
        return found

    def put(self, connection: sa.Connection, owner: Account, name: str, voice_id: str) -> None:
        """The same as a part of a transaction, after whose end :meth:`forget` is called.

        Args:
            connection: a transaction that has locked the account.
            owner: the account.
            name: the alias, checked.
            voice_id: the registry id of the voice.

        Raises:
            InvalidInput: the name is a voice's id.
            StateConflict: the voice is gone.
        """
        if voice_queries.by_exact_id(connection, [owner.id], name):
            raise InvalidInput(Problem("alias", name, "it is the id of a voice"))
        voice = voices.one(connection, voice_id, lock=True)
        if voice.state.is_gone:
            raise StateConflict(voice, "a voice that is gone gets no alias")
        before = aliases.find(connection, [owner.id], name)
        now = self._context.database.now(connection)
        aliases.put(connection, owner.id, name, voice.id, now)
        Changes(connection, actor=self._context.actor, now=now).log(
            "alias.set",
            account=owner.name,
            voice=voice.id,
            before={"alias": name, "voice": before[0].voice} if before else {},
            after={"alias": name, "voice": voice.id},
        )

    def forget(self) -> None:
        """Ask the database again for what names stand for."""
        self._cache = {}

    @repeated
    def remove(self, name: str, account: str | None = None) -> Alias:
        """Let a name stand for nothing.

        Raises:
            AliasNotFound: there is no such name.
        """
        with self._context.database.write() as connection:
            owner = self._context.account(connection, account)
            found = self._find(connection, owner, name)
            aliases.remove(connection, owner.id, name)
            now = self._context.database.now(connection)
            Changes(connection, actor=self._context.actor, now=now).log(
                "alias.remove",
                account=owner.name,
                voice=found.voice,
                before={"alias": name, "voice": found.voice},
            )
        self._cache = {}
        return found

    def _find(self, connection: sa.Connection, owner: Account, name: str) -> Alias:
        found = aliases.find(connection, [owner.id], name) if is_storable(name) else []
        if not found:
            known = [alias.name for alias in aliases.select(connection, [owner.id])]
            raise AliasNotFound(name, owner.name, known)
        return found[0]
