"""A scheduler put together from the settings, and run until it is told to stop."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from voicereg.domain.rounds import Round
from voicereg.registry import Registry
from voicereg.scheduler.duty import Duty, Watch
from voicereg.scheduler.service import serve
from voicereg.scheduler.timetable import Timetable

_logger = logging.getLogger(__name__)


def run_forever(
    registry: Registry,
    *,
    all_accounts: bool,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run rounds on the schedule of the settings, until a signal or Ctrl-C.

    Args:
        registry: an open one.
        all_accounts: look after all accounts, those that are added later, too; else the selected
            one.
        environment: where URLs are found that the settings name by a variable; None: the process's.

    Raises:
        InvalidInput: the schedule is none.
        KeyboardInterrupt: what ended it. Leases are released.
    """
    schedule = registry.settings.schedule
    timetable = Timetable(schedule.round, schedule.timezone)

    def accounts() -> Sequence[str]:
        if all_accounts:
            return [found.name for found in registry.accounts.all()]
        return [registry.accounts.one().name]

    duty = Duty(
        registry,
        timetable,
        accounts=accounts,
        watches=_watches(registry, os.environ if environment is None else environment),
        rng=random.SystemRandom(),
        jitter=schedule.jitter,
    )
    with ExitStack() as running:
        running.callback(duty.stop)
        metrics = registry.settings.metrics
        if metrics.port is not None:
            from voicereg.metrics import serve_metrics

            served = serve_metrics(registry, address=metrics.address, port=metrics.port)
            running.enter_context(served)
        serve(duty.tick)


def _watches(registry: Registry, environment: Mapping[str, str]) -> list[Watch]:
    """Who is told of each round."""
    watches: list[Watch] = []
    heartbeat, textfile = registry.settings.schedule.heartbeat, registry.settings.metrics.textfile
    if heartbeat is not None:

        def beat(done: Round) -> None:
            if done.ok:
                from voicereg.notify.heartbeat import beat

                beat(heartbeat, environment=environment)

        watches.append(beat)
    if textfile is not None:

        def write(done: Round) -> None:
            from voicereg.metrics import write_textfile

            write_textfile(registry, textfile)

        watches.append(write)
    return watches
