"""How housekeeping stands, as people read it."""

from __future__ import annotations

from collections.abc import Callable

from voicereg.cli.output.tables import Column, print_fields, print_table
from voicereg.cli.output.text import local_time
from voicereg.domain.errors import LeaseHeld
from voicereg.domain.rounds import RoundRecord, StepState
from voicereg.scheduler.status import Status


def print_status(status: Status, say: Callable[[str], None]) -> None:
    """The rounds in a few lines, the steps as a table."""
    print_fields(
        [
            ("last good round", _round(status.last_good) or "none yet"),
            ("last round", _round(status.last)),
            ("under way", _holder(status.under_way)),
            ("leader", _holder(status.leader) or "no scheduler runs"),
            ("next due", _next_due(status)),
        ]
    )
    print_table(status.steps, _COLUMNS, "no step was run yet: voicereg housekeeping run", say)
    if not status.ok:
        say("the last good round is older than asked for, or there was none")


def _round(found: RoundRecord | None) -> str:
    if found is None:
        return ""
    text = local_time(found.finished_at or found.started_at)
    if found.finished_at is None:
        text += " (not ended)"
    elif not found.ok:
        text += " (with problems)"
    if found.missed:
        text += f", for {found.missed + 1} that were due"
    return f"{text}, {found.holder}"


def _next_due(status: Status) -> str:
    text = local_time(status.next_due_at)
    overdue = status.next_due_at is not None and status.next_due_at <= status.now
    return f"{text} (overdue)" if overdue else text


def _holder(held: LeaseHeld | None) -> str:
    return "" if held is None else f"{held.holder}, since {local_time(held.since)}"


_COLUMNS = (
    Column[StepState]("STEP", lambda step: step.name.replace("_", " ")),
    Column[StepState]("ACCOUNT", lambda step: step.account or ""),
    Column[StepState](
        "LAST",
        lambda step: "ok" if step.error is None else "failed",
        style=lambda step: "green" if step.error is None else "red",
    ),
    Column[StepState]("LAST GOOD", lambda step: local_time(step.good_at) or "never"),
    Column[StepState]("TRIED", lambda step: local_time(step.tried_at), from_width=100),
    Column[StepState]("WHY", lambda step: step.error or "", flexible=True),
)
