"""A round of housekeeping, as people read it."""

from __future__ import annotations

from collections.abc import Callable

import click

from voicereg.cli.output.tables import Column, print_table
from voicereg.cli.output.text import printable
from voicereg.domain.counts import many
from voicereg.domain.messages import Language
from voicereg.domain.rounds import Delivery, Round, StepResult
from voicereg.domain.syncs import ChangeKind


def print_round(done: Round, say: Callable[[str], None], language: Language) -> None:
    """The steps as a table, what went wrong beside it, and what a dry run would have told."""
    with_account = any(step.account is not None for step in done.steps)
    columns = [column for column in _COLUMNS if with_account or column.title != "ACCOUNT"]
    print_table(done.steps, columns, "", say)
    for delivery in done.messages:
        _print_delivery(delivery, done.dry_run, say, language)
    if not done.messages:
        say("nothing new to tell" + (" (a dry run: nothing was changed)" if done.dry_run else ""))
    changes = sum(
        step.counts.get(kind.value, 0)
        for step in done.steps
        if done.dry_run and step.name == "sync"
        for kind in ChangeKind
    )
    if changes:
        say(f"a sync would change {many(changes, 'record')} first, which may bring other messages")
    for step in done.steps:
        if step.error is not None:
            of = f" of {step.account}" if step.account else ""
            say(f"attention: {step.name}{of}: {step.error}")


def _print_delivery(
    delivery: Delivery, dry_run: bool, say: Callable[[str], None], language: Language
) -> None:
    message = delivery.message
    count = len(message.items)
    items = many(count, "item")
    if not dry_run:
        how = "told" if delivery.delivered else "not told, and tried again by the next round:"
        say(f"channel {message.channel}: {how} {items}")
        return
    from voicereg.notify import render

    rendered = render(message, language)
    click.echo(f"\n# would tell channel {printable(message.channel)} {items}:\n")
    click.echo(f"{rendered.title}\n\n{rendered.text}")


def _counted(step: StepResult) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {count}" for name, count in step.counts.items() if count
    )


_COLUMNS = (
    Column[StepResult]("STEP", lambda step: step.name.replace("_", " ")),
    Column[StepResult]("ACCOUNT", lambda step: step.account or ""),
    Column[StepResult](
        "RESULT",
        lambda step: "ok" if step.ok else "failed",
        style=lambda step: "green" if step.ok else "red",
    ),
    Column[StepResult]("COUNTS", _counted, flexible=True),
)
