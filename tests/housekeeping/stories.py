"""What happens to voices over the years: when each is made, used, marked, and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import START

YEAR = timedelta(days=365)
OWNER = "studio"
"""Whose voices the second channel hears of."""
PRODUCTION = "production"
"""The tag of voices that a rule keeps alive."""

COSY = "cosyvoice-v3.5-plus"
FLASH = "cosyvoice-v3-flash"
AUDIO = "qwen-audio-3.0-tts-plus"
QWEN = "qwen3-tts-vd-2026-01-26"
LIVE = "qwen3-tts-vd-realtime-2026-01-15"
COSY_CLONE = "cosyvoice-v2"
QWEN_CLONE = "qwen3-tts-vc-2026-01-22"
LIVE_CLONE = "qwen3-tts-vc-realtime-2026-01-15"
DESIGN_MODELS = (COSY, QWEN, FLASH, LIVE, AUDIO)
CLONE_MODELS = (COSY_CLONE, QWEN_CLONE, LIVE_CLONE)


def day(number: float) -> datetime:
    """A moment, in days since the registry was opened."""
    return START + timedelta(seconds=round(number * 86_400))


@dataclass(frozen=True)
class Span:
    """From when until when something holds."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


def spanning(since: float, until: float | None = None) -> Span:
    return Span(day(since), None if until is None else day(until))


@dataclass(frozen=True)
class Use:
    """One use of a voice."""

    at: datetime
    noted_at: datetime | None
    """When the registry hears of it; None: never."""
    through_registry: bool = False
    """Whether it is the registry that lets the voice speak."""


def spoken(*days: float) -> tuple[Use, ...]:
    """Uses through the registry."""
    return tuple(Use(day(one), day(one), through_registry=True) for one in days)


def noted(*days: float, later: float = 0) -> tuple[Use, ...]:
    """Uses by programs of the house, which tell the registry, at once or so many days later."""
    return tuple(Use(day(one), day(one + later)) for one in days)


def elsewhere(*days: float) -> tuple[Use, ...]:
    """Uses that the registry never hears of."""
    return tuple(Use(day(one), None) for one in days)


@dataclass(frozen=True)
class Story:
    """The life of one voice, as far as others decide it."""

    name: str
    made: datetime
    designed: bool
    """Made through the registry; otherwise a sync finds it."""
    model: str = COSY
    uses: tuple[Use, ...] = ()
    owner: str | None = None
    owned: Span | None = None
    """None: for as long as the registry knows it."""
    pinned: Span | None = None
    tagged: Span | None = None
    removed: datetime | None = None
    """When another hand deletes it."""
    deleted: datetime | None = None
    """When it is deleted through the registry."""
    rejected: bool = False

    @property
    def family(self) -> str:
        return "qwen-tts" if self.model.startswith("qwen3") else "cosyvoice"

    @property
    def cloned(self) -> bool:
        return self.model in CLONE_MODELS

    @property
    def labelled(self) -> datetime:
        """When it gets what the registry adds to a voice, unless the story says otherwise."""
        return self.made if self.designed else max(self.made, START)

    def owner_at(self, at: datetime) -> str | None:
        return self.owner if (self.owned or Span(self.labelled)).holds(at) else None

    def stays_at(self, at: datetime) -> bool:
        """Whether it is to be kept alive."""
        return any(span.holds(at) for span in (self.pinned, self.tagged) if span is not None)


def designed(name: str, made: float, model: str = COSY, **more: Any) -> Story:
    """A voice made through the registry."""
    return Story(name, day(made), designed=True, model=model, **more)


def found(name: str, made: float, model: str = COSY, **more: Any) -> Story:
    """A voice that others made, and that a sync finds."""
    return Story(name, day(made), designed=False, model=model, **more)
