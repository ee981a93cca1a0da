"""Waiting for others, with a deadline and without guessing how long they take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

LONG = 60.0
"""Seconds after which something that was to happen never will."""


def until(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    give_up_at = time.monotonic() + LONG
    never = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come about"
        never.wait(0.01)


class Asked:
    """Notes that a thread is about to send a statement; a context manager."""

    def __init__(self, thread: str, beginning: str) -> None:
        self._thread = thread
        self._beginning = beginning
        self._asked = threading.Event()

    def wait(self) -> None:
        assert self._asked.wait(LONG), f"{self._thread} never sent {self._beginning}"

    def _note(self, *given: object) -> None:
        statement = str(given[2])
        if threading.current_thread().name == self._thread and self._beginning in statement:
            self._asked.set()

    def __enter__(self) -> Asked:
        sa.event.listen(sa.Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *error: object) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self._note)
