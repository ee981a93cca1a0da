"""A scheduler put together from the settings, and run until it is told to stop."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta

from voicereg.domain.rounds import Round
from voicereg.registry import Registry
from voicereg.scheduler.duty import Duty, Watch
from voicereg.scheduler.service import serve
from voicereg.scheduler.timetable import Timetable
from voicereg.settings import Settings

HEALTHY_FOR = timedelta(hours=26)
"""How old the last good round may be before /healthz says that something is wrong."""


def check_settings(settings: Settings) -> None:
    """Refuse what :func:`run_forever` would refuse, while no registry is open yet.

    Raises:
        InvalidInput: the schedule is none, or figures cannot go where they are to.
        ExtraMissing: figures are to be served, and the extra ``metrics`` is not installed.
    """
    Timetable(settings.schedule.round, settings.schedule.timezone)
    if settings.metrics.port is not None:
        from voicereg.metrics.exposition import ensure_available

        ensure_available()
    if settings.metrics.textfile is not None:
        from voicereg.metrics.textfile import check_name

        check_name(settings.metrics.textfile)


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
        InvalidInput, ExtraMissing: what :func:`check_settings` refuses, or nothing can be served
            where it is to be.
        KeyboardInterrupt: what ended it. Leases are released, and the file of figures is gone.
    """
    check_settings(registry.settings)
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
        serve(_turn(duty, running, registry))


def _turn(duty: Duty, running: ExitStack, registry: Registry) -> Callable[[], object]:
    """What is done every few seconds."""
    textfile = registry.settings.metrics.textfile
    if textfile is None:
        return duty.tick
    from voicereg.metrics.kept_file import KeptFile

    kept = KeptFile(textfile, registry)
    running.callback(kept.remove)

    def turn() -> None:
        done = duty.tick()
        kept.keep(at_once=done is not None)

    return turn


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
    return watches
