"""One round: every step on its own footing, so that one which fails does not stop the others."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from voicereg.domain.errors import DatabaseProblem, LeaseHeld, VoiceregError
from voicereg.domain.rounds import ROUND_LEASE, Round, StepResult
from voicereg.housekeeping.leadership import leading
from voicereg.housekeeping.steps import deliver, keep_alive, prune, settle, sync, warn
from voicereg.housekeeping.work import Done, Work
from voicereg.notify import Channel, open_channel
from voicereg.registry import Registry
from voicereg.settings import ChannelSettings

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Step:
    name: str
    run: Callable[[Work, str], Done] | None = None
    """For each account."""
    run_once: Callable[[Work], Done] | None = None
    """For all at once."""


STEPS = (
    _Step("sync", run=sync.run),
    _Step("settle", run=settle.run),
    _Step("keep_alive", run=keep_alive.run),
    _Step("warn", run=warn.run),
    _Step("deliver", run_once=deliver.run),
    _Step("prune", run_once=prune.run),
)
"""In this order: what was just found, settled or kept alive is not warned of."""

OnStep = Callable[[str, str | None], None]
"""Told of a step and its account before it begins."""


def run_round(
    registry: Registry,
    *,
    accounts: Sequence[str] | None = None,
    dry_run: bool = False,
    on_step: OnStep | None = None,
    environment: Mapping[str, str] | None = None,
    due_at: datetime | None = None,
    missed: int = 0,
) -> Round:
    """Sync, settle, keep alive, warn, deliver, prune. Running it twice is harmless.

    Args:
        registry: an open one.
        accounts: their names; None: the selected one.
        dry_run: show what would be told, and change and send nothing.
        on_step: told of each step before it begins.
        environment: where channels find their URLs; None: the process's.
        due_at: when a schedule wanted it; None: somebody asks for it now.
        missed: earlier ones of the schedule that it stands for, too.

    Raises:
        LeaseHeld: another round is at work on the same database; nothing was done.
        AccountNotFound: no such account.
        DatabaseProblem: it cannot be reached at all.
    """
    names = [registry.accounts.one(name).name for name in accounts or (None,)]
    variables = os.environ if environment is None else environment

    def channel(settings: ChannelSettings) -> Channel:
        return open_channel(settings.name, settings.url, environment=variables)

    if dry_run:
        return _run(Work(registry, names, None, channel), on_step)
    with leading(registry, ROUND_LEASE) as lease:
        number = registry.rounds.begin(due_at=due_at, missed=missed)
        done = _run(Work(registry, names, lease, channel), on_step)
        try:
            registry.rounds.finish(number, ok=done.ok)
        except DatabaseProblem as problem:
            _logger.warning("that the round has ended was not noted: %s", problem)
        return done


def _run(work: Work, on_step: OnStep | None) -> Round:
    registry = work.registry
    started_at = registry.now()
    results = []
    for step in STEPS:
        for account in work.accounts if step.run else [None]:
            if on_step is not None:
                on_step(step.name, account)
            result = _result(step, work, account)
            results.append(result)
            if not work.dry_run:
                _note(registry, result)
    return Round(
        started_at=started_at,
        finished_at=registry.now(),
        dry_run=work.dry_run,
        steps=tuple(results),
        messages=tuple(work.deliveries),
    )


def _result(step: _Step, work: Work, account: str | None) -> StepResult:
    try:
        if work.lease is not None:
            work.lease.check()
        if step.run is not None and account is not None:
            done = step.run(work, account)
        elif step.run_once is not None:
            done = step.run_once(work)
        else:
            raise AssertionError(step)
    except LeaseHeld:
        raise
    except VoiceregError as error:
        said = f"{error}; {error.advice}" if error.advice else str(error)
        return StepResult(step.name, account, error=said)
    except Exception as error:
        # A fault of one step must not keep the others from their work.
        _logger.exception("step %s of account %s failed", step.name, account)
        return StepResult(step.name, account, error=f"internal error: {type(error).__name__}")
    return StepResult(step.name, account, "; ".join(done.problems) or None, done.counts)


def _note(registry: Registry, result: StepResult) -> None:
    try:
        registry.rounds.note(result)
    except DatabaseProblem as problem:
        _logger.warning("how step %s went was not noted: %s", result.name, problem)
