"""When a quota will be full, if slots go on being taken as they were in the last month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from voicereg.domain.quotas import Quota

PERIOD = timedelta(days=30)
"""What a pace is measured over."""
SHORTEST_PERIOD = timedelta(days=7)
"""A registry that is younger has seen too little: the voices that were gone before it began to
look are on no record, so the first days would seem to bring nothing but growth."""
FORESEEABLE = timedelta(days=3650)
"""What would happen later is not told by the day."""


class ForecastKind(StrEnum):
    """What can be said of a quota's future."""

    FULL = "full"
    """It is full already."""
    FILLING = "filling"
    """It will be full on a day that can be named."""
    FAR = "far"
    """It fills up, and takes years."""
    STEADY = "steady"
    """As many slots came free as were taken, or more."""
    TOO_EARLY = "too_early"
    """Too little has been seen."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the slots that are held have changed lately."""

    net: int
    """How many more are held than at the beginning of the period; fewer, where it is negative."""
    period: timedelta
    """30 days, or less where the registry is younger."""

    @property
    def is_known(self) -> bool:
        """Whether the period is long enough to be a measure of anything."""
        return self.period >= SHORTEST_PERIOD


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a quota will be full at its present pace."""

    kind: ForecastKind
    pace: Pace
    full_at: datetime | None = None
    """Only where it is ``FILLING``."""

    def days(self, now: datetime) -> int | None:
        """Whole days until it is full; None: there is no such day."""
        return None if self.full_at is None else max(0, (self.full_at - now).days)


def period_since(watched_since: datetime, now: datetime) -> timedelta:
    """How far back a pace can be measured.

    Args:
        watched_since: since when the registry knows which voices come and go. Voices that a sync
            finds later are no matter: they are on record with the day on which they were made.
        now: the end of the period.
    """
    return max(timedelta(0), min(PERIOD, now - watched_since))


def forecast(quota: Quota, pace: Pace, now: datetime) -> Forecast:
    """When a quota will be full, if its pace stays as it is.

    Args:
        quota: as it is now; slots that only the provider knows of are taken, too.
        pace: of its quota group's family.
        now: the moment that is counted from.
    """
    if quota.remaining == 0:
        return Forecast(ForecastKind.FULL, pace)
    if not pace.is_known:
        return Forecast(ForecastKind.TOO_EARLY, pace)
    if pace.net <= 0:
        return Forecast(ForecastKind.STEADY, pace)
    # Limits may be huge, and a timedelta has an end: compared before it is made.
    left_seconds = pace.period.total_seconds() * quota.remaining / pace.net
    if left_seconds > FORESEEABLE.total_seconds():
        return Forecast(ForecastKind.FAR, pace)
    return Forecast(ForecastKind.FILLING, pace, now + timedelta(seconds=left_seconds))
