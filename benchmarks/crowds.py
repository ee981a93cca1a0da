"""Sixteen processes that all create a voice where ten slots are left: exactly ten get one.

On SQLite, and on the PostgreSQL server that the tests bring along. The time is that of all
sixteen, against one process that asks as often.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from benchmarks.pairs import Count, Result, Row, as_json, compare, show
from voicereg import QuotaExceeded, Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.engine import Database
from voicereg.sandbox import Sandbox
from voicereg.schema.migrate import upgrade

_PROCESSES, _HELD, _LIMIT = 16, 990, 1_000
_PAIRS = 3
_WAIT_SECONDS = 60
_ASKED = {
    "target_model": "qwen3-tts-vd-2026-01-26",
    "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.",
    "preview_text": "Welcome to our audiobook.",
    "name": "narrator",
}
Place = tuple[str, str, str]
"""The database, the provider's address and the key."""


def measure(kind: str, new_url: Iterator[str], pairs: int) -> list[Row]:
    """The rows of one kind of database."""
    made: list[Counter[str]] = []

    def crowd() -> float:
        seconds, results = _all_at_once(next(new_url))
        made.append(results)
        return seconds

    timed: Result = compare(
        f"{_PROCESSES} processes at {_HELD} of {_LIMIT:,}, {kind}",
        crowd,
        "one process that asks as often",
        lambda: _one_by_one(next(new_url)),
        reach=float("inf"),
        pairs=pairs,
    )
    wrong = [results for results in made if results.keys() - {"made", "refused"}]
    right = {results["made"] for results in made}
    count = right.pop() if len(right) == 1 and not wrong else -1
    return [Count(f"voices made by them, {kind}", count, "voices", 10, is_exact=True), timed]


@contextmanager
def _provider(url: str) -> Iterator[Place]:
    with Sandbox.start(review_time=timedelta(0)) as sandbox:
        place = (url, sandbox.base_url, sandbox.api_key)
        sandbox.fill("qwen-tts", _HELD)
        with closing(Database.open(url)) as database:
            upgrade(database)
        with _opened(place) as registry:
            registry.sync()
        yield place


def _opened(place: Place) -> Registry:
    url, base_url, key = place
    return Registry.open(
        url, settings=Settings(base_url=base_url), environment={DEFAULT_KEY_VARIABLE: key}
    )


def _create(registry: Registry) -> str:
    try:
        registry.design(**_ASKED)  # type: ignore[arg-type]
    except QuotaExceeded:
        return "refused"
    except Exception as error:  # noqa: BLE001 - it is counted as what it is
        return type(error).__name__
    return "made"


def _work(place: Place, together: Barrier, answer: Connection) -> None:
    with _opened(place) as registry:
        registry.quota("qwen-tts")
        together.wait(_WAIT_SECONDS)
        answer.send(_create(registry))


def _all_at_once(url: str) -> tuple[float, Counter[str]]:
    spawning = multiprocessing.get_context("spawn")
    together = spawning.Barrier(_PROCESSES + 1)
    with _provider(url) as place:
        answers, workers = [], []
        for _ in range(_PROCESSES):
            ours, theirs = spawning.Pipe(duplex=False)
            answers.append(ours)
            workers.append(spawning.Process(target=_work, args=(place, together, theirs)))
        for worker in workers:
            worker.start()
        together.wait(_WAIT_SECONDS)
        started = time.perf_counter()
        results = Counter(answer.recv() for answer in answers)
        seconds = time.perf_counter() - started
        for worker in workers:
            worker.join()
    return seconds, results


def _one_by_one(url: str) -> float:
    with _provider(url) as place, _opened(place) as registry:
        started = time.perf_counter()
        for _ in range(_PROCESSES):
            _create(registry)
        return time.perf_counter() - started


def _files(directory: Path) -> Iterator[str]:
    for number in range(1_000):
        yield f"sqlite:///{directory / f'{number}.db'}"


def _databases(stack: ExitStack) -> Iterator[str]:
    from tests.databases import postgres_server

    server = stack.enter_context(postgres_server())
    while True:
        yield server.create(migrated=False)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=_PAIRS, help="how often each is measured")
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = measure("SQLite", _files(directory), given.pairs)
        rows += measure("PostgreSQL", _databases(stack), given.pairs)
    if given.json:
        print(as_json(rows))
    else:
        show(rows)


if __name__ == "__main__":
    main()
