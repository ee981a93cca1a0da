"""A few threads that work off a list, and can be told to begin no more."""

from __future__ import annotations

import threading
from datetime import timedelta

from voicereg.registry.crews import Crew

LONG = timedelta(seconds=60)


def until_ended(crew: Crew[int, int]) -> None:
    while not crew.has_ended:
        crew.wait(LONG)


def test_everything_is_done_once_and_what_came_of_it_is_kept() -> None:
    crew = Crew(range(50), lambda job: job * job, at_once=4)
    crew.start()
    until_ended(crew)

    assert crew.ended == {job: job * job for job in range(50)}
    assert crew.under_way == []


def test_no_more_than_so_many_at_once() -> None:
    at_work, most = threading.Semaphore(3), threading.Barrier(3)

    def work(job: int) -> int:
        assert at_work.acquire(blocking=False), "more than three"
        most.wait(60)
        at_work.release()
        return job

    crew = Crew(range(9), work, at_once=3)
    crew.start()
    until_ended(crew)

    assert sorted(crew.ended) == list(range(9))
    assert all(result == job for job, result in crew.ended.items())


def test_what_is_dropped_is_not_begun_and_what_is_begun_goes_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(job: int) -> int:
        begun.set()
        assert go_on.wait(60)
        return job

    crew = Crew(range(5), work, at_once=1)
    crew.start()
    assert begun.wait(60)
    odd = crew.drop(lambda job: job % 2 == 1)
    rest = crew.drop()
    assert (odd, rest, crew.under_way) == ([1, 3], [2, 4], [0])
    assert not crew.has_ended
    go_on.set()
    until_ended(crew)

    assert crew.ended == {0: 0}


def test_what_the_work_raises_is_kept_for_who_waits() -> None:
    def work(job: int) -> int:
        return 1 // job

    crew = Crew(range(2), work, at_once=1)
    crew.start()
    until_ended(crew)

    assert isinstance(crew.ended[0], ZeroDivisionError)
    assert crew.ended[1] == 1
