"""Starting other processes, hearing from them, and killing them."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.engine.waiting import LONG

CONTEXT = multiprocessing.get_context("forkserver")
# One process loads the program, and all others begin as copies of it: none shares anything of
# this one, and none needs a second to start.
CONTEXT.set_forkserver_preload(
    ["voicereg.registry.facade", "voicereg.provider.client", "voicereg.schema.migrate", "psycopg"]
)


class Other:
    """Another process."""

    def __init__(self, process: ForkServerProcess, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def hear(self) -> tuple[str, str]:
        """The next thing that it tells."""
        assert self._pipe.poll(LONG), "the process told nothing"
        told: tuple[str, str] = self._pipe.recv()
        return told

    def told_nothing_more(self) -> bool:
        """Whether it ended without another word."""
        try:
            return not self._pipe.poll(0) or not self._pipe.recv()
        except EOFError:
            return True

    def hear_all(self) -> list[tuple[str, str]]:
        """What it has told since, and will tell until its end."""
        told = []
        try:
            while self._pipe.poll(LONG):
                told.append(self._pipe.recv())
        except EOFError:
            pass
        return told

    def kill(self) -> None:
        """As by ``kill -9``."""
        assert self.is_alive, "it ended too early"
        self._process.kill()
        self._process.join(LONG)
        assert self._process.exitcode == -signal.SIGKILL

    def end(self) -> int | None:
        """Wait for its end; its exit code."""
        self._process.join(LONG)
        return self._process.exitcode

    def is_killed(self) -> None:
        """Wait for its end, which it brings about itself."""
        self._process.join(LONG)
        assert self._process.exitcode == -signal.SIGKILL

    def clear_away(self) -> None:
        if self.is_alive:
            self._process.kill()
            self._process.join(LONG)
        self._pipe.close()


@contextmanager
def running(work: Callable[..., None], *given: Any, count: int = 1) -> Iterator[list[Other]]:
    """So many processes that do the work, each with a pipe to here as its last argument."""
    others: list[Other] = []
    try:
        for _ in range(count):
            here, there = CONTEXT.Pipe(duplex=False)
            process = CONTEXT.Process(target=work, args=(*given, there), daemon=True)
            process.start()
            there.close()
            others.append(Other(process, here))
        yield others
    finally:
        for other in others:
            other.clear_away()
