"""Aliases: stable names that services resolve to the voice of the day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.states import State

_NAME = re.compile(r"[^\W_][\w.@/+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Alias:
    """A name, and the voice that it stands for now."""

    name: str
    """The name."""
    account: str
    """The account in which it is known."""
    voice: str
    """The registry's id of the voice."""
    voice_id: str | None
    """The provider's id of the voice: what a synthesis request is sent."""
    target_model: str | None
    """The only model that can speak with it."""
    state: State
    """The state of the voice."""
    updated_at: datetime
    """When the name was last set."""

    def as_dict(self) -> dict[str, Any]:
        """The alias with the keys that JSON output shows."""
        return {
            "name": self.name,
            "account": self.account,
            "voice": self.voice,
            "voice_id": self.voice_id,
            "target_model": self.target_model,
            "state": self.state.value,
            "updated_at": rfc3339(self.updated_at),
        }


ALIAS_KEYS = (
    "name",
    "account",
    "voice",
    "voice_id",
    "target_model",
    "state",
    "updated_at",
)
"""The keys of :meth:`Alias.as_dict`, in order."""


def checked_alias(name: str) -> str:
    """``name``, when it can be an alias.

    Raises:
        InvalidInput: it cannot.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            Problem(
                "alias",
                ascii(name),
                "it takes 1 to 64 letters, digits and . _ - @ / +, a letter or digit first",
            )
        )
    return name
