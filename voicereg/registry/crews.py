"""Threads that work off a list of jobs, a few at a time, and can be told to begin no more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")


class Crew(Generic[Job, Done]):
    """Works off jobs in order.

    Its threads do not keep the interpreter from ending: what they are at can be abandoned. Whoever
    waits may be interrupted at any instant: what has ended stays to be read.

    Args:
        jobs: what is to be done; each can be told from the others.
        work: does one of them.
        at_once: how many are done at a time.
    """

    def __init__(self, jobs: Iterable[Job], work: Callable[[Job], Done], at_once: int) -> None:
        self._waiting = deque(jobs)
        self._work = work
        self._at_once = at_once
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._begun: dict[Job, None] = {}
        self._ended: dict[Job, Done | BaseException] = {}

    def start(self) -> None:
        """Begin, and return at once."""
        for number in range(min(self._at_once, len(self._waiting))):
            name = f"voicereg-crew-{number}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether everything that was begun has ended, and nothing is left to be begun."""
        with self._lock:
            return not self._waiting and not self._begun

    @property
    def under_way(self) -> Sequence[Job]:
        """What is being done, in the order in which it was begun."""
        with self._lock:
            return list(self._begun)

    @property
    def ended(self) -> Mapping[Job, Done | BaseException]:
        """What came of each job that has ended, or what the work on it raised."""
        with self._lock:
            return dict(self._ended)

    def wait(self, most: timedelta) -> None:
        """Wait until something has begun or ended since the last time, or for so long."""
        self._news.wait(most.total_seconds())
        self._news.clear()

    def drop(self, is_meant: Callable[[Job], bool] = lambda job: True) -> list[Job]:
        """Begin no more of some jobs; those that are not begun."""
        with self._lock:
            dropped = [job for job in self._waiting if is_meant(job)]
            self._waiting = deque(job for job in self._waiting if not is_meant(job))
        return dropped

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                job = self._waiting.popleft()
                self._begun[job] = None
            self._news.set()
            result: Done | BaseException
            try:
                result = self._work(job)
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                result = error
            with self._lock:
                del self._begun[job]
                self._ended[job] = result
            self._news.set()
