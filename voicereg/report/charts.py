"""Charts as shapes: where every bar and label of an SVG picture is. The template draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voicereg.domain.counts import many
from voicereg.domain.deadlines import Timeline, Urgency, Week
from voicereg.domain.families import Family
from voicereg.domain.quotas import Quota
from voicereg.domain.uses import MonthlyUses
from voicereg.report.wording import MONTHS, URGENCIES, LocalTimes, month_name

WIDTHS: Mapping[str, int] = {"small": 340, "medium": 520, "large": 760, "full": 1280}
"""Each chart is drawn several times, so that its letters stay as large as all others; the page
shows the one that fits."""
_HEIGHT = 190
_TOP, _BOTTOM = 14, 24
_LETTER = 6.2
"""How wide a character of a label is, about."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    """What it stands for, by which it is coloured."""


@dataclass(frozen=True, slots=True)
class Column:
    """Bars that stand on each other, and what they tell together."""

    title: str
    bars: Sequence[Bar]
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Label:
    """A word at an axis."""

    x: float
    y: float
    text: str
    anchor: str
    """``start``, ``middle`` or ``end``."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture."""

    size: str
    """Of which of the :data:`WIDTHS` it is."""
    width: int
    height: int
    columns: Sequence[Column]
    labels: Sequence[Label]
    lines: Sequence[tuple[float, float, float]]
    """Level lines: from, to, and how far down."""
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Stack:
    title: str
    label: str
    parts: Sequence[tuple[str, int]]
    """What each part stands for, and how many; from below."""

    @property
    def total(self) -> int:
        return sum(count for _, count in self.parts)


def deadline_charts(timeline: Timeline, times: LocalTimes) -> list[Chart]:
    """Deadlines by week, after those that are past."""
    named, before = [], None
    for week in timeline.weeks:
        month = MONTHS[times.local(week.begins_at).month - 1]
        named.append(_week_stack(week, "" if before in (None, month) else month, times))
        before = month
    past = _Stack(
        f"{many(timeline.any_day, 'voice')} past their deadline: may go any day",
        "any day",
        [(Urgency.ANY_DAY.value, timeline.any_day)],
    )
    return [_chart(size, [past, *named], first_is_apart=True) for size in WIDTHS]


def use_charts(months: Sequence[MonthlyUses]) -> list[Chart]:
    """Uses by month, those of one family on those of the other."""
    stacks = [
        _Stack(
            f"{month_name(one.month)}: {many(one.total, 'use')} ("
            + ", ".join(f"{family.value} {one.by_family[family]:,}" for family in Family)
            + ")",
            MONTHS[one.month.month - 1],
            [(family.value, one.by_family[family]) for family in Family],
        )
        for one in months
    ]
    return [_chart(size, stacks) for size in WIDTHS]


def gauge(quota: Quota, width: int = 1_000) -> list[Bar]:
    """The parts of a quota's limit from left to right, in thousandths.

    Where more is held than the limit allows, all of it is taken, in the same proportions.
    """
    settled = quota.used - quota.creating - quota.unresolved
    parts = (
        ("held", settled),
        ("creating", quota.creating),
        ("unresolved", quota.unresolved),
        ("unseen", quota.unseen),
    )
    whole = max(quota.limit, quota.used + quota.unseen, 1)
    bars, x = [], 0.0
    for kind, count in parts:
        if count:
            wide = count * width / whole
            # A single slot is seen, too.
            bars.append(Bar(round(x, 2), 0, round(max(wide, 3), 2), 10, kind))
            x += wide
    return bars


def _week_stack(week: Week, label: str, times: LocalTimes) -> _Stack:
    days = f"{times.short_date(week.begins_at)} to {times.short_date(week.ends_at)}"
    title = f"{days}: {many(week.total, 'voice')}"
    if week.total:
        title += f" ({', '.join(URGENCIES[one] for one, count in week.counts.items() if count)})"
    return _Stack(title, label, [(one.value, count) for one, count in week.counts.items()])


def _chart(size: str, stacks: Sequence[_Stack], *, first_is_apart: bool = False) -> Chart:
    width = WIDTHS[size]
    highest = _round_up(max(stack.total for stack in stacks))
    left = 10 + _LETTER * len(f"{highest:,}")
    apart = 58.0 if first_is_apart else 0.0
    base, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    step = (width - left - apart) / (len(stacks) - first_is_apart)
    columns, labels = [], []
    free_from = left
    for number, stack in enumerate(stacks):
        if first_is_apart and number == 0:
            x, wide = left + 8, apart - 24
        else:
            x = left + apart + (number - first_is_apart) * step
            wide = step * 0.78
            x += (step - wide) / 2
        columns.append(_column(stack, x, wide, base, room / highest))
        middle = x + wide / 2
        half = _LETTER * len(stack.label) / 2
        if stack.label and middle - half >= free_from - 1 and middle + half <= width + 4:
            labels.append(Label(round(middle, 1), base + 16, stack.label, "middle"))
            free_from = middle + half + 7
    levels = sorted({0, highest // 2, highest} if highest > 1 else {0, highest})
    for level in levels:
        y = round(base - room * level / highest, 1)
        labels.append(Label(left - 5, y + 4, f"{level:,}", "end"))
    lines = [(left, width, round(base - room * level / highest, 1)) for level in levels]
    return Chart(size, width, _HEIGHT, columns, labels, lines, _TOP, base)


def _column(stack: _Stack, x: float, width: float, base: float, per_one: float) -> Column:
    bars, y = [], base
    for kind, count in stack.parts:
        if count:
            # One voice is seen, too, however many there are in another week.
            height = max(count * per_one, 1.5)
            y -= height
            bars.append(Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind))
    return Column(stack.title, bars, round(x, 1), round(width, 1))


def _round_up(highest: int) -> int:
    """The end of a scale: a round number that is at least as high, and even where it can be."""
    if highest <= 2:
        return max(1, highest)
    size: int = 10 ** (len(str(highest)) - 1)
    for tenths in (10, 12, 16, 20, 24, 30, 40, 50, 60, 80):
        end, rest = divmod(tenths * size, 10)
        if end >= highest and not rest and end % 2 == 0:
            return end
    return 10 * size
