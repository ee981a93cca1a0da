"""Small charts for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from voicereg.cli.output.text import printable
from voicereg.domain.counts import many
from voicereg.domain.uses import DailyUses

_BLOCKS = "▁▂▃▄▅▆▇█"
_WEEKS = 52
_MOST_SOURCES = 6
_LONGEST_NAME = 14


def uses_chart(daily: Sequence[DailyUses], today: date) -> list[str]:
    """The uses of the last year, a line for each source, a column for each week.

    Args:
        daily: how often a voice was used, by day and source.
        today: the last day, in UTC.
    """
    by_source: dict[str, list[int]] = {}
    for one in daily:
        # A use may lie a few minutes ahead, and so on the day after.
        week = _WEEKS - 1 - max(0, (today - one.day).days) // 7
        if week >= 0:
            by_source.setdefault(one.source, [0] * _WEEKS)[week] += one.uses
    if not by_source:
        return []
    ranked = sorted(by_source.items(), key=lambda item: (-sum(item[1]), item[0]))
    shown, others = ranked[:_MOST_SOURCES], ranked[_MOST_SOURCES:]
    if others:
        summed = [sum(weeks) for weeks in zip(*(weeks for _, weeks in others), strict=True)]
        shown.append((f"{len(others)} others", summed))
    highest = max(max(weeks) for _, weeks in shown)
    total = sum(sum(weeks) for _, weeks in ranked)
    first = today - timedelta(days=7 * _WEEKS - 1)
    names = [_fitted(printable(name)) for name, _ in shown]
    lines = [f"{many(total, 'use')} from {first} to {today}, a column for each week:"]
    for name, (_, weeks) in zip(names, shown, strict=True):
        bars = "".join(_bar(uses, highest) for uses in weeks)
        lines.append(f"  {name} {bars} {sum(weeks):,}")
    return lines


def _bar(uses: int, highest: int) -> str:
    if not uses:
        return "·"
    return _BLOCKS[(uses * len(_BLOCKS) - 1) // highest]


def _fitted(name: str) -> str:
    """A name in so many cells; a Chinese character takes two."""
    from rich.cells import set_cell_size

    return set_cell_size(name, _LONGEST_NAME)
