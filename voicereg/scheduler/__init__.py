"""Rounds on a schedule, in the foreground; the only place that knows APScheduler."""

from __future__ import annotations

from voicereg.scheduler.running import run_forever
from voicereg.scheduler.status import Status, status_of
from voicereg.scheduler.timetable import Due, Timetable

__all__ = ["Due", "Status", "Timetable", "run_forever", "status_of"]
