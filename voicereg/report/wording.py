"""What the page says in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from voicereg.domain.counts import many
from voicereg.domain.deadlines import Urgency
from voicereg.domain.forecast import PERIOD, Forecast, ForecastKind
from voicereg.domain.quotas import Quota
from voicereg.domain.voices import DeadlineBasis, Voice

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
URGENCIES = {
    Urgency.ANY_DAY: "may go any day",
    Urgency.WEEK: "within 7 days",
    Urgency.MONTH: "within 30 days",
    Urgency.TWO_MONTHS: "within 60 days",
    Urgency.LATER: "later",
}
BASES = {
    DeadlineBasis.USED: "counted from its last known use",
    DeadlineBasis.CREATED: "counted from its creation; no use is known",
    DeadlineBasis.ESTIMATED: "estimated: uses before it was found are unknown",
}


class LocalTimes:
    """Times in the zone of whoever makes the page."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def local(self, moment: datetime) -> datetime:
        """The moment by the clocks of the zone."""
        return moment.astimezone(self._zone)

    def date(self, moment: datetime) -> str:
        """Its date."""
        return f"{self.local(moment):%Y-%m-%d}"

    def minute(self, moment: datetime) -> str:
        """Its date and time."""
        return f"{self.local(moment):%Y-%m-%d %H:%M}"

    def short_date(self, moment: datetime) -> str:
        """Its day and month, for a chart."""
        local = self.local(moment)
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}"

    def zone_name(self, moment: datetime) -> str:
        """The zone that times are shown in, at that moment and, where that differs, later."""
        now, later = self._named(moment), self._named(moment + timedelta(days=182))
        return now if now == later else f"{now}, at other times of the year {later}"

    def _named(self, moment: datetime) -> str:
        local = self.local(moment)
        ahead = f"{local:%z}"
        offset = f"UTC{ahead[:3]}:{ahead[3:5]}" if local.utcoffset() else "UTC"
        name = local.tzname() or ""
        return offset if not name or name.startswith(("UTC", "+", "-")) else f"{name} ({offset})"


def month_name(month: date) -> str:
    """A month and its year."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def days_left(voice: Voice, now: datetime) -> str:
    """How long the provider keeps a voice at least; empty where it is not known to have it."""
    days = voice.days_left(now)
    if days is None:
        return ""
    if voice.deadline_at <= now:
        return "any day"
    return many(days, "day") if days else "under 1 day"


def forecast_text(forecast: Forecast, now: datetime) -> str:
    """When a quota will be full, in a sentence."""
    pace = forecast.pace
    whole = pace.period == PERIOD
    lately = "this month" if whole else f"in the last {many(pace.period.days, 'day')}"
    at_pace = "at this month's pace" if whole else f"at the pace of {lately[3:]}"
    match forecast.kind:
        case ForecastKind.FULL:
            return "Full: the next create is refused."
        case ForecastKind.TOO_EARLY:
            known = many(pace.period.days, "day") if pace.period.days else "less than a day"
            return f"Too early for a forecast: looked after for {known}."
        case ForecastKind.STEADY if pace.net < 0:
            return f"No growth {lately}: {-pace.net:,} fewer than before."
        case ForecastKind.STEADY:
            return f"No growth {lately}."
        case ForecastKind.FAR:
            return f"Years away from full {at_pace} (+{pace.net:,})."
        case ForecastKind.FILLING:
            days = forecast.days(now)
            when = f"in {many(days, 'day')}" if days else "within a day"
            return f"Full {when} {at_pace} (+{pace.net:,})."


def freshness_text(quota: Quota, times: LocalTimes) -> str:
    """How far the figures of a quota can be believed."""
    if quota.synced_at is None:
        return "Never compared with the provider: the figures may differ from its own."
    compared = f"Compared with the provider {times.minute(quota.synced_at)}"
    return f"{compared}; by now the figures may differ." if quota.stale else f"{compared}."
