"""A sync of 2,000 voices that are all known: its requests, its memory and its time.

Against reading the same listings with nothing but ``httpx`` and ``json``.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from benchmarks.pairs import Count, Result, Row, compare, main
from benchmarks.registries import populate
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox

_KNOWN, _GONE = 2_000, 100_000
_MOST_REQUESTS = 24
_FAMILIES = ("cosyvoice", "qwen-tts")


def measure_all(pairs: int) -> Sequence[Row]:
    """The rows on syncs."""
    with _known() as (sandbox, registry), _known(_GONE) as (_, old):
        done = registry.sync()
        assert done.complete
        assert not done.changes
        started = len(sandbox.requests)
        pages = [request.body for request in sandbox.requests[started - done.requests :]]
        time_row: Result = compare(
            f"sync of {_KNOWN:,} known voices",
            lambda: _timed(registry),
            "the same pages with httpx and json",
            lambda: _read(sandbox, pages),
            reach=float("inf"),
            pairs=pairs,
        )
        return [
            Count(time_row.what, done.requests, "requests", _MOST_REQUESTS),
            Count("its memory at the most", round(_peak(registry) / 1e6, 1), "MB", 16),
            Count(
                f"its memory, with {_GONE:,} gone voices beside",
                round(_peak(old) / _peak(registry), 2),
                "times as much",
                1.5,
            ),
            time_row,
            compare(
                f"its time, with {_GONE:,} gone voices beside",
                lambda: _timed(old),
                "without them",
                lambda: _timed(registry),
                reach=3.0,
                pairs=pairs,
            ),
        ]


@contextmanager
def _known(gone: int = 0) -> Iterator[tuple[Sandbox, Registry]]:
    """A registry that knows all voices of a provider, and so many that are gone."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Sandbox.start(review_time=timedelta(0)) as sandbox,
        Registry.open(
            _made(Path(directory) / "registry.db", gone),
            settings=Settings(base_url=sandbox.base_url),
            environment={DEFAULT_KEY_VARIABLE: sandbox.api_key},
        ) as registry,
    ):
        for family in _FAMILIES:
            sandbox.fill(family, _KNOWN // 2)
        registry.sync()
        yield sandbox, registry


def _made(path: Path, gone: int) -> str:
    url = f"sqlite:///{path}"
    if gone:
        populate(url, gone, accounts=1, live=0)
    return url


def _timed(registry: Registry) -> float:
    started = time.perf_counter()
    registry.sync()
    return time.perf_counter() - started


def _read(sandbox: Sandbox, pages: Sequence[object]) -> float:
    started = time.perf_counter()
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        for page in pages:
            client.post(f"{sandbox.base_url}/services/audio/tts/customization", json=page).json()
    return time.perf_counter() - started


def _peak(registry: Registry) -> float:
    """The most memory that a sync takes at once, in bytes."""
    registry.sync()
    tracemalloc.start()
    try:
        registry.sync()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main(__doc__ or "", measure_all, pairs=5)
