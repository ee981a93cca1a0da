"""Every change of a voice goes through here: checked, dated, and logged in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import StateConflict, VoiceNotFound
from voicereg.domain.states import FOLLOWS, State
from voicereg.domain.voices import Voice
from voicereg.registry.texts import mended
from voicereg.store import events, voices

if TYPE_CHECKING:
    from voicereg.registry.context import Context

_UNLOGGED = frozenset({"updated_at", "lease_holder", "lease_expires_at"})
"""What changes with every change, or says nothing a year later."""


class Changes:
    """Changes voices within one transaction, on behalf of one actor."""

    def __init__(self, connection: sa.Connection, *, actor: str, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self._actor = actor

    def apply(
        self, voice: Voice, action: str, values: Mapping[str, Any], reason: str | None = None
    ) -> Voice:
        """Change a voice's own fields, and log what they were.

        Args:
            voice: the voice as it is in this transaction.
            action: what the audit log calls it.
            values: the new values, by field; ``tags`` stands for all tags that there are to be.
            reason: a word on why.

        Raises:
            StateConflict: the new state cannot follow the old one.
        """
        state = values.get("state", voice.state)
        if state is not voice.state and state not in FOLLOWS[voice.state]:
            raise StateConflict(voice, f"it cannot become {state}")
        return self._change(voice, action, values, reason)

    def give_up_id(
        self,
        voice: Voice,
        state: State,
        reason: str,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> Voice:
        """Take a voice's id at the provider from its record, which another has a better claim to.

        It is no step in the life of a voice: the record was mistaken, so any state may follow.
        """
        values = {"voice_id": None, "state": state, "state_reason": reason, **more}
        return self._change(voice, "voice.give-up-id", values, reason)

    def _change(
        self, voice: Voice, action: str, values: Mapping[str, Any], reason: str | None
    ) -> Voice:
        values = {name: _kept(value) for name, value in values.items()}
        changed = {name: value for name, value in values.items() if getattr(voice, name) != value}
        if not changed:
            return voice
        follows = self._what_follows(voice, changed)
        changed |= {name: value for name, value in follows.items() if getattr(voice, name) != value}
        columns = {name: value for name, value in changed.items() if name != "tags"}
        if columns:
            voices.update(self.connection, voice.id, columns)
        if "tags" in changed:
            voices.set_tags(self.connection, voice.id, changed["tags"])
        self.log(
            action,
            account=voice.account,
            voice=voice.id,
            before={name: getattr(voice, name) for name in changed},
            after=changed,
            reason=reason,
        )
        return replace(voice, **changed)

    def log(
        self,
        action: str,
        *,
        account: str | None,
        voice: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        """Log one change, with values as JSON can hold them."""
        events.append(
            self.connection,
            at=self.now,
            actor=self._actor,
            action=action,
            account=account,
            voice=voice,
            before=_plain(before or {}),
            after=_plain(after or {}),
            reason=None if reason is None else mended(reason),
        )

    def _what_follows(self, voice: Voice, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that a change of state brings with it."""
        values: dict[str, Any] = {"updated_at": self.now}
        state = changed.get("state")
        if state is None:
            return values
        if voice.state is State.CREATING:
            values["lease_holder"] = None
        if state is not State.UNRESOLVED:
            values["lease_expires_at"] = None
        if voice.state is State.DELETING:
            values |= {"delete_asked_at": None, "state_before_delete": None}
        if state is State.DELETING:
            values |= {"delete_asked_at": self.now, "state_before_delete": voice.state}
        if state.is_gone != voice.state.is_gone:
            values["gone_at"] = self.now if state.is_gone else None
        if "state_reason" not in changed:
            values["state_reason"] = None
        return values


def locked(context: Context, connection: sa.Connection, voice: str) -> tuple[Changes, Voice]:
    """A voice that nobody else changes until the transaction ends, and what changes it.

    Raises:
        VoiceNotFound: there is no voice of that registry id.
    """
    found = voices.get(connection, voice, lock=True)
    if found is None:
        raise VoiceNotFound(voice, context.settings.account)
    now = context.database.now(connection)
    return Changes(connection, actor=context.actor, now=now), found


def _kept(value: Any) -> Any:
    """What was checked comes through unchanged; what the provider said is mended."""
    return mended(value) if isinstance(value, str) and not isinstance(value, Enum) else value


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items() if name not in _UNLOGGED}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Enum):
        return value.value
    return value
