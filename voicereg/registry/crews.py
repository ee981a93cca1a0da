"""Threads that work off a list of jobs, a few at a time, and can be told to begin no more."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")


class Crew(Generic[Job, Done]):
    """Works off jobs in order.

    Its threads do not keep the interpreter from ending: what they are at can be abandoned.

    Args:
        jobs: what is to be done.
        work: does one of them.
        at_once: how many are done at a time.
    """

    def __init__(self, jobs: Iterable[Job], work: Callable[[Job], Done], at_once: int) -> None:
        self._waiting = deque(jobs)
        self._work = work
        self._at_once = at_once
        self._news: queue.SimpleQueue[tuple[Job, Done | BaseException | None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = len(self._waiting)
        self.under_way: list[Job] = []
        """What is being done, as far as it was heard of."""

    def start(self) -> None:
        """Begin, and return at once."""
        for number in range(min(self._at_once, self._open)):
            name = f"voicereg-crew-{number}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether everything that was begun has ended, and nothing is left to be begun."""
        return self._open == 0

    def next(self) -> tuple[Job, Done | None]:
        """Wait for a job to begin, or to end: then with what came of it.

        Raises:
            BaseException: whatever the work on it raised.
        """
        job, news = self._news.get()
        if news is None:
            self.under_way.append(job)
            return job, None
        self._open -= 1
        self.under_way.remove(job)
        if isinstance(news, BaseException):
            raise news
        return job, news

    def stop(self) -> list[Job]:
        """Begin no more jobs; those that are not begun."""
        with self._lock:
            left = list(self._waiting)
            self._waiting.clear()
        self._open -= len(left)
        return left

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                job = self._waiting.popleft()
            self._news.put((job, None))
            try:
                self._news.put((job, self._work(job)))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                self._news.put((job, error))
