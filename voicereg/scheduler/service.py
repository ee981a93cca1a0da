"""The scheduler in the foreground: APScheduler keeps the time, the calling thread does the work."""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler

EVERY = timedelta(seconds=5)
"""How often it is looked whether a round is due, or the leader has died."""


def serve(tick: Callable[[], object], *, every: timedelta = EVERY) -> None:
    """Call something again and again, until it or a signal raises something.

    Work is done in the calling thread, so that Ctrl-C and signals reach it in its middle; and none
    of APScheduler's code runs there, which swallows what they raise. Nor does a threading.Event,
    whose locks a signal can leave in disorder.

    Args:
        tick: never runs twice at once; what takes longer than the time between is not made up for.
        every: how often.
    """
    # What it logs of its own is of no use.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    turns: queue.SimpleQueue[None] = queue.SimpleQueue()
    scheduler = BackgroundScheduler(executors={"default": DebugExecutor()}, timezone=UTC)
    scheduler.add_job(
        turns.put,
        "interval",
        args=[None],
        seconds=every.total_seconds(),
        # At once, and whenever it can: never skipped for being late.
        next_run_time=datetime.now(UTC),
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )
    scheduler.start()
    try:
        while True:
            # None comes where the machine's clock was put back: APScheduler waits until it is
            # there again, and nothing else may.
            with contextlib.suppress(queue.Empty):
                turns.get(timeout=2 * every.total_seconds())
            tick()
            while not turns.empty():  # what came meanwhile
                turns.get()
    finally:
        scheduler.shutdown(wait=False)
