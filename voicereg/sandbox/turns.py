"""Whose turn it is: what waits for certain requests, and how often.

Faults and callbacks both wait in an ``Agenda``. It knows which action of which family a
request asks for, and nothing of what is done about it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from voicereg.sandbox.models import COSYVOICE, QWEN_TTS, require_family

CREATE = "create"
LIST = "list"
QUERY = "query"
DELETE = "delete"
UPDATE = "update"
#: Speaking: no action of the management API.
SYNTHESIZE = "synthesize"
#: Stands for every action.
ANY = "*"
#: What can be waited for. An update is reached by ``*`` only.
ACTIONS = (CREATE, LIST, QUERY, DELETE, SYNTHESIZE, ANY)

_CALLED = frozenset({CREATE, LIST, QUERY, DELETE, UPDATE})

_FAMILY_OF_MODEL = {
    "voice-enrollment": COSYVOICE,
    "qwen-voice-design": QWEN_TTS,
    "qwen-voice-enrollment": QWEN_TTS,
}
# CosyVoice's actions are called create_voice, list_voice and so on.
_SUFFIX = "_voice"


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for, in words that are the same for both families."""

    action: str
    family: str


def call_of(body: Any) -> Call | None:
    """Return what a request's body asks for, or None where that is no action at all."""
    fields = body.get("input") if isinstance(body, dict) else None
    if not isinstance(fields, dict):
        return None
    model, action = body.get("model"), fields.get("action")
    if not isinstance(model, str) or not isinstance(action, str):
        return None
    family = _FAMILY_OF_MODEL.get(model)
    if family is None or action.endswith(_SUFFIX) != (family == COSYVOICE):
        return None
    action = action.removesuffix(_SUFFIX)
    return Call(action, family) if action in _CALLED else None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Something that waits for requests.

    Attributes:
        action: ``create``, ``list``, ``query``, ``delete``, ``synthesize`` or ``*``; CosyVoice's
            names for them (``create_voice``) are understood.
        family: ``cosyvoice`` or ``qwen-tts``; None for both.
        times: how many requests it still waits for; None for no end.
        skip: how many requests are let through first.

    Raises:
        ValueError: any of them is none of these.
    """

    action: str
    family: str | None = None
    times: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        action = self.action.removesuffix(_SUFFIX)
        if action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}: one of {', '.join(ACTIONS)}")
        object.__setattr__(self, "action", action)  # a frozen dataclass has no other way
        if self.family is not None:
            require_family(self.family)
        if self.times is not None and self.times < 1:
            raise ValueError(f"times cannot be below 1: {self.times}")
        if self.skip < 0:
            raise ValueError(f"skip cannot be below 0: {self.skip}")

    def matches(self, call: Call) -> bool:
        """Return whether this waits for such a request."""
        return self.action in (ANY, call.action) and self.family in (None, call.family)

    def after_one_more(self) -> Self | None:
        """Return what is left after a request that matched, or None where nothing is."""
        if self.skip:
            return replace(self, skip=self.skip - 1)
        if self.times is None:
            return self
        return replace(self, times=self.times - 1) if self.times > 1 else None


Waiting = TypeVar("Waiting", bound=Turn)


class Agenda(Generic[Waiting]):
    """What waits for requests, in the order in which it was put there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[Waiting] = []

    def add(self, turn: Waiting) -> None:
        """Put something at the end."""
        with self._lock:
            self._turns.append(turn)

    def all(self) -> tuple[Waiting, ...]:
        """Return what still waits."""
        with self._lock:
            return tuple(self._turns)

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._turns.clear()

    def take_first(self, call: Call) -> Waiting | None:
        """Return what happens to a request, where only one thing can.

        The first that matches decides, and nothing after it counts this request: not even
        where that one lets it through.
        """
        with self._lock:
            for index, turn in enumerate(self._turns):
                if turn.matches(call):
                    self._turns[index : index + 1] = _left(turn)
                    return None if turn.skip else turn
            return None

    def take_every(self, call: Call) -> tuple[Waiting, ...]:
        """Return all that happens to a request; each counts the requests for itself."""
        with self._lock:
            matching = [turn for turn in self._turns if turn.matches(call)]
            self._turns = [
                left
                for turn in self._turns
                for left in (_left(turn) if turn.matches(call) else [turn])
            ]
            return tuple(turn for turn in matching if not turn.skip)


def _left(turn: Waiting) -> list[Waiting]:
    left = turn.after_one_more()
    return [] if left is None else [left]
