"""Leases: work that one process does at a time, on however many hosts."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from voicereg.domain.errors import DatabaseProblem, LeaseHeld
from voicereg.registry.context import Context
from voicereg.registry.places import has_ended, here
from voicereg.registry.repeating import idempotent
from voicereg.store import leases
from voicereg.store.leases import LeaseRow


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken. It ends by itself unless it is renewed."""

    name: str
    token: str
    taken_at: datetime


class Leases:
    """Takes leases, by the database's clock."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def take(self, name: str, duration: timedelta) -> Lease:
        """Take a lease that nobody has, or whose holder has died or not renewed it in time.

        Args:
            name: what it is for, such as ``round of housekeeping``.
            duration: for how long, unless it is renewed.

        Raises:
            LeaseHeld: somebody has it.
        """
        token = self._context.new_id()
        try:
            return self._take(name, token, duration)
        except Exception:
            raise
        except BaseException:
            # A signal came in the middle: it may have been taken, and nobody would know.
            with suppress(DatabaseProblem):
                self._release(Lease(name, token, self._context.clock.now()))
            raise

    @idempotent
    def _take(self, name: str, token: str, duration: timedelta) -> Lease:
        with self._context.database.write() as connection:
            now = self._context.database.now(connection)
            wanted = LeaseRow(
                name=name,
                token=token,
                holder=f"{self._context.actor}, process {os.getpid()}",
                place=here(),
                taken_at=now,
                expires_at=now + duration,
            )
            held = leases.get(connection, name)
            if held is not None:
                is_ours = held.token == token  # taken by a try whose answer was lost
                if not is_ours and held.expires_at > now and not has_ended(held.place):
                    raise _held(held)
                leases.drop(connection, name)
            if not leases.put(connection, wanted):
                taken = leases.get(connection, name)
                raise _held(taken or wanted)
        return Lease(name, wanted.token, now)

    @idempotent
    def renew(self, lease: Lease, duration: timedelta) -> None:
        """Keep a lease for longer.

        Raises:
            LeaseHeld: it had ended, and somebody else has it.
        """
        with self._context.database.write() as connection:
            held = self.check(connection, lease)
            now = self._context.database.now(connection)
            leases.extend(connection, held, now + duration)

    def release(self, lease: Lease) -> None:
        """Let others have it; nothing is done where they have it already."""
        try:
            self._release(lease)
        except Exception:
            raise
        except BaseException:
            # A signal came in the middle: the work is over all the same.
            with suppress(DatabaseProblem):
                self._release(lease)
            raise

    @idempotent
    def _release(self, lease: Lease) -> None:
        with self._context.database.write() as connection:
            held = leases.get(connection, lease.name)
            if held is not None and held.token == lease.token:
                leases.drop(connection, lease.name)

    @idempotent
    def holder(self, name: str) -> LeaseHeld | None:
        """Who has a lease, since when and until when; None: nobody."""
        with self._context.database.read() as connection:
            held = leases.find(connection, name)
            now = self._context.database.now(connection)
        if held is None or held.expires_at <= now or has_ended(held.place):
            return None
        return _held(held)

    def check(self, connection: sa.Connection, lease: Lease) -> LeaseRow:
        """Make sure that nobody else has taken the lease, nor does until the transaction ends.

        Raises:
            LeaseHeld: somebody has.
        """
        held = leases.get(connection, lease.name)
        now = self._context.database.now(connection)
        if held is None:
            # Taken over by one that has finished since.
            raise LeaseHeld(lease.name, "another process", now, now)
        if held.token != lease.token:
            raise _held(held)
        return held


def _held(lease: LeaseRow) -> LeaseHeld:
    return LeaseHeld(lease.name, lease.holder, lease.taken_at, lease.expires_at)
