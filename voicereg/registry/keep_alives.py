"""Voices that are to stay: those that are due, and a few words spoken with each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import VoiceregError
from voicereg.domain.filters import SortField, VoiceFilter
from voicereg.domain.keep_alive import SOURCE, KeepAliveAction, few_words, is_to_stay
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.changes import Changes
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent, repeated
from voicereg.registry.speeches import Speeches
from voicereg.store import events, voice_queries


class KeepAlives:
    """Keeps voices alive."""

    def __init__(
        self,
        context: Context,
        lookups: Lookups,
        speeches: Speeches,
        flush: Callable[[], None],
    ) -> None:
        self._context = context
        self._lookups = lookups
        self._speeches = speeches
        self._flush = flush

    @idempotent
    def due(self, account: str | None = None) -> Sequence[Voice]:
        """The voices that are to stay and near their deadline, the nearest first."""
        settings = self._context.settings.keep_alive
        with self._context.database.read() as connection:
            now = self._context.database.now(connection)
            wanted = VoiceFilter(states=frozenset({State.ACTIVE}), due_by=now + settings.within)
            found = voice_queries.select(
                connection,
                [self._context.account(connection, account).id],
                wanted,
                sort=SortField.DEADLINE,
            )
        return [voice for voice in found if is_to_stay(voice, settings.rules)]

    @idempotent
    def room_today(self, account: str | None = None) -> int:
        """How many more of an account's voices may be kept alive today (in UTC)."""
        with self._context.database.read() as connection:
            now = self._context.database.now(connection)
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            name = self._context.account(connection, account).name
            done = events.count(connection, KeepAliveAction.KEPT, name, since=midnight)
        return max(0, self._context.settings.keep_alive.daily_limit - done)

    def keep(self, voice: Voice) -> Voice:
        """Say a few words with a voice, which counts as a use of it.

        Returns:
            The voice, with its new deadline.

        Raises:
            VoiceGone: the provider knows it no more; it counts as missing from now on.
            ProviderProblem: any other; no audio came.
            DatabaseProblem: the voice was used, and that is noted later.
        """
        try:
            _, spoken = self._speeches.synthesize(
                voice.id,
                few_words(voice),
                io.BytesIO(),
                response_format=None,
                sample_rate=None,
                source=SOURCE,
                account=voice.account,
            )
        except VoiceregError as error:
            self._log(voice, KeepAliveAction.FAILED, None, str(error))
            raise
        self._flush()
        kept = self._lookups.voice(voice.id, voice.account)
        self._log(kept, KeepAliveAction.KEPT, voice, f"request {spoken.request_id}")
        return kept

    @repeated
    def _log(
        self, voice: Voice, action: KeepAliveAction, before: Voice | None, reason: str
    ) -> None:
        with self._context.database.write() as connection:
            now = self._context.database.now(connection)
            Changes(connection, actor=self._context.actor, now=now).log(
                action,
                account=voice.account,
                voice=voice.id,
                before=None if before is None else {"deadline_at": rfc3339(before.deadline_at)},
                after=None if before is None else {"deadline_at": rfc3339(voice.deadline_at)},
                reason=reason,
            )
