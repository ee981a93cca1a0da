"""Edits: what the registry adds to a voice, changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from voicereg.domain.designs import Labels, checked_labels
from voicereg.domain.errors import VoiceNotFound
from voicereg.domain.voices import Voice
from voicereg.registry.changes import Changes
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent
from voicereg.store import voices


class Edits:
    """Edits voices. The provider never hears of it."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        self._context = context
        self._lookups = lookups

    @idempotent
    def edit(
        self,
        references: Collection[str],
        *,
        account: str | None,
        tags: Mapping[str, str],
        untag: Collection[str],
        owner: str | None,
        note: str | None,
        pinned: bool | None,
    ) -> list[Voice]:
        """Change the labels of voices: all of them, or none where one is not found.

        Args:
            references: registry ids, provider ids, or unique beginnings.
            account: its name; None: the selected one.
            tags: to be added or changed.
            untag: keys to be removed; those that are not there are passed over.
            owner: the new owner; an empty text: none; None: as it is.
            note: likewise.
            pinned: whether it must stay; None: as it is.

        Returns:
            The voices as they are now, in the order of ``references``.

        Raises:
            InvalidInput: a label that cannot be kept.
            VoiceNotFound, AmbiguousVoice: as a lookup does.
        """
        checked_labels(Labels(tags=tags, owner=owner, note=note))
        found = [self._lookups.voice(reference, account) for reference in references]
        values: dict[str, object] = {}
        if owner is not None:
            values["owner"] = owner or None
        if note is not None:
            values["note"] = note or None
        if pinned is not None:
            values["pinned"] = pinned
        with self._context.database.write() as connection:
            now = self._context.database.now(connection)
            changes = Changes(connection, actor=self._context.actor, now=now)
            edited = {
                voice: self._edit_one(changes, voice, values, tags, frozenset(untag))
                # In one order everywhere, so that two edits at once cannot block each other.
                for voice in sorted({voice.id for voice in found})
            }
        return [edited[voice.id] for voice in found]

    def _edit_one(
        self,
        changes: Changes,
        voice: str,
        values: Mapping[str, object],
        tags: Mapping[str, str],
        untag: frozenset[str],
    ) -> Voice:
        current = voices.get(changes.connection, voice, lock=True)
        if current is None:
            raise VoiceNotFound(voice, self._context.settings.account)
        kept = {key: value for key, value in current.tags.items() if key not in untag}
        return changes.apply(current, "voice.edit", {**values, "tags": {**kept, **tags}})
