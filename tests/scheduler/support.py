"""Schedulers of one house, by the test's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.housekeeping.support import House
from tests.registry.rows import begun
from voicereg import Registry, Round
from voicereg.domain.errors import DatabaseUnusable
from voicereg.engine import Database
from voicereg.scheduler import Timetable
from voicereg.scheduler.duty import Duty, Watch
from voicereg.settings import ScheduleSettings
from voicereg.tables import leases, rounds

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)
EVERY_SIX_HOURS = "17 */6 * * *"
ELSEWHERE = "another-boot/pid:[4026531836]/4711/99"
"""A place of another machine: nobody can see from here that it has ended."""


def schedule(expression: str = EVERY_SIX_HOURS, **more: Any) -> ScheduleSettings:
    return ScheduleSettings(round=expression, timezone="UTC", **more)


@dataclass
class Scheduler:
    """One scheduler, and what it did."""

    house: House
    name: str = "anna"
    expression: str = EVERY_SIX_HOURS
    jitter: timedelta = timedelta(0)
    rng: Random = field(default_factory=lambda: Random(1))
    watches: Sequence[Watch] = ()
    accounts: Callable[[], Sequence[str]] = lambda: ["default"]

    def __post_init__(self) -> None:
        settings = self.house.settings(schedule=schedule(self.expression))
        self.registry: Registry = self.house.open(settings, actor=self.name)
        self.began: list[datetime] = []
        """When its rounds began."""
        self.duty = Duty(
            self.registry,
            Timetable(self.expression, "UTC"),
            accounts=self.accounts,
            watches=self.watches,
            rng=self.rng,
            jitter=self.jitter,
        )

    def tick(self) -> Round | None:
        now = self.house.clock.now()
        done = self.duty.tick()
        if done is not None:
            self.began.append(now)
        return done

    def tick_until(self, end: datetime, every: timedelta) -> list[Round]:
        """Tick again and again, until it is so late."""
        done = []
        while self.house.clock.now() < end:
            self.house.clock.advance(min(every, end - self.house.clock.now()))
            ran = self.tick()
            if ran is not None:
                done.append(ran)
        return done


def due_rounds(house: House, *, finished: bool = True) -> list[tuple[datetime, int]]:
    """When the schedule wanted each round on record, and how many were missed; in order."""
    return [
        (row["due_at"], row["missed"])
        for row in house.rows(rounds)
        if row["due_at"] is not None and (row["finished_at"] is not None) is finished
    ]


def holders(house: House) -> dict[str, str]:
    """Who holds each lease."""
    return {row["name"]: row["holder"].split(",")[0] for row in house.rows(leases)}


def move_elsewhere(house: House) -> None:
    """Whoever holds a lease seems to run on another machine."""
    with begun(house.url) as connection:
        connection.execute(sa.update(leases).values(place=ELSEWHERE))


@contextmanager
def database_away() -> Iterator[None]:
    """No database answers anybody, until the block ends."""

    def away(self: Database, **how: bool) -> Any:
        raise DatabaseUnusable("the database", "it is away")

    with patch.object(Database, "read", away), patch.object(Database, "write", away):
        yield


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged at INFO and above, in order."""
    return [record.getMessage() for record in caplog.records]
