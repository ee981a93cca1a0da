"""Noting uses, writing many at once, resolving aliases, and reading a log of uses.

Figures that are so many a second are compared with the time that one may take.
"""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pairs import Result, compare, main
from benchmarks.registries import fill
from voicereg import Registry, Settings

_VOICES = 2_000
_NOTES = 200_000
_THREADS = 8
_LINES = 100_000
_NAMES = 100_000


def measure_all(pairs: int) -> Sequence[Result]:
    """The rows on uses."""
    with tempfile.TemporaryDirectory() as directory:
        path, other = Path(directory) / "own.db", Path(directory) / "other.db"
        for made in (path, other):
            fill(made, _VOICES)
        plain = sqlite3.connect(other, isolation_level=None)
        plain.execute("PRAGMA synchronous=FULL")
        with Registry.open(str(path), settings=Settings(), environment={}) as registry:
            voices = [voice.voice_id for voice in registry.iter_voices() if voice.voice_id]
            registry.aliases.set("narrator", voices[0])
            results = [
                _rate(
                    "record_use, one thread", lambda: _noted(registry, voices, 1), 500_000, pairs
                ),
                _rate(
                    f"record_use, {_THREADS} threads",
                    lambda: _noted(registry, voices, _THREADS),
                    250_000,
                    pairs,
                ),
                _rate("resolve, warm cache", lambda: _resolved(registry), 200_000, pairs),
                compare(
                    f"flush of {len(voices):,} voices",
                    lambda: _flushed(registry, voices),
                    "their statements in plain sqlite3, one transaction",
                    lambda: _flushed_plainly(plain, voices),
                    reach=10.0,
                    pairs=pairs,
                ),
                compare(
                    f"reading a log of {_LINES:,} uses",
                    lambda: _imported(registry, voices),
                    "reading its JSON and its times",
                    lambda: _read_plainly(voices),
                    reach=6.0,
                    pairs=pairs,
                ),
            ]
        plain.close()
        return results


def _rate(what: str, measure: Callable[[], float], a_second: int, pairs: int) -> Result:
    """One of so many a second, as a share of the time that it may take."""
    return compare(
        what, measure, f"{a_second:,} a second", lambda: 1 / a_second, reach=1.0, pairs=pairs
    )


def _noted(registry: Registry, voices: list[str], threads: int) -> float:
    each = _NOTES // threads
    some = voices[:16]

    def note() -> None:
        record = registry.record_use
        for number in range(each):
            record(some[number & 15])

    workers = [threading.Thread(target=note) for _ in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.perf_counter() - started) / (each * threads)


def _resolved(registry: Registry) -> float:
    resolve = registry.resolve
    started = time.perf_counter()
    for _ in range(_NAMES):
        resolve("narrator")
    return (time.perf_counter() - started) / _NAMES


def _flushed(registry: Registry, voices: list[str]) -> float:
    registry.flush()
    for voice in voices:
        registry.record_use(voice)
    started = time.perf_counter()
    registry.flush()
    return time.perf_counter() - started


def _flushed_plainly(plain: sqlite3.Connection, voices: list[str]) -> float:
    now = datetime.now(UTC)
    text = now.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    day = now.date().isoformat()
    started = time.perf_counter()
    plain.execute("BEGIN IMMEDIATE")
    ids = {
        voice_id: voice
        for start in range(0, len(voices), 500)
        for voice, voice_id in plain.execute(
            "SELECT id, voice_id FROM voices WHERE voice_id IN "
            f"({', '.join('?' * len(voices[start : start + 500]))})",
            voices[start : start + 500],
        )
    }
    plain.executemany(
        "UPDATE voices SET last_used_at = ?, last_used_source = 'plain', deadline_basis = 'used' "
        "WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
        [(text, voice, text) for voice in ids.values()],
    )
    plain.executemany(
        "INSERT INTO voice_uses (voice, day, source, uses) VALUES (?, ?, 'plain', 1) "
        "ON CONFLICT (voice, day, source) DO UPDATE SET uses = uses + excluded.uses",
        [(voice, day) for voice in ids.values()],
    )
    plain.execute("COMMIT")
    return time.perf_counter() - started


def _log(voices: list[str]) -> bytes:
    at = datetime.now(UTC).isoformat()
    lines = [
        json.dumps({"voice_id": voices[number % 50], "at": at, "count": 1})
        for number in range(_LINES)
    ]
    return "\n".join(lines).encode()


def _imported(registry: Registry, voices: list[str]) -> float:
    log = io.BytesIO(_log(voices))
    started = time.perf_counter()
    registry.import_uses(log)
    return time.perf_counter() - started


def _read_plainly(voices: list[str]) -> float:
    log = io.BytesIO(_log(voices))
    started = time.perf_counter()
    for line in log:
        datetime.fromisoformat(json.loads(line)["at"])
    return time.perf_counter() - started


if __name__ == "__main__":
    main(__doc__ or "", measure_all, pairs=5)
