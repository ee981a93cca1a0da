"""Notes in memory: merged, kept while they cannot be written, and written exactly once."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from tests.engine.waiting import LONG
from tests.fakes import START, FakeClock
from tests.uses.support import NEVER, Between, Book, places, recording
from voicereg import DatabaseProblem, InvalidInput
from voicereg.registry.recorder import Recorder

TODAY = START.date()


@pytest.fixture
def book() -> Book:
    return Book()


def test_notes_merge_by_voice_source_and_day(book: Book) -> None:
    clock = FakeClock()
    with recording(book, clock=clock) as recorder:
        recorder.record("v")
        recorder.record("v", count=3)
        recorder.record("v", source="radio")
        recorder.record("w", START - timedelta(days=1))
        clock.advance(timedelta(minutes=1))
        recorder.record("v")
        recorder.record("v", START - timedelta(minutes=5))
        assert recorder.pending == 8
        recorder.flush()
        assert recorder.pending == 0

    (batch,) = book.batches
    assert {(note.reference, note.source, note.day): note.uses for note in batch.notes} == {
        ("v", "tests", TODAY): 6,
        ("v", "radio", TODAY): 1,
        ("w", "tests", TODAY - timedelta(days=1)): 1,
    }
    assert book.last["v"] == clock.now()


def test_the_day_is_that_of_utc(book: Book) -> None:
    with recording(book) as recorder:
        recorder.record("v", datetime(2026, 11, 23, 7, 30, tzinfo=timezone(timedelta(hours=8))))

    assert list(book.uses) == [("v", "tests", TODAY - timedelta(days=1))]
    assert book.last["v"] == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


def test_nothing_noted_is_nothing_written(book: Book) -> None:
    with recording(book) as recorder:
        recorder.flush()

    assert book.batches == []


def test_it_writes_by_itself(book: Book) -> None:
    with recording(book, flush_every=timedelta(milliseconds=1)) as recorder:
        for uses in (1, 2):
            book.wrote.clear()
            recorder.record("v")
            assert book.wrote.wait(LONG), "nobody wrote"
            assert book.total == uses


def test_it_goes_on_by_itself_after_any_error(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    """A thread that died would lose every use from then on."""
    errors: list[Exception] = [DatabaseProblem("away"), ZeroDivisionError("a bug")]

    def fail_first() -> None:
        if errors:
            raise errors.pop(0)

    book.before = fail_first
    with recording(book, flush_every=timedelta(milliseconds=1)) as recorder:
        recorder.record("v")
        assert book.wrote.wait(LONG), "nobody wrote"

    assert book.total == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_close_writes_and_can_be_repeated(book: Book) -> None:
    with recording(book) as recorder:
        recorder.record("v")
        recorder.close()
        assert book.total == 1
        recorder.close()

    assert book.total == 1


def test_close_tells_what_is_lost(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    with recording(book) as recorder:
        recorder.record("v", count=3)
        book.away = True
        with pytest.raises(DatabaseProblem):
            recorder.flush()
        recorder.record("w", count=4)
        recorder.close()
        assert "7 uses were not recorded" in caplog.text
        book.away = False

    assert book.total == 7, "and it would have written them, had it been asked again"


def test_what_is_noted_after_close_is_told_of(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    with recording(book) as recorder:
        recorder.close()
        recorder.record("v")
        recorder.record("v")
        (said,) = caplog.records
        assert "closed" in said.message
        recorder.flush()

    assert book.total == 2


@pytest.mark.parametrize("answers_are_lost", [False, True], ids=["refused", "answer lost"])
def test_an_absence_costs_nothing_and_nobody_waits(book: Book, *, answers_are_lost: bool) -> None:
    """What may have been written goes again as it was; what was noted meanwhile goes after it."""
    with recording(book) as recorder:
        recorder.record("v")
        book.away, book.answers_are_lost = not answers_are_lost, answers_are_lost
        for _ in range(3):
            with pytest.raises(DatabaseProblem):
                recorder.flush()
            for _ in range(5):
                recorder.record("v")
                recorder.record("w")
        assert recorder.pending == 31
        book.away = book.answers_are_lost = False
        recorder.flush()
        assert recorder.pending == 0

    assert book.total == 31
    assert [batch.number for batch in book.batches][-2:] == [1, 2]
    assert len(book.batches[-1].notes) == 2, "they were merged"


def test_recording_goes_on_while_a_write_hangs(book: Book) -> None:
    hanging, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert go_on.wait(LONG)

    book.before = hang
    with recording(book, flush_every=timedelta(milliseconds=1)) as recorder:
        recorder.record("v")
        assert hanging.wait(LONG)
        for _ in range(1000):
            recorder.record("v")
        assert recorder.pending == 1001
        go_on.set()

    assert book.total == 1001


def test_no_more_is_kept_than_the_bound(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    with recording(book, most_notes=3) as recorder:
        book.away = True
        for voice in "abcde":
            recorder.record(voice, count=2)
        recorder.record("a")
        with pytest.raises(DatabaseProblem):
            recorder.flush()
        for voice in "abcd":
            recorder.record(voice)
        book.away = False
        recorder.flush()

    assert book.total == 10
    assert set(book.uses) == {(voice, "tests", TODAY) for voice in "abc"}
    said = [record.getMessage() for record in caplog.records]
    assert [text.split(" were")[0] for text in said] == ["4 uses", "1 uses"]


def test_two_flush_at_once(book: Book) -> None:
    together = threading.Barrier(4)
    with recording(book) as recorder:

        def work(_: int) -> None:
            together.wait(LONG)
            for _ in range(200):
                recorder.record("v")
                recorder.flush()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(work, range(4)))
        assert recorder.pending == 0

    assert book.total == 800
    assert [batch.number for batch in book.batches] == list(range(1, len(book.batches) + 1))


def test_many_threads_lose_nothing(book: Book) -> None:
    together = threading.Barrier(8)
    with recording(book, flush_every=timedelta(milliseconds=1)) as recorder:

        def work(number: int) -> None:
            together.wait(LONG)
            for turn in range(2000):
                recorder.record(f"v{turn % 7}", source=f"s{number % 2}")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))

    assert book.total == 16_000


def test_what_ended_threads_noted_is_written_once(book: Book) -> None:
    with recording(book) as recorder:
        for turn in range(1, 4):
            for _ in range(20):
                thread = threading.Thread(target=recorder.record, args=("v",))
                thread.start()
                thread.join()
            assert recorder.pending == 20
            recorder.flush()
            assert (recorder.pending, book.total) == (0, 20 * turn)

    assert [len(batch.notes) for batch in book.batches] == [1, 1, 1]


def test_threads_are_let_go_when_they_end(book: Book) -> None:
    with recording(book) as recorder:
        left = []

        def work() -> None:
            recorder.record("v")
            left.append(weakref.ref(recorder._notes.mine.pad))

        for _ in range(5):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        recorder.flush()
        gc.collect()
        assert [pad() for pad in left] == [None] * 5


def test_the_bound_is_that_of_all_threads(book: Book) -> None:
    """One voice that many threads use is one note; what is noted already goes on being counted."""
    with recording(book, most_notes=3) as recorder:
        book.away = True
        with ThreadPoolExecutor(1) as other:
            for voice in "abcd":
                other.submit(recorder.record, voice).result()
        for voice in "edca":
            recorder.record(voice)
        book.away = False
        recorder.flush()

    assert book.uses == {
        (voice, "tests", TODAY): uses for voice, uses in (("a", 2), ("b", 1), ("c", 2))
    }


def test_threads_and_flushes_at_once(book: Book) -> None:
    """Threads come and go while others write; the database is away at times."""
    together, done = threading.Barrier(5), threading.Event()
    with recording(book) as recorder:

        def work(number: int) -> None:
            together.wait(LONG)
            for turn in range(300):
                thread = threading.Thread(target=recorder.record, args=(f"v{turn % 3}",))
                thread.start()
                recorder.record("v", source=f"s{number}")
                thread.join()

        def write() -> None:
            together.wait(LONG)
            while not done.is_set():
                book.away = not book.away
                with suppress(DatabaseProblem):
                    recorder.flush()

        with ThreadPoolExecutor(5) as threads:
            writing = threads.submit(write)
            for worked in [threads.submit(work, number) for number in range(4)]:
                worked.result()
            done.set()
            writing.result()
        book.away = False

    assert book.total == 4 * 600


def test_from_asyncio(book: Book) -> None:
    with recording(book) as recorder:

        async def speak() -> None:
            for _ in range(100):
                recorder.record("v")
                await asyncio.sleep(0)

        async def all_speak() -> None:
            await asyncio.gather(*(speak() for _ in range(10)))

        asyncio.run(all_speak())

    assert book.total == 1000


@pytest.mark.parametrize("noted_before", [False, True])
def test_a_signal_handler_may_note_at_any_point_of_a_note(*, noted_before: bool) -> None:
    for place in places():
        book = Book()
        with recording(book) as recorder:
            if noted_before:
                recorder.record("v")
            with Between(place, partial(recorder.record, "v", count=10)) as hit:
                recorder.record("v")
        if not hit.acted:
            break
        assert book.total == 11 + noted_before, f"after call {place}"
    assert place > 2


@pytest.mark.parametrize("failed_before", [False, True])
def test_a_flush_interrupted_anywhere_loses_nothing(*, failed_before: bool) -> None:
    """Ctrl-C comes when it comes; the next flush finds everything, and counts it once."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    for place in places():
        book = Book()
        with recording(book) as recorder:
            recorder.record("v")
            if failed_before:
                book.away = True
                with pytest.raises(DatabaseProblem):
                    recorder.flush()
                book.away = False
                recorder.record("v")
            recorder.record("w", count=5)
            interrupted = Between(place, interrupt)
            try:
                with interrupted:
                    recorder.flush()
            except KeyboardInterrupt:
                pass
            recorder.record("w")
            recorder.flush()
            assert recorder.pending == 0
        if not interrupted.acted:
            break
        assert book.total == 7 + failed_before, f"after call {place}"
    assert place > 3


