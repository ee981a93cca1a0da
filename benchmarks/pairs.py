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


def _time(seconds: float) -> str:
    if seconds < 1e-4:
        return f"{seconds * 1e6:>7.2f} µs"
    return f"{seconds * 1000:>7.1f} ms"


def main(description: str, measure_all: Callable[[int], Sequence[Result]], pairs: int) -> None:
    """The command line that every script has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=pairs, help="how often each is measured")
    given = parser.parse_args()
    results = measure_all(given.pairs)
    if given.json:
        print(json.dumps([asdict(r) | {"reached": r.reached} for r in results], indent=2))
        return
    show(results)


def show(results: Sequence[Result]) -> None:
    """Print a table of the rows."""
    print(f"{'what':<46} {'median':>10} {'baseline':>10} {'ratio':>6} {'reach':>6}")
    for result in results:
        print(
            f"{result.what:<46} {_time(result.seconds)} "
            f"{_time(result.baseline_seconds)} {result.ratio:>6.2f} {result.reach:>6.2f}"
            + ("" if result.reached else "  NOT REACHED")
        )
    for baseline in dict.fromkeys(result.baseline for result in results):
        rows = ", ".join(result.what for result in results if result.baseline == baseline)
        print(f"baseline of {rows}: {baseline}")
