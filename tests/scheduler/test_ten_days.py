"""Ten days of rounds, in which the provider and the database are away for shorter and longer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tests.fakes import START
from tests.housekeeping import support
from tests.housekeeping.support import MAIL, House
from tests.scheduler.support import DAY, HOUR, MINUTE, Scheduler, database_away, due_rounds
from voicereg import Registry, Round
from voicereg.domain.errors import DatabaseProblem
from voicereg.scheduler import status_of
from voicereg.tables import leases, rounds

sandbox = support.sandbox
house = support.house

TICK = 20 * MINUTE
DAYS = 10
DUE = [
    START.replace(hour=0, minute=17) + number * 6 * HOUR
    for number in range(4 * (DAYS + 1))
    if START < START.replace(hour=0, minute=17) + number * 6 * HOUR <= START + DAYS * DAY
]
"""When the schedule wants a round."""


@dataclass
class Outage:
    """Something that is away for some time."""

    begins: datetime
    lasts: timedelta
    make: Callable[[], AbstractContextManager[object]]
    is_database: bool = False

    @property
    def ends(self) -> datetime:
        return self.begins + self.lasts


@dataclass
class Observer:
    """Knows what there was, and compares with it what the status says."""

    registry: Registry
    house: House
    good_at: datetime | None = None
    ran_for: datetime | None = None
    looked: int = 0
    saw_overdue: set[datetime] = field(default_factory=set)

    def note(self, done: Round, due_at: datetime) -> None:
        self.ran_for = due_at
        if done.ok:
            self.good_at = done.finished_at

    def look(self, *, leads: bool) -> None:
        self.looked += 1
        now = self.house.clock.now()
        status = status_of(self.registry, 7 * HOUR)
        assert self.ran_for is not None
        waiting = [due for due in DUE if self.ran_for < due <= now]
        coming = [due for due in DUE if due > now]
        self.saw_overdue |= set(waiting[-1:])
        assert status.now == now
        assert (status.last_good and status.last_good.finished_at) == self.good_at
        assert status.age == (None if self.good_at is None else now - self.good_at)
        assert status.ok == (status.age is not None and status.age <= 7 * HOUR)
        if waiting or coming:
            assert status.next_due_at == [*waiting, *coming][0]
        assert status.under_way is None
        if leads:
            assert status.leader is not None
            assert status.leader.holder == f"anna, process {os.getpid()}"
        else:
            assert status.leader is None


@pytest.fixture
def outages(house: House) -> list[Outage]:
    """Where there is nothing else on, of 3 and of 20 hours; those of 20 meet three times."""
    noon = START.replace(hour=12)

    def hiccup() -> AbstractContextManager[object]:
        house.sandbox.misbehave("list", "503", times=None)
        ends = ExitStack()
        ends.callback(house.sandbox.clear_faults)
        return ends

    return [
        Outage(noon + DAY - HOUR, 3 * HOUR, house.sandbox.offline),
        Outage(noon + 2 * DAY - HOUR, 3 * HOUR, database_away, is_database=True),
        Outage(noon + 3 * DAY - HOUR, 20 * HOUR, hiccup),
        Outage(noon + 5 * DAY - 2 * HOUR, 20 * HOUR, database_away, is_database=True),
        # It is back for less than a tick, and away again.
        Outage(noon + 7 * DAY, 30 * MINUTE, database_away, is_database=True),
        Outage(noon + 7 * DAY + 35 * MINUTE, 30 * MINUTE, house.sandbox.offline),
    ]


def _times(end: datetime) -> Iterator[datetime]:
    moment = START
    while moment <= end:
        yield moment
        moment += TICK


@pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)], indirect=True
)
def test_every_round_that_was_due_ran_once(house: House, outages: list[Outage]) -> None:
    house.voice("carl", 12)
    told_by_watch: list[Round] = []
    scheduler = Scheduler(house, watches=[told_by_watch.append])
    observer = Observer(house.open(scheduler.registry.settings, actor="observer"), house)
    away = ExitStack()
    on: Outage | None = None
    left = list(outages)
    done: list[Round] = []

    for moment in _times(START + DAYS * DAY):
        # What a round has waited for the provider is in the day, and never more than a tick.
        assert house.clock.now() <= moment
        house.clock.moment = moment
        if on is not None and moment >= on.ends:
            away.close()
            on = None
        if on is None and left and moment >= left[0].begins:
            on = left.pop(0)
            away.enter_context(on.make())
        database_is_away = on is not None and on.is_database
        is_when_due = moment.minute == 20 and moment.hour % 6 == 0
        looks = (moment.minute == 0 or is_when_due) and moment != START
        if looks and database_is_away:
            with pytest.raises(DatabaseProblem):
                status_of(observer.registry)
        elif looks:
            observer.look(leads=False)

        ran = scheduler.tick()

        if ran is not None:
            done.append(ran)
            due_at, _ = due_rounds(house)[-1]
            observer.note(ran, due_at)
            assert not database_is_away
        if is_when_due and not database_is_away:
            observer.look(leads=True)
    away.close()

    first, *others = due_rounds(house)
    assert first == (START, 0)
    # Each once, and in the outage of 20 hours two are stood for by a third.
    stood_for = [DUE[number] for number, due in enumerate(DUE) if due.day == 28 and due.hour > 10]
    assert [due for due, _ in others] == [due for due in DUE if due not in stood_for]
    assert [(due.day, due.hour, missed) for due, missed in others if missed] == [(29, 0, 2)]
    assert sum(1 + missed for _, missed in others) == len(DUE) == DAYS * 4

    late = {due: began - due for (due, _), began in zip(others, scheduler.began[1:], strict=True)}
    assert {due: by for due, by in late.items() if by > TICK} == {
        DUE[0] + 2 * DAY: 103 * MINUTE,  # the database was away from 11:00 to 14:00
        DUE[0] + 5 * DAY + 12 * HOUR: 5 * HOUR + 43 * MINUTE,  # and from 10:00 to 6:00
        DUE[0] + 7 * DAY: 23 * MINUTE,  # and from 12:00 to 12:30
    }
    assert all(by >= timedelta(0) for by in late.values())

    bad = [due for (due, _), ran in zip(others, done[1:], strict=True) if not ran.ok]
    assert bad == [DUE[4], *DUE[12:16], DUE[28]]
    assert len(house.rows(rounds)) == len(done) == len(told_by_watch)
    assert observer.looked > 10 * 24
    # Of one of them there was nothing to be seen: the database was away before it, and on the hour.
    assert observer.saw_overdue == {due for due, _ in others} - {DUE[28]}
    # What was found in those days came once each.
    assert [item.mark for message in house.told(MAIL) for item in message] == [14, 7, 3]
    scheduler.duty.stop()
    assert house.rows(leases) == []
