"""The audit log, read."""

from __future__ import annotations

from datetime import datetime

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.events import Event
from voicereg.registry.context import ALL_ACCOUNTS, Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent
from voicereg.store import events


class History:
    """Reads the audit log."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups

    @idempotent
    def events(
        self,
        *,
        voice: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        account: str | None = None,
    ) -> list[Event]:
        """Events, newest first; of one account, or of all, removed ones included.

        Raises:
            InvalidInput: a limit that is none, or a time without a zone.
        """
        if limit is not None and not 0 <= limit < 2**31:
            raise InvalidInput(Problem("limit", str(limit), "it is 0 or more, and below 2**31"))
        if since is not None and since.tzinfo is None:
            raise InvalidInput(Problem("since", str(since), "it has no time zone"))
        found = None if voice is None else self._lookups.voice(voice, account).id
        with self._context.database.read() as connection:
            named = (
                None
                if account == ALL_ACCOUNTS
                else [self._context.account(connection, account).name]
            )
            return events.select(connection, accounts=named, voice=found, since=since, limit=limit)
