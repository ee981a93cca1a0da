"""One round at a time: a lease that is renewed as long as the round goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from voicereg.domain.errors import DatabaseProblem, LeaseHeld
from voicereg.registry import Registry
from voicereg.registry.leases import Lease

LEASE = timedelta(seconds=45)
"""For how long others wait for one that has died on another host."""
RENEWED_EVERY = timedelta(seconds=12)
_logger = logging.getLogger(__name__)


class HeldLease:
    """A lease that is held, unless others have taken it."""

    def __init__(self, registry: Registry, lease: Lease) -> None:
        self._registry = registry
        self.lease = lease
        self._taken_over: LeaseHeld | None = None

    def renew(self) -> None:
        """Hold it for longer; a database that is away is waited for."""
        try:
            self._registry.leases.renew(self.lease, LEASE)
        except LeaseHeld as held:
            self._taken_over = held
        except DatabaseProblem as problem:
            _logger.info("the lease was not renewed: %s", problem)

    def release(self) -> None:
        """Let others have it at once."""
        try:
            self._registry.leases.release(self.lease)
        except DatabaseProblem as problem:
            _logger.warning("the lease ends by itself in %s: %s", LEASE, problem)

    def check(self) -> None:
        """Make sure that it is still held, as far as is known.

        Raises:
            LeaseHeld: others have taken it.
        """
        if self._taken_over is not None:
            raise self._taken_over


@contextmanager
def keeping(*leases: HeldLease) -> Iterator[None]:
    """Renew leases from a thread of their own until the block ends."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(RENEWED_EVERY.total_seconds()):
            for held in leases:
                held.renew()

    keeper = threading.Thread(target=keep, name="voicereg lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


@contextmanager
def leading(registry: Registry, name: str) -> Iterator[HeldLease]:
    """Hold a lease until the block ends.

    Raises:
        LeaseHeld: somebody else holds it.
    """
    held = HeldLease(registry, registry.leases.take(name, LEASE))
    try:
        with keeping(held):
            yield held
    finally:
        held.release()
