"""Many processes record at once, end as they please, and every use is counted exactly once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import pytest

from tests.cli.support import environment
from tests.engine.test_forks import _in_child
from tests.engine.waiting import LONG
from tests.processes.running import CONTEXT, running
from tests.processes.work import Place
from tests.registry.rows import insert_voices
from tests.uses.support import counted
from voicereg.sandbox import Sandbox

PROCESSES, THREADS, VOICES = 8, 4, 5


@pytest.fixture
def place(database_url: str, sandbox: Sandbox) -> Place:
    return Place(database_url, sandbox.base_url, sandbox.api_key)


def record(place: Place, together: Barrier, uses: int, ids: list[str], parent: Connection) -> None:
    """Record from four threads; tell when the last use was."""
    with place.open(source=f"process {os.getpid()}") as registry:

        def work(number: int) -> None:
            for turn in range(uses):
                registry.record_use(ids[(turn + number) % VOICES])

        together.wait(LONG)
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(work, range(THREADS)))
        last = datetime.now(UTC)
        for voice_id in ids:
            registry.record_use(voice_id, last)
    parent.send(("recorded", last.isoformat()))


def look(place: Place, together: Barrier, parent: Connection) -> None:
    """List voices and their uses."""
    with place.open() as registry:
        together.wait(LONG)
        for _ in range(30):
            for voice in registry.voices():
                registry.daily_uses(voice.id)
    parent.send(("looked", ""))


def sync(place: Place, together: Barrier, parent: Connection) -> None:
    with place.open() as registry:
        together.wait(LONG)
        complete = [registry.sync().complete for _ in range(8)]
    parent.send(("synced", str(all(complete))))


def _record_in_many(place: Place, sandbox: Sandbox, uses: int) -> None:
    there = [
        sandbox.add_voice(
            family="cosyvoice",
            origin="designed",
            target_model="cosyvoice-v3.5-plus",
            name=f"n{number}",
            prompt="A voice.",
            preview_text="A text.",
        )
        for number in range(VOICES)
    ]
    ids = [voice.voice_id for voice in there]
    for voice_id in ids[1:]:  # one of them is on no record yet
        insert_voices(place.database, 1, voice_id=voice_id)
    together = CONTEXT.Barrier(PROCESSES + 2)
    with (
        running(record, place, together, uses, ids, count=PROCESSES) as recording,
        running(look, place, together) as looking,
        running(sync, place, together) as syncing,
    ):
        others = [*recording, *looking, *syncing]
        told = [other.hear() for other in others]
        assert [other.end() for other in others] == [0] * (PROCESSES + 2)

    assert [how for how, _ in told] == ["recorded"] * PROCESSES + ["looked", "synced"]
    assert told[-1] == ("synced", "True")
    with place.open() as registry:
        registry.sync()
        voices = registry.voices()
        assert len(voices) == VOICES
        last = max(datetime.fromisoformat(at) for _, at in told[:PROCESSES])
        assert {voice.last_used_at for voice in voices} == {last}
    assert sum(counted(place.database).values()) == PROCESSES * (THREADS * uses + VOICES)


def test_counts_are_exact(place: Place, sandbox: Sandbox) -> None:
    _record_in_many(place, sandbox, 10_000)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_counts_are_exact_for_long(place: Place, sandbox: Sandbox) -> None:
    _record_in_many(place, sandbox, 100_000)


def record_and_end(place: Place, parent: Connection) -> None:
    """A process of multiprocessing, which ends without atexit."""
    registry = place.open(source="child")
    registry.record_use("v", count=3)
    parent.send(("noted", ""))


def test_a_process_of_multiprocessing_writes_at_its_end(place: Place) -> None:
    insert_voices(place.database, 1, voice_id="v")
    with running(record_and_end, place) as (other,):
        other.hear()
        assert other.end() == 0

    assert list(counted(place.database).values()) == [3]


_ENDING = """
import sys
from voicereg import Registry
registry = Registry.open(sys.argv[1], source="script")
registry.record_use("v", count=3)
if sys.argv[2] == "raise":
    raise ZeroDivisionError
if sys.argv[2] == "exit":
    sys.exit(3)
if sys.argv[2] == "close":
    registry.close()
"""


ENDS = [("end", 0), ("raise", 1), ("exit", 3), ("close", 0)]


# How a process ends is the same whichever database it writes to.
@pytest.mark.parametrize(
    ("backend", "how", "code"),
    [
        *(("sqlite", how, code) for how, code in ENDS),
        ("postgresql", *ENDS[0]),
        *(pytest.param("postgresql", *end, marks=pytest.mark.soak) for end in ENDS[1:]),
    ],
    indirect=["backend"],
)
def test_an_interpreter_writes_at_its_end(place: Place, how: str, code: int) -> None:
    insert_voices(place.database, 1, voice_id="v")
    ended = subprocess.run(
        [sys.executable, "-c", _ENDING, place.database, how],
        env=environment(),
        capture_output=True,
        timeout=LONG,
        check=False,
    )

    assert ended.returncode == code, ended.stderr
    assert list(counted(place.database).values()) == [3]


def test_a_fork_takes_no_notes_along(place: Place) -> None:
    insert_voices(place.database, 1, voice_id="v")
    with place.open(source="parent") as registry:
        registry.record_use("v", count=10)

        def child() -> None:
            assert registry._recorder.pending == 0
            registry.record_use("v", source="child")
            registry.flush()
            registry.record_use("v", source="child")
            registry.close()

        _in_child(child)
        assert registry._recorder.pending == 10
        registry.record_use("v")

    counts = {source: uses for (_, _, source), uses in counted(place.database).items()}
    assert counts == {"parent": 11, "child": 2}


def test_a_child_of_a_closed_registry_records(place: Place) -> None:
    insert_voices(place.database, 1, voice_id="v")
    registry = place.open(source="parent")
    registry.record_use("v")
    registry.close()

    def child() -> None:
        registry.record_use("v", source="child")
        registry.close()

    _in_child(child)
    assert sum(counted(place.database).values()) == 2
