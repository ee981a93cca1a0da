"""The scheduler in the foreground: APScheduler keeps the time, the main thread does the work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

EVERY = timedelta(seconds=5)
"""How often it is looked whether a round is due, or the leader has died."""


def serve(tick: Callable[[], object], *, every: timedelta = EVERY) -> None:
    """Call something again and again, until it or a signal raises something.

    Work is done in the calling thread, so that Ctrl-C and signals reach it in its middle.

    Args:
        tick: never runs twice at once; what takes longer than the time between is not made up for.
        every: how often.
    """
    # What it logs of its own is of no use: that a call took long, and is not repeated.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    scheduler = BlockingScheduler(executors={"default": DebugExecutor()})
    ended: list[BaseException] = []

    def call() -> None:
        try:
            tick()
        except BaseException as error:  # noqa: BLE001 - the executor would swallow a KeyboardInterrupt
            ended.append(error)
            scheduler.shutdown(wait=False)

    scheduler.add_job(
        call,
        "interval",
        seconds=every.total_seconds(),
        # At once, and whenever it can: never skipped for being late.
        next_run_time=datetime.now(UTC),
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )
    try:
        scheduler.start()
    finally:
        if scheduler.running:
            scheduler.shutdown(wait=False)
    if ended:
        raise ended[0]
