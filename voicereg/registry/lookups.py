"""Voices found: by what a user typed, by filter, one by one or in a stream."""

from __future__ import annotations

from collections.abc import Iterator
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
from voicereg.domain.voices import Voice
from voicereg.registry.context import Context
from voicereg.store import voice_queries

if TYPE_CHECKING:
    from voicereg.domain.audio import PreviewAudio

_PAGE = 500
_SHOWN_MATCHES = 5


class Lookups:
    """Reads voices."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def voice(self, reference: str, account: str | None = None) -> Voice:
        """The voice that a registry id, a provider id, or a unique beginning of one stands for.

        Raises:
            VoiceNotFound: none.
            AmbiguousVoice: several.
        """
        with self._context.database.read() as connection:
            return self._find(connection, self._context.account(connection, account), reference)

    def preview(self, reference: str, account: str | None = None) -> tuple[Voice, PreviewAudio]:
        """A voice with the preview audio kept of it.

        Raises:
            NoPreview: none is kept.
        """
        from voicereg.store import previews

        with self._context.database.read() as connection:
            voice = self._find(connection, self._context.account(connection, account), reference)
            preview = previews.get(connection, voice.id)
        if preview is None:
            raise NoPreview(voice)
        return voice, preview

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
        if (limit is not None and limit < 0) or offset < 0:
            raise InvalidInput(Problem("limit, offset", "", "neither can be below 0"))
        order = sort_field(sort)
        wanted = voice_filter(self._context.clock.now(), **options)
        with self._context.database.read() as connection:
            accounts = self._context.accounts(connection, account)
            return voice_queries.select(
                connection,
                [found.id for found in accounts],
                wanted,
                sort=order,
                descending=descending,
                limit=limit,
                offset=offset,
            )

    def stream(self, options: FilterOptions, *, account: str | None = None) -> Iterator[Voice]:
        """The voices that fit, in order of creation; a page at a time, so memory stays flat."""
        return self._pages(voice_filter(self._context.clock.now(), **options), account)

    def _pages(self, wanted: VoiceFilter, account: str | None) -> Iterator[Voice]:
        after: Voice | None = None
        while True:
            with self._context.database.read() as connection:
                accounts = self._context.accounts(connection, account)
                page = voice_queries.page_after(
                    connection,
                    [found.id for found in accounts],
                    wanted,
                    after=after,
                    size=_PAGE,
                )
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1]

    def exact(self, connection: sa.Connection, account: Account, reference: str) -> Voice:
        """The voice of exactly that registry id or provider id.

        Raises:
            VoiceNotFound: none; a beginning does not do.
        """
        found = voice_queries.by_exact_id(connection, [account.id], reference)
        if not found:
            raise self._not_found(connection, account, reference)
        return found[0]

    def _find(self, connection: sa.Connection, account: Account, reference: str) -> Voice:
        if reference:
            found = voice_queries.by_exact_id(connection, [account.id], reference)
            if not found:
                found = voice_queries.by_beginning(
                    connection, [account.id], reference, _SHOWN_MATCHES + 1
                )
            if len(found) == 1:
                return found[0]
            if found:
                shown = [voice.id for voice in found[:_SHOWN_MATCHES]]
                more = ["…"] if len(found) > _SHOWN_MATCHES else []
                raise AmbiguousVoice(reference, shown + more)
        raise self._not_found(connection, account, reference)

    def _not_found(
        self, connection: sa.Connection, account: Account, reference: str
    ) -> VoiceNotFound:
        """An error that names what may have been meant: a beginning, or a voice of that name."""
        near = voice_queries.by_name(connection, [account.id], reference, 3)
        if not near and reference:
            near = voice_queries.by_beginning(connection, [account.id], reference, 3)
        return VoiceNotFound(reference, account.name, [voice.id for voice in near])
