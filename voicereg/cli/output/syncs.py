"""A sync, as people read it."""

from __future__ import annotations

from collections.abc import Callable

from voicereg.cli.output.tables import Column, on_terminal, print_table
from voicereg.domain.counts import many
from voicereg.domain.states import State
from voicereg.domain.syncs import ChangeKind, Sync, SyncChange

_STYLES = {
    ChangeKind.MISSING: "yellow",
    ChangeKind.GONE: "red",
    ChangeKind.ADOPTED: "green",
    ChangeKind.LAPSED: "yellow",
}
_COUNTED = {
    ChangeKind.IMPORTED: "imported",
    ChangeKind.REFRESHED: "brought up to date",
    ChangeKind.ADOPTED: "adopted by the create that made them",
    ChangeKind.RELEASED: "creates that came to nothing",
    ChangeKind.LAPSED: "creates given up by who was at work on them",
    ChangeKind.MISSING: "missing",
    ChangeKind.GONE: "gone",
}
_FEW = 50
"""More imports than that are counted for people, not listed: voicereg list shows them."""


def print_sync(sync: Sync, say: Callable[[str], None]) -> None:
    """What a sync changed, as a table, and a summary beside it."""
    imports = sync.count(ChangeKind.IMPORTED)
    shown = [
        change
        for change in sync.changes
        if change.kind is not ChangeKind.IMPORTED or imports <= _FEW or not on_terminal()
    ]
    if shown:
        print_table(shown, _COLUMNS, "", say)
    for line in summary(sync):
        say(line)


def summary(sync: Sync) -> list[str]:
    """How a sync went, in a few lines."""
    counts = [f"{count} {what}" for kind, what in _COUNTED.items() if (count := sync.count(kind))]
    changed = ", ".join(counts) or ("nothing to change" if sync.complete else "nothing changed")
    would = " (a dry run: nothing was changed)" if sync.dry_run else ""
    lines = [
        f"{sync.account}: {many(sync.listed, 'voice')} listed in "
        f"{many(sync.requests, 'request')}; {changed}{would}"
    ]
    if sync.any_day:
        lines.append(
            f"{many(sync.any_day, 'imported voice')} made over a year ago, and still there: used "
            "by somebody since, and may go any day. voicereg expiring shows what does"
        )
    if sync.unresolved:
        lines.append(
            f"{many(sync.unresolved, 'create')} unresolved, slots held until that is settled: "
            f"voicereg list --state {State.UNRESOLVED.value}"
        )
    lines += [f"attention: {problem}" for problem in sync.problems]
    if not sync.complete:
        lines.append("the sync is not complete: what could not be compared is as it was")
    return lines


_COLUMNS = (
    Column[SyncChange]("ID", lambda change: change.id or ""),
    Column[SyncChange](
        "CHANGE",
        lambda change: change.kind.value,
        style=lambda change: _STYLES.get(change.kind, ""),
    ),
    Column[SyncChange]("FROM", lambda change: change.before or ""),
    Column[SyncChange]("TO", lambda change: change.after.value),
    Column[SyncChange]("WHY", lambda change: change.why, flexible=True),
    Column[SyncChange]("VOICE ID", lambda change: change.voice_id or "", from_width=140),
)
