"""What a scheduler does every few seconds: lead, if nobody else does, and run what is due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import DatabaseProblem, LeaseHeld, VoiceregError
from voicereg.domain.rounds import LEADER_LEASE, Round
from voicereg.housekeeping import run_round
from voicereg.housekeeping.leadership import LEASE, HeldLease, keeping
from voicereg.registry import Registry
from voicereg.scheduler.record import last_due
from voicereg.scheduler.timetable import Due, Timetable

LATE = timedelta(minutes=15)
"""A round that begins so long after its time is said to be late."""
_BEFORE_THE_NEXT = timedelta(minutes=1)
_logger = logging.getLogger(__name__)

Watch = Callable[[Round], None]
"""Told of each round when it has ended."""


class Duty:
    """One of the schedulers of a registry, of which one leads.

    Args:
        registry: an open one.
        timetable: when rounds are due.
        accounts: tells the names of the accounts to look after, at each round.
        watches: told of each round when it has ended.
        rng: chooses how much later than its time a round begins.
        jitter: how much that is at most; less where the next one would be due by then.
    """

    def __init__(
        self,
        registry: Registry,
        timetable: Timetable,
        *,
        accounts: Callable[[], Sequence[str]],
        watches: Sequence[Watch] = (),
        rng: Random,
        jitter: timedelta,
    ) -> None:
        self._registry = registry
        self._timetable = timetable
        self._accounts = accounts
        self._watches = watches
        self._rng = rng
        self._jitter = jitter
        self._lead: HeldLease | None = None
        self._said: str | None = None
        self._waits_for: tuple[datetime, datetime] | None = None
        """A time that is due, and when its round begins."""
        self._announced: datetime | None = None
        """The time that is due of which it was said that its round begins."""

    def tick(self) -> Round | None:
        """Lead, if nobody else does, and run the round that is due.

        Nothing is raised for a database that is away: the next call tries again.

        Returns:
            The round; None where none was due, or another scheduler leads.
        """
        try:
            if not self._leads():
                return None
            due = self._due()
            return None if due is None else self._run(due)
        except LeaseHeld as held:
            # Somebody runs a round by hand, or has taken over: what is due stays due.
            self._say(logging.INFO, str(held))
        except DatabaseProblem as problem:
            self._say(logging.WARNING, f"{problem}; what is due is run when it is back")
        except VoiceregError as error:
            # An account that was removed, for one: it may be there again tomorrow.
            self._say(logging.ERROR, f"the round could not run: {error}")
        return None

    def stop(self) -> None:
        """Let another scheduler lead at once."""
        if self._lead is not None:
            self._lead.release()
            self._lead = None

    def _leads(self) -> bool:
        if self._lead is not None:
            self._lead.renew()
            try:
                self._lead.check()
            except LeaseHeld:
                self._lead = None
            else:
                return True
        try:
            lease = self._registry.leases.take(LEADER_LEASE, LEASE)
        except LeaseHeld as held:
            self._say(logging.INFO, f"standing by: {held.holder} leads")
            return False
        self._lead = HeldLease(self._registry, lease)
        self._say(logging.INFO, f"leading; rounds are due at {self._timetable.expression!r}")
        return True

    def _due(self) -> Due | None:
        now = self._registry.now()
        last = last_due(self._registry, now)
        if last is None:
            # The first one shows at once what is set up wrong.
            return Due(now, 0)
        due = self._timetable.due(last, now)
        if due is None:
            return None
        if self._waits_for is None or self._waits_for[0] != due.at:
            room = self._timetable.next_after(due.at) - due.at - _BEFORE_THE_NEXT
            self._waits_for = (due.at, due.at + self._rng.random() * min(self._jitter, room))
        return due if now >= self._waits_for[1] else None

    def _run(self, due: Due) -> Round:
        if due.at != self._announced:
            # Not again every few seconds, while somebody else is at a round.
            self._announced = due.at
            self._announce(due)
        leases = [self._lead] if self._lead is not None else []
        with keeping(*leases):
            done = run_round(
                self._registry, accounts=self._accounts(), due_at=due.at, missed=due.missed
            )
        self._said = None
        self._tell(done, due)
        return done

    def _announce(self, due: Due) -> None:
        late = self._registry.now() - due.at
        if due.missed:
            _logger.warning(
                "%s missed; one runs for %s now, and for that of %s",
                "1 round was" if due.missed == 1 else f"{due.missed} rounds were",
                "it" if due.missed == 1 else "them",
                rfc3339(due.at),
            )
        elif late >= LATE:
            _logger.warning("the round of %s runs %s late", rfc3339(due.at), _rounded(late))
        else:
            _logger.info("the round of %s begins", rfc3339(due.at))

    def _tell(self, done: Round, due: Due) -> None:
        for step in done.steps:
            if step.error is not None:
                of = f" of {step.account}" if step.account else ""
                _logger.warning("%s%s: %s", step.name, of, step.error)
        coming = self._timetable.next_after(max(self._registry.now(), due.at))
        _logger.info(
            "the round has ended %s, with %d messages; the next is due at %s",
            "well" if done.ok else "with problems",
            len(done.messages),
            rfc3339(coming),
        )
        for watch in self._watches:
            try:
                watch(done)
            except VoiceregError as error:
                _logger.warning("%s", error)
            except Exception:
                # What looks on must not keep the rounds from running.
                _logger.exception("a watcher of rounds failed")

    def _say(self, level: int, text: str) -> None:
        """Say something once, until something else is to be said."""
        if text != self._said:
            self._said = text
            _logger.log(level, "%s", text)


def _rounded(duration: timedelta) -> timedelta:
    return timedelta(minutes=round(duration / timedelta(minutes=1)))
