"""Bars on stderr for work that takes long. Only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from voicereg.cli.output.plans import STOPPING, finished
from voicereg.cli.output.text import printable
from voicereg.domain.deployments import DeploymentProgress, StepOutcome
from voicereg.domain.families import Family
from voicereg.domain.syncs import SyncProgress, SyncStage

_DOING = {SyncStage.LISTING: "reading", SyncStage.CHECKING: "checking"}


@contextmanager
def sync_bars() -> Iterator[Callable[[SyncProgress], None]]:
    """Bars for a sync, one for each stage of each family; what yields is told the progress."""
    tasks: dict[tuple[Family, SyncStage], TaskID] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:

        def show(progress: SyncProgress) -> None:
            key = (progress.family, progress.stage)
            if key not in tasks:
                what = f"{_DOING[progress.stage]} {progress.family.value} voices"
                tasks[key] = bars.add_task(what, total=None)
            # More may be listed than were known: the bar must not pass its end.
            total = None
            if progress.expected is not None:
                total = max(progress.expected, progress.done)
            bars.update(tasks[key], completed=progress.done, total=total)

        yield show


@contextmanager
def step_status() -> Iterator[Callable[[str, str | None], None]]:
    """The step of a round that is under way; what yields is told it, and its account."""
    with Console(stderr=True).status("") as status:

        def show(step: str, account: str | None) -> None:
            of = f" of {printable(account)}" if account else ""
            status.update(Text(f"{step.replace('_', ' ')}{of} …"))

        yield show


@contextmanager
def bytes_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for a file that is read; what yields is told the bytes done, and how many there are."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        task = bars.add_task(printable(what), total=None)
        yield lambda done, whole: bars.update(task, completed=done, total=whole)


@contextmanager
def rows_bar(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar for the rows of several tables; what yields is told a table, and how many more."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        task = bars.add_task("", total=total)
        done = 0

        def show(table: str, more: int) -> None:
            nonlocal done
            done += more
            if done > total:
                # All is looked at once more, to see whether the copy is the same.
                done = more
                bars.reset(task, description="checking", total=total)
            what = bars.tasks[0].description
            is_checking = what == "checking"
            bars.update(
                task,
                completed=done,
                description=what if is_checking else table.replace("_", " "),
            )

        yield show


_NAMED = 2
"""So many of the voices under way are named beside a bar."""


@contextmanager
def deployment_bar() -> Iterator[Callable[[DeploymentProgress], None]]:
    """A bar for what a manifest asks for; what yields is told how far it has come.

    What went wrong is told above it.
    """
    console = Console(stderr=True)
    with Progress(
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
    ) as bars:
        task = bars.add_task("", total=None)
        has_told = False

        def show(progress: DeploymentProgress) -> None:
            nonlocal has_told
            done = progress.finished
            if done is not None and done.outcome is not StepOutcome.DONE:
                console.print(Text(printable(finished(done))))
            if progress.is_stopping and not has_told:
                has_told = True
                console.print(Text(STOPPING))
            keys = ", ".join(progress.under_way[:_NAMED])
            if len(progress.under_way) > _NAMED:
                keys += f" and {len(progress.under_way) - _NAMED} more"
            what = f"waiting for {keys}" if progress.is_stopping and keys else keys
            bars.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=printable(what),
            )

        yield show
