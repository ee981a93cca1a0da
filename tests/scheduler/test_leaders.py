"""Several schedulers of one registry: one leads, and another when that one is no more."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.fakes import START
from tests.housekeeping import support
from tests.housekeeping.support import House
from tests.scheduler.support import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Scheduler,
    database_away,
    due_rounds,
    holders,
    move_elsewhere,
    said,
)
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE
from voicereg.housekeeping.leadership import LEASE
from voicereg.scheduler import status_of
from voicereg.tables import leases

sandbox = support.sandbox
house = support.house

TICK = 5 * SECOND


def three(house: House, expression: str = "*/30 * * * *") -> list[Scheduler]:
    return [Scheduler(house, name, expression) for name in ("anna", "bert", "carl")]


def tick_all(
    house: House, those: Sequence[Scheduler], *, until: datetime, every: timedelta
) -> None:
    while house.clock.now() < until:
        house.clock.advance(every)
        for one in those:
            one.tick()


def test_of_three_one_leads_and_runs_every_round_once(house: House) -> None:
    those = three(house)
    for one in those:
        one.tick()
    tick_all(house, those, until=START + HOUR, every=30 * SECOND)

    assert due_rounds(house) == [(START, 0), *((START + n * 30 * MINUTE, 0) for n in (1, 2))]
    assert [len(one.began) for one in those] == [3, 0, 0]
    assert holders(house) == {LEADER_LEASE: "anna"}


@pytest.mark.parametrize("wakes_after", [4 * MINUTE, 70 * MINUTE])
def test_when_the_leader_goes_without_a_word_another_leads_within_a_minute(
    house: House, caplog: pytest.LogCaptureFixture, wakes_after: timedelta
) -> None:
    those = three(house)
    anna, *others = those
    for one in those:
        one.tick()
    house.clock.moment = START + 29 * MINUTE
    for one in those:
        one.tick()
    went_at = house.clock.now()
    move_elsewhere(house)
    assert holders(house) == {LEADER_LEASE: "anna"}

    while holders(house)[LEADER_LEASE] == "anna":
        assert house.clock.now() - went_at < MINUTE
        house.clock.advance(TICK)
        for one in others:
            one.tick()
    assert house.clock.now() - went_at == LEASE
    tick_all(house, others, until=went_at + wakes_after, every=MINUTE / 2)
    assert due_rounds(house)[:2] == [(START, 0), (START + 30 * MINUTE, 0)]

    # It wakes, and has not noticed anything; it may be due that very moment.
    caplog.clear()
    caplog.set_level("INFO", "voicereg")
    before = len(anna.began)
    tick_all(house, [anna, *others], until=house.clock.now() + 35 * MINUTE, every=MINUTE / 2)
    assert len(anna.began) == before == 1
    assert f"standing by: bert, process {os.getpid()} leads" in said(caplog)
    assert holders(house) == {LEADER_LEASE: "bert"}

    due = [at for at, _ in due_rounds(house)]
    assert due == sorted(set(due))
    assert sum(1 + missed for _, missed in due_rounds(house)[1:]) == len(due) - 1
    assert due[-1] - START == (len(due) - 1) * 30 * MINUTE
    assert due[-1] > house.clock.now() - 30 * MINUTE


def test_a_leader_that_ends_lets_another_lead_at_once(house: House) -> None:
    anna, bert, _ = three(house)
    anna.tick()
    bert.tick()

    anna.duty.stop()
    assert house.rows(leases) == []
    bert.tick()

    assert holders(house) == {LEADER_LEASE: "bert"}
    anna.duty.stop()  # again, and it is not its own any more
    assert holders(house) == {LEADER_LEASE: "bert"}


def test_one_that_stands_by_takes_nothing_with_it_when_it_ends(house: House) -> None:
    anna, bert, _ = three(house)
    anna.tick()
    bert.tick()

    bert.duty.stop()

    assert holders(house) == {LEADER_LEASE: "anna"}


def test_a_leader_can_end_while_the_database_is_away(house: House) -> None:
    anna, bert, _ = three(house)
    anna.tick()
    with database_away():
        anna.duty.stop()

    house.clock.advance(LEASE - SECOND)
    assert bert.tick() is None
    house.clock.advance(SECOND)
    bert.tick()
    assert holders(house) == {LEADER_LEASE: "bert"}


def test_a_round_that_was_killed_is_run_again_by_the_next_leader(house: House) -> None:
    """Whoever ran it is on another machine, and cannot be seen to have ended."""
    anna, bert, _ = three(house)
    anna.tick()
    at = START + 30 * MINUTE
    house.clock.moment = at
    anna.registry.leases.renew(anna.duty._lead.lease, LEASE)  # type: ignore[union-attr]
    anna.registry.leases.take(ROUND_LEASE, LEASE)
    anna.registry.rounds.begin(due_at=at)
    move_elsewhere(house)

    status = status_of(bert.registry)
    assert status.under_way is not None
    assert status.under_way.holder == f"anna, process {os.getpid()}"
    assert status.next_due_at == at
    assert status.last is not None
    assert (status.last.due_at, status.last.finished_at) == (at, None)
    bert.tick_until(at + LEASE - SECOND, TICK)
    assert bert.began == []

    bert.tick_until(at + LEASE + TICK, TICK)

    assert len(bert.began) == 1
    assert due_rounds(house) == [(START, 0), (at, 0)]
    assert due_rounds(house, finished=False) == [(at, 0)]
    assert status_of(bert.registry).next_due_at == at + 30 * MINUTE


def test_a_first_round_that_was_killed_is_run_again(house: House) -> None:
    anna, *_ = three(house)
    anna.registry.rounds.begin(due_at=START - DAY)

    assert anna.tick() is not None

    assert due_rounds(house) == [(START, 0)]