def test_without_a_thread_to_be_had(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's threads are used up, or the interpreter ends: the note is kept all the same."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with recording(book, flush_every=timedelta(milliseconds=1)) as recorder:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            recorder.record("v")
        recorder.record("w")  # the next voice tries again
        assert book.wrote.wait(LONG), "nobody wrote"

    assert book.total == 2
    with recording(book) as recorder:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        recorder.record("v")

    assert book.total == 3


@pytest.mark.parametrize(
    "voice_id", ["", "a\x00b", "a\ud800b", "a b", "a\nb", "v" * 513, None, 7], ids=ascii
)
def test_what_can_be_no_id_is_refused(book: Book, voice_id: str) -> None:
    """One such note, kept and tried again and again, would hold up all others for good."""
    with recording(book) as recorder:
        for _ in range(2):
            with pytest.raises(InvalidInput, match="voice_id"):
                recorder.record(voice_id)
        recorder.record("v")

    assert book.total == 1


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"at": START.replace(tzinfo=None)}, "zone"),
        ({"at": START + timedelta(minutes=5, seconds=1)}, "future"),
        ({"at": START.astimezone(timezone(timedelta(hours=8))) + timedelta(days=1)}, "future"),
        ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "at"),
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"count": 1.5}, "count"),
        ({"count": 10**9 + 1}, "count"),
        ({"source": ""}, "source"),
        ({"source": "  "}, "source"),
        ({"source": "s" * 101}, "source"),
        ({"source": "a\nb"}, "source"),
        ({"source": "a\x00b"}, "source"),
        ({"source": "\ud800"}, "source"),
        ({"source": "\u202eevil"}, "source"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_what_can_be_no_use_is_refused(book: Book, options: dict[str, object], what: str) -> None:
    with recording(book) as recorder, pytest.raises(InvalidInput, match=what):
        recorder.record("v", **options)  # type: ignore[arg-type]

    assert book.batches == []


@pytest.mark.parametrize(
    "options",
    [
        {"at": START + timedelta(minutes=5)},
        {"at": datetime(1999, 1, 1, tzinfo=UTC)},
        {"count": 10**9},
        {"source": "s" * 100},
        {"source": "电台 一"},
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_odd_uses_that_are_some(book: Book, options: dict[str, object]) -> None:
    with recording(book) as recorder:
        recorder.record("v", **options)  # type: ignore[arg-type]

    assert len(book.uses) == 1


def test_a_closed_recorder_is_let_go(book: Book) -> None:
    recorder = Recorder(book.write, clock=FakeClock(), source="tests", flush_every=NEVER)
    recorder.record("v")
    recorder.close()
    left = weakref.ref(recorder)
    del recorder
    gc.collect()

    assert left() is None


def test_what_is_written_is_not_shown_to_the_log(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), recording(book) as recorder:
        recorder.record("v")

    assert caplog.records == []
