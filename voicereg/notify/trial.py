"""A message that only tries a channel out: it warns of nothing, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voicereg.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Trial(Message):
    """A test of a channel. It has no items, and is noted nowhere."""

    registry: str
    """Which one it comes from, for people."""
    host: str
    """Where it was sent from."""

    def as_dict(self) -> dict[str, Any]:
        """The message with the keys that its JSON shows, and that it is a test."""
        # Not super(): with slots, it would be that of a class that is no more.
        return Message.as_dict(self) | {"test": True, "registry": self.registry}
