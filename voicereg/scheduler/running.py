"""A scheduler put together from the settings, and run until it is told to stop."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta

from voicereg.domain.rounds import Round
from voicereg.registry import Registry
from voicereg.scheduler.duty import Duty, Watch
from voicereg.scheduler.service import serve
from voicereg.scheduler.timetable import Timetable

HEALTHY_FOR = timedelta(hours=26)
"""How old the last good round may be before /healthz says that something is wrong."""


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
            from voicereg.metrics.endpoint import Endpoint

            running.enter_context(
                Endpoint(registry, port=metrics.port, host=metrics.address, max_age=HEALTHY_FOR)
            )
        serve(duty.tick)


def _watches(registry: Registry, environment: Mapping[str, str]) -> list[Watch]:
    """Who is told of each round."""
    watches: list[Watch] = []
    heartbeat = registry.settings.schedule.heartbeat
    if heartbeat is not None:

        def beat(done: Round) -> None:
            if done.ok:
                from voicereg.notify.heartbeat import beat

                beat(heartbeat, environment=environment)

        watches.append(beat)
    textfile = registry.settings.metrics.textfile
    if textfile is not None:
        from voicereg.metrics.textfile import check_name

        check_name(textfile)

        def write(done: Round) -> None:
            from voicereg.metrics.exposition import expose
            from voicereg.metrics.figures import read_figures
            from voicereg.metrics.textfile import write_textfile

            write_textfile(textfile, expose(read_figures(registry)))

        watches.append(write)
    return watches
