"""Voices found: by what a user typed, by filter, one by one or in a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.errors import AmbiguousVoice, InvalidInput, NoPreview, Problem, VoiceNotFound
from voicereg.domain.filters import (
    FilterOptions,
    SortField,
    VoiceFilter,
    sort_field,
    voice_filter,
)
from voicereg.domain.states import HOLDING, State
from voicereg.domain.voices import Voice
from voicereg.registry.context import ALL_ACCOUNTS, Context
from voicereg.registry.repeating import idempotent
from voicereg.registry.texts import is_storable
from voicereg.store import aliases, voice_queries

if TYPE_CHECKING:
    from voicereg.domain.audio import PreviewAudio

_PAGE = 500
_MOST_ROWS = 2**31 - 1
_SHOWN_MATCHES = 5
_NEAR = 3
"""So many voices that may have been meant are named."""
_LOOKED_AT = 50
_TYPED = 4
"""So much of an id is taken to be right, where the whole is not."""
_AT_PROVIDER = frozenset(HOLDING) - {State.CREATING, State.UNRESOLVED}


class Lookups:
    """Reads voices."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @idempotent
    def voice(self, reference: str, account: str | None = None) -> Voice:
        """The voice that a registry id, a provider id, or a unique beginning of one stands for.

        Raises:
            VoiceNotFound: none.
            AmbiguousVoice: several.
        """
        with self._context.database.read() as connection:
            return self._find(connection, self._context.accounts(connection, account), reference)

    @idempotent
    def preview(self, reference: str, account: str | None = None) -> tuple[Voice, PreviewAudio]:
        """A voice with the preview audio kept of it.

        Raises:
            NoPreview: none is kept.
        """
        from voicereg.store import previews

        with self._context.database.read() as connection:
            voice = self._find(connection, self._context.accounts(connection, account), reference)
            preview = previews.get(connection, voice.id)
        if preview is None:
            raise NoPreview(voice)
        return voice, preview

    @idempotent
    def select(
        self,
        options: FilterOptions,
        *,
        account: str | None = None,
        sort: SortField | str = SortField.CREATED,
        descending: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Voice]:
        """The voices that fit, in order."""
        if not (0 <= (limit or 0) <= _MOST_ROWS and 0 <= offset <= _MOST_ROWS):
            raise InvalidInput(
                Problem("limit, offset", f"{limit}, {offset}", f"both are 0 to {_MOST_ROWS}")
            )
        order = sort_field(sort)
        wanted = _searchable(voice_filter(self._context.clock.now(), **options))
        with self._context.database.read() as connection:
            return voice_queries.select(
                connection,
                self._scope(connection, account),
                wanted,
                sort=order,
                descending=descending,
                limit=limit,
                offset=offset,
            )

    @idempotent
    def expiring(self, within: timedelta | None, account: str | None) -> list[Voice]:
        """The voices at the provider whose deadline is near or past, soonest first."""
        now = self._context.clock.now()
        try:
            due_by = None if within is None else now + within
        except OverflowError:
            raise InvalidInput(Problem("within", str(within), "it is too long")) from None
        wanted = VoiceFilter(states=_AT_PROVIDER, due_by=due_by)
        with self._context.database.read() as connection:
            return voice_queries.select(
                connection, self._scope(connection, account), wanted, sort=SortField.DEADLINE
            )

    @idempotent
    def successors(self, voice: Voice) -> list[Voice]:
        """The voices that stand in for another, oldest first."""
        with self._context.database.read() as connection:
            return voice_queries.successors(connection, voice.id)

    @idempotent
    def beginning_with(self, beginning: str, limit: int, account: str | None) -> list[Voice]:
        """Voices whose registry id or provider id begins so; without a beginning, the newest."""
        if not is_storable(beginning):
            return []
        with self._context.database.read() as connection:
            scope = self._scope(connection, account)
            if beginning:
                return voice_queries.by_beginning(connection, scope, beginning, limit)
            return voice_queries.select(
                connection,
                scope,
                VoiceFilter(),
                sort=SortField.CREATED,
                descending=True,
                limit=limit,
            )

    @idempotent
    def tags(self, account: str | None) -> list[tuple[str, str]]:
        """The tags that voices have, each once, in order."""
        with self._context.database.read() as connection:
            return voice_queries.tags(connection, self._scope(connection, account))

    def stream(self, options: FilterOptions, *, account: str | None = None) -> Iterator[Voice]:
        """The voices that fit, in order of creation; a page at a time, so memory stays flat."""
        wanted = _searchable(voice_filter(self._context.clock.now(), **options))
        return self._pages(wanted, account)

    def _pages(self, wanted: VoiceFilter, account: str | None) -> Iterator[Voice]:
        after: Voice | None = None
        while True:
            page = self._page(wanted, account, after)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1]

    @idempotent
    def _page(self, wanted: VoiceFilter, account: str | None, after: Voice | None) -> list[Voice]:
        with self._context.database.read() as connection:
            scope = self._scope(connection, account)
            return voice_queries.page_after(connection, scope, wanted, after=after, size=_PAGE)

    def _scope(self, connection: sa.Connection, account: str | None) -> voice_queries.Scope:
        if account == ALL_ACCOUNTS:
            return None
        return [self._context.account(connection, account).id]

    def exact(self, connection: sa.Connection, account: Account, reference: str) -> Voice:
        """The voice of exactly that registry id or provider id.

        Raises:
            VoiceNotFound: none; a beginning does not do.
            AmbiguousVoice: one's registry id is another's provider id.
        """
        found = (
            voice_queries.by_exact_id(connection, [account.id], reference)
            if is_storable(reference)
            else []
        )
        if not found:
            raise self._not_found(connection, [account], reference, exact=True)
        if len(found) > 1:
            raise _ambiguous(reference, found)
        return found[0]

    def _find(
        self, connection: sa.Connection, accounts: Sequence[Account], reference: str
    ) -> Voice:
        ids = [account.id for account in accounts]
        if reference and is_storable(reference):
            found = voice_queries.by_exact_id(connection, ids, reference)
            if not found:
                found = voice_queries.by_alias(connection, ids, reference)
            if not found:
                found = voice_queries.by_beginning(connection, ids, reference, _SHOWN_MATCHES + 1)
            if len(found) == 1:
                return found[0]
            if found:
                raise _ambiguous(reference, found)
        raise self._not_found(connection, accounts, reference)

    def _not_found(
        self,
        connection: sa.Connection,
        accounts: Sequence[Account],
        reference: str,
        *,
        exact: bool = False,
    ) -> VoiceNotFound:
        """An error that names what may have been meant: a beginning, or a voice of that name."""
        names = ", ".join(account.name for account in accounts)
        if not reference or not is_storable(reference):
            return VoiceNotFound(reference, names, exact=exact)
        ids = [account.id for account in accounts]
        # One that is gone, or never came about, is seldom meant.
        named = voice_queries.by_name(connection, ids, reference, _LOOKED_AT)
        near = [voice.id for voice in sorted(named, key=lambda voice: voice.state.is_gone)]
        if not near:
            begun = voice_queries.by_beginning(connection, ids, reference, _NEAR)
            near = [voice.id for voice in begun]
        near = (near or _alike(connection, ids, reference))[:_NEAR]
        return VoiceNotFound(reference, names, near, exact=exact)


def _alike(connection: sa.Connection, ids: Sequence[int], reference: str) -> list[str]:
    """Aliases and ids that are spelled nearly so."""
    names = {alias.name for alias in aliases.select(connection, ids)}
    for voice in voice_queries.by_beginning(connection, ids, reference[:_TYPED], _LOOKED_AT):
        names |= {voice.id, voice.voice_id or voice.id}
    return get_close_matches(reference, sorted(names), n=_NEAR)


def _ambiguous(reference: str, found: Sequence[Voice]) -> AmbiguousVoice:
    shown = [voice.id for voice in found[:_SHOWN_MATCHES]]
    more = ["…"] if len(found) > _SHOWN_MATCHES else []
    return AmbiguousVoice(reference, shown + more)


def _searchable(wanted: VoiceFilter) -> VoiceFilter:
    """``wanted``, when the database can be asked for it."""
    for where, text in (
        ("search", wanted.search),
        ("owner", wanted.owner),
        ("model", wanted.target_model),
        *(("tag", text) for tag in wanted.tags for text in tag),
    ):
        if text is not None and not is_storable(text):
            raise InvalidInput(Problem(where, ascii(text), "no voice can have such a text"))
    return wanted
