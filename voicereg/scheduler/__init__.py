"""Rounds on a schedule, in the foreground; the only place that knows APScheduler."""

from __future__ import annotations

from voicereg.scheduler.opening import open_patiently
from voicereg.scheduler.running import check_settings, run_forever
from voicereg.scheduler.status import Status, status_of
from voicereg.scheduler.timetable import Due, Timetable

__all__ = [
    "Due",
    "Status",
    "Timetable",
    "check_settings",
    "open_patiently",
    "run_forever",
    "status_of",
]
