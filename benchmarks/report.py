"""Every benchmark in turn, and a page that tells their figures: ``docs/performance.md``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.pairs import Count, Result, Row, shown_reach, shown_time
from voicereg.engine import Database
from voicereg.tables import voices
from voicereg.version import __version__


@dataclass(frozen=True)
class Chapter:
    """A table of the page."""

    title: str
    words: tuple[str, ...]
    """The module, and what it is told."""
    text: str


def chapters(directory: Path, large: int, mlflow: str) -> tuple[Chapter, ...]:
    """All of them, in order."""
    scale = ("benchmarks.scale", "--directory", str(directory), "--large", str(large))
    return (
        Chapter(
            "Start-up",
            ("benchmarks.startup",),
            "Whole processes, against one that imports a single module; 2,000 voices on record.",
        ),
        Chapter(
            "Reservations",
            ("benchmarks.reservations",),
            "Two transactions, each synchronous, against the same statements in plain `sqlite3`.",
        ),
        Chapter(
            "Uses",
            ("benchmarks.uses",),
            "What a service pays for each use, as a share of what it may cost; and what a flush "
            "and a log of uses take.",
        ),
        Chapter(
            "Syncs",
            ("benchmarks.syncs",),
            "An account with 2,000 voices, all of them known, against reading the same pages and "
            "doing nothing with them.",
        ),
        Chapter(
            "Many at once",
            ("benchmarks.crowds",),
            "Sixteen processes create a voice each where ten slots are left. The time is that of "
            "processes that load what they need for the first time.",
        ),
        Chapter(
            f"{large:,} voices, in many accounts",
            scale,
            f"The same questions to a registry of {large:,} voices and to one of 10,000: accounts "
            "hold 1,500 voices each and remember 1,000 that are gone. SQLite.",
        ),
        Chapter(
            f"{large:,} voices, in one account",
            (*scale, "--accounts", "1"),
            "The same, where one account remembers all of them, and 1,500 are still there.",
        ),
        Chapter(
            "A quota check",
            ("benchmarks.listings",),
            "Against counting what the provider lists, each time. The provider is a stand-in on "
            "the same machine: a real one is further away.",
        ),
        Chapter(
            "Beside MLflow's model registry",
            ("benchmarks.alternatives", "--python", mlflow),
            "What a team might otherwise keep its voices in; both on SQLite, with 1,000 entries. "
            "It holds no slots and knows no quota, so a create is one transaction there and two "
            "here.",
        ),
    )


def on_postgresql(small_url: str, large_url: str) -> Chapter:
    """The same questions on a server, where two registries are there already."""
    small, large = _voices(small_url), _voices(large_url)
    return Chapter(
        f"{large:,} voices on PostgreSQL",
        ("benchmarks.scale", "--small-url", small_url, "--large-url", large_url),
        f"The same of a registry of {small:,} voices and of one of {large:,}, in many accounts.",
    )


def _voices(url: str) -> int:
    database = Database.open(url)
    with database.read() as connection:
        count: int = connection.execute(sa.select(sa.func.count()).select_from(voices)).scalar_one()
    database.close()
    return count


def page(chosen: Sequence[Chapter]) -> str:
    """Run everything, and put the page together."""
    parts = [_HEAD.format(**_machine())]
    for chapter in chosen:
        print(f"{chapter.title} …", file=sys.stderr)
        rows = _rows(chapter.words)
        parts.append(f"## {chapter.title}\n\n{chapter.text}\n")
        parts.append(_table(rows) if rows else "Not measured: MLflow was not installed.\n")
    return "\n".join(parts)


_HEAD = """# Performance

What voicereg costs, measured on {date} with version {version}: {cores} cores ({processor}),
Python {python}, SQLite {sqlite}. `make bench` measures it anew and writes this page.

Each figure is the median of several, taken in turn with its baseline, and the ratio that of the
pairs: a slow machine slows both. Where a ratio or a number is to be reached, it says so.
"""


def _machine() -> dict[str, str | int]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "version": __version__,
        "cores": os.cpu_count() or 1,
        "processor": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _rows(words: tuple[str, ...]) -> list[Row]:
    command = [sys.executable, "-m", *words, "--json"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [_row(values) for values in json.loads(printed)]


def _row(values: dict[str, Any]) -> Row:
    values.pop("reached")
    return Count(**values) if "count" in values else Result(**values)


def _table(rows: list[Row]) -> str:
    lines = [
        "| what | median | baseline | ratio | to reach | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        reached = (
            "" if row.reach == float("inf") else "reached" if row.reached else "**not reached**"
        )
        if isinstance(row, Count):
            cells = [row.what, f"{row.count:,.10g} {row.unit}", "", "", shown_reach(row), reached]
        else:
            cells = [
                f"`{row.what}`" if row.what.startswith("voicereg ") else row.what,
                shown_time(row.seconds).strip(),
                shown_time(row.baseline_seconds).strip(),
                f"{row.ratio:.2f}",
                shown_reach(row),
                reached,
            ]
        lines.append(f"| {' | '.join(cells)} |")
    baselines = dict.fromkeys(row.baseline for row in rows if isinstance(row, Result))
    told = [
        f"{baseline} ({', '.join(_told(rows, baseline))})" if len(baselines) > 1 else baseline
        for baseline in baselines
    ]
    return "\n".join([*lines, "", f"Baseline: {'; '.join(told)}.", ""])


def _told(rows: list[Row], baseline: str) -> list[str]:
    return [row.what for row in rows if isinstance(row, Result) and row.baseline == baseline]


def main() -> None:
    """Run everything, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="where the page is to be")
    parser.add_argument("--directory", type=Path, default=Path(".bench"), help="for registries")
    parser.add_argument("--large", type=int, default=1_000_000, help="voices in the large registry")
    parser.add_argument("--mlflow", default=sys.executable, help="a Python that has mlflow")
    parser.add_argument(
        "--postgresql",
        nargs=2,
        metavar=("SMALL_URL", "LARGE_URL"),
        help="registries on a server, filled by benchmarks.registries",
    )
    given = parser.parse_args()
    chosen = list(chapters(given.directory, given.large, given.mlflow))
    if given.postgresql:
        chosen.insert(-2, on_postgresql(*given.postgresql))
    text = page(chosen)
    given.page.parent.mkdir(exist_ok=True)
    given.page.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
