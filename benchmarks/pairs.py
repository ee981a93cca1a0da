"""Two things measured in turn, A B A B …, so that a machine that slows down slows both."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    what: str
    baseline: str
    seconds: float
    """Median of what was measured."""
    baseline_seconds: float
    """Median of the baseline."""
    ratio: float
    """Median of the ratios, pair by pair."""
    reach: float
    """The ratio that must not be passed."""
    pairs: int

    @property
    def reached(self) -> bool:
        """Whether the figure is reached."""
        return self.ratio <= self.reach


@dataclass(frozen=True)
class Count:
    """A row that is no time: something that is counted."""

    what: str
    count: float
    unit: str
    reach: float
    """The number that must not be passed."""
    is_exact: bool = False
    """Whether it must be that number."""

    @property
    def reached(self) -> bool:
        """Whether the figure is reached."""
        return self.count == self.reach if self.is_exact else self.count <= self.reach


Row = Result | Count


def compare(
    what: str,
    measure: Callable[[], float],
    baseline: str,
    measure_baseline: Callable[[], float],
    *,
    reach: float,
    pairs: int,
) -> Result:
    """Measure two things in turn, after one of each that is not counted.

    Args:
        what: the name of the row.
        measure: does the thing once, and returns its seconds.
        baseline: the name of what it is compared with.
        measure_baseline: likewise.
        reach: the ratio that must not be passed.
        pairs: how often.
    """
    measure(), measure_baseline()
    measured = [(measure(), measure_baseline()) for _ in range(pairs)]
    return Result(
        what=what,
        baseline=baseline,
        seconds=statistics.median(own for own, _ in measured),
        baseline_seconds=statistics.median(other for _, other in measured),
        ratio=statistics.median(own / other for own, other in measured),
        reach=reach,
        pairs=pairs,
    )


def shown_reach(row: Row) -> str:
    """The figure to reach; a dash where there is none."""
    if row.reach == float("inf"):
        return "-"
    return f"{row.reach:,.10g}" if isinstance(row, Count) else f"{row.reach:.2f}"


def shown_time(seconds: float) -> str:
    """A time in a fitting unit."""
    if seconds < 1e-4:
        return f"{seconds * 1e6:>7.2f} µs"
    return f"{seconds * 1000:>7.1f} ms"


def main(description: str, measure_all: Callable[[int], Sequence[Row]], pairs: int) -> None:
    """The command line that every script has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=pairs, help="how often each is measured")
    given = parser.parse_args()
    results = measure_all(given.pairs)
    if given.json:
        print(as_json(results))
    else:
        show(results)


def as_json(results: Sequence[Row]) -> str:
    """The rows for programs."""
    return json.dumps([asdict(row) | {"reached": row.reached} for row in results], indent=2)


def show(rows: Sequence[Row]) -> None:
    """Print a table of the rows."""
    print(f"{'what':<46} {'median':>10} {'baseline':>10} {'ratio':>6} {'reach':>6}")
    for row in rows:
        left = "" if row.reached else "  NOT REACHED"
        if isinstance(row, Count):
            print(f"{row.what:<46} {row.count:>10,.10g} {row.unit:<17} {shown_reach(row):>6}{left}")
            continue
        print(
            f"{row.what:<46} {shown_time(row.seconds)} {shown_time(row.baseline_seconds)} "
            f"{row.ratio:>6.2f} {shown_reach(row):>6}{left}"
        )
    results = [row for row in rows if isinstance(row, Result)]
    for baseline in dict.fromkeys(result.baseline for result in results):
        of = [result.what for result in results if result.baseline == baseline]
        print(f"baseline of {'all' if len(of) == len(rows) else ', '.join(of)}: {baseline}")
