"""What every use case works with."""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import TypeVar

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.clock import Clock, Sleep
from voicereg.domain.errors import AccountNotFound, DatabaseProblem, LimitMissing
from voicereg.domain.families import Family
from voicereg.engine import Database
from voicereg.registry.clients import Clients
from voicereg.registry.repeating import idempotent
from voicereg.registry.texts import is_storable
from voicereg.settings import Settings
from voicereg.store import accounts

ALL_ACCOUNTS = "*"
"""Asked for in place of an account's name: every account."""

_FIRST = "abcdefghjkmnpqrstvwxyz"
_DIGITS = "0123456789" + _FIRST
_ID_LENGTH = 12
_TRIES = 4
_PAUSE = timedelta(seconds=1)
_logger = logging.getLogger(__name__)
Noted = TypeVar("Noted")


@dataclass(frozen=True)
class Context:
    """The database, the settings, and everything that tests replace."""

    database: Database
    settings: Settings
    clients: Clients
    clock: Clock
    sleep: Sleep
    given_actor: str | None
    """Who is named in the audit log; None: the user of this process."""
    through: str
    """What that user works through."""
    source: str = "python"
    """Who is named as the user of voices, where a use does not say."""
    rng: Random = field(default_factory=random.SystemRandom)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @cached_property
    def actor(self) -> str:
        """Who is at work: ``user@host (through)``, unless the opener said otherwise."""
        return self.given_actor or f"{_user()}@{socket.gethostname()} ({self.through})"

    def account(
        self,
        connection: sa.Connection,
        name: str | None = None,
        lock: accounts.Lock = accounts.Lock.NONE,
    ) -> Account:
        """The account of that name, or the selected one; locked where that is asked for.

        Raises:
            AccountNotFound: there is none.
            LimitMissing: its quota group has no limit at all.
        """
        name = name or self.settings.account
        found = accounts.find(connection, name, lock) if is_storable(name) else None
        if found is None:
            known = accounts.names(connection)
            if name in known:
                raise LimitMissing(name, list(Family))
            raise AccountNotFound(name, known)
        return found

    @idempotent
    def selected(self, name: str | None) -> Account:
        """The account of that name, or the selected one, read in a transaction of its own.

        Raises:
            AccountNotFound: there is none.
        """
        with self.database.read() as connection:
            return self.account(connection, name)

    def accounts(self, connection: sa.Connection, name: str | None = None) -> list[Account]:
        """The accounts meant by ``name``: one, or all of them."""
        if name == ALL_ACCOUNTS:
            found = accounts.everyone(connection)
            # One that is left out in silence would be looked after by nobody.
            limitless = set(accounts.names(connection)) - {account.name for account in found}
            if limitless:
                raise LimitMissing(min(limitless), list(Family))
            return found
        return [self.account(connection, name)]

    def patiently(self, note: Callable[[], Noted]) -> Noted:
        """Note what the provider has done, with more than one try: it cannot be asked again.

        Raises:
            DatabaseProblem: the database did not take it for good.
        """
        for _ in range(_TRIES - 1):
            try:
                return note()
            except DatabaseProblem as problem:
                _logger.info("%s; once more in %s", problem, _PAUSE)
                self.sleep(_PAUSE)
        return note()

    def new_id(self) -> str:
        """A registry id: twelve characters that are not mistaken for each other, a letter first.

        A letter first, so that no program takes it for a number; 58 bits, so that a million voices
        hardly ever share one (and the primary key refuses it where they do).
        """
        return self.rng.choice(_FIRST) + "".join(
            self.rng.choice(_DIGITS) for _ in range(_ID_LENGTH - 1)
        )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return "unknown"
