"""What one scheduler runs, when, and what it says."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from tests.fakes import START
from tests.housekeeping import support
from tests.housekeeping.support import House, keep_house
from tests.scheduler.support import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Scheduler,
    database_away,
    due_rounds,
    said,
)
from voicereg import AccountNotFound, Round
from voicereg.domain.errors import HeartbeatFailed
from voicereg.domain.rounds import ROUND_LEASE
from voicereg.housekeeping.leadership import LEASE
from voicereg.registry.rounds import Rounds
from voicereg.scheduler import status_of
from voicereg.tables import rounds

sandbox = support.sandbox
house = support.house


@pytest.fixture
def backend() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


NOON = START.replace(hour=12, minute=17)
"""The first time that is due after the start."""


# --- the first round ----------------------------------------------------------------------------


def test_before_the_first_round_the_status_says_so(house: House) -> None:
    scheduler = Scheduler(house)

    status = status_of(scheduler.registry, DAY)

    assert (status.last_good, status.last, status.age) == (None, None, None)
    assert (status.under_way, status.leader, status.steps) == (None, None, [])
    assert status.next_due_at == NOON
    assert not status.ok
    assert status_of(scheduler.registry).ok


def test_the_first_round_runs_at_once_and_those_after_it_when_they_are_due(house: House) -> None:
    scheduler = Scheduler(house)

    assert scheduler.tick() is not None
    assert scheduler.tick_until(NOON - SECOND, HOUR) == []
    assert len(scheduler.tick_until(NOON, SECOND)) == 1
    assert scheduler.tick() is None

    assert due_rounds(house) == [(START, 0), (NOON, 0)]


def test_rounds_by_hand_change_nothing_of_what_is_due(house: House) -> None:
    scheduler = Scheduler(house)
    assert keep_house(scheduler.registry).ok
    assert scheduler.tick() is not None

    house.clock.moment = NOON - SECOND
    assert keep_house(scheduler.registry).ok
    scheduler.tick_until(NOON, SECOND)

    assert due_rounds(house) == [(START, 0), (NOON, 0)]
    assert [row["due_at"] for row in house.rows(rounds)] == [None, START, None, NOON]


def test_one_that_starts_again_goes_on_where_the_last_one_ended(house: House) -> None:
    first = Scheduler(house)
    first.tick()
    first.duty.stop()

    again = Scheduler(house)
    assert again.tick() is None
    house.clock.moment = NOON + 12 * HOUR
    assert again.tick() is not None

    assert due_rounds(house) == [(START, 0), (NOON + 12 * HOUR, 2)]


# --- clocks -------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_an_hour_repeats_nothing_and_loses_nothing(house: House) -> None:
    scheduler = Scheduler(house)
    scheduler.tick()
    scheduler.tick_until(NOON + MINUTE, MINUTE)

    house.clock.advance(-HOUR)
    assert status_of(scheduler.registry).next_due_at == NOON + 6 * HOUR
    scheduler.tick_until(NOON + 13 * HOUR, 5 * MINUTE)

    assert due_rounds(house) == [
        (START, 0),
        (NOON, 0),
        (NOON + 6 * HOUR, 0),
        (NOON + 12 * HOUR, 0),
    ]


def test_a_clock_that_was_a_year_ahead_stops_no_rounds_for_a_year(house: House) -> None:
    scheduler = Scheduler(house)
    scheduler.tick()
    house.clock.advance(365 * DAY)
    assert scheduler.tick() is not None
    (_, ahead) = (at for at, _ in due_rounds(house))

    house.clock.moment = NOON
    assert status_of(scheduler.registry).next_due_at == NOON
    assert not status_of(scheduler.registry, DAY).ok, "what ended in a year is no sign of life"
    assert scheduler.tick() is not None
    assert status_of(scheduler.registry, DAY).ok
    scheduler.tick_until(NOON + 13 * HOUR, 5 * MINUTE)

    assert [at for at, _ in due_rounds(house) if at != ahead] == [
        START,
        NOON,
        NOON + 6 * HOUR,
        NOON + 12 * HOUR,
    ]


def test_a_clock_that_was_a_year_ahead_at_the_first_round_of_all(house: House) -> None:
    house.clock.advance(365 * DAY)
    scheduler = Scheduler(house)
    scheduler.tick()

    house.clock.moment = START
    assert scheduler.tick() is not None
    assert scheduler.tick() is None


# --- what is in the way -------------------------------------------------------------------------


def test_a_round_by_hand_is_waited_for(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "voicereg.scheduler")
    scheduler = Scheduler(house)
    scheduler.tick()
    by_hand = house.open(actor="eve")
    house.clock.moment = NOON
    lease = by_hand.leases.take(ROUND_LEASE, LEASE)
    caplog.clear()

    for _ in range(5):
        house.clock.advance(5 * SECOND)
        assert scheduler.tick() is None
    texts = said(caplog)
    assert len(texts) == 2
    assert texts[0] == "the round of 2026-11-23T12:17:00Z begins"
    assert texts[1].startswith("eve, process ")
    assert "is at the round of housekeeping since" in texts[1]

    by_hand.leases.release(lease)
    assert scheduler.tick() is not None
    assert due_rounds(house) == [(START, 0), (NOON, 0)]


def test_an_account_that_is_not_there_is_said_once_and_waited_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["nobody"]
    scheduler = Scheduler(house, accounts=lambda: names)

    for _ in range(3):
        assert scheduler.tick() is None
    (text,) = [text for text in said(caplog) if "could not run" in text]
    assert "nobody" in text
    assert house.rows(rounds) == []

    names[:] = ["default"]
    assert scheduler.tick() is not None


def test_accounts_that_cannot_be_told_are_waited_for(house: House) -> None:
    def accounts() -> list[str]:
        raise AccountNotFound("gone", ["default"])

    scheduler = Scheduler(house, accounts=accounts)

    assert scheduler.tick() is None
    assert house.rows(rounds) == []


def test_a_database_that_goes_away_when_a_round_ends_has_it_run_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That it ended could not be noted; a round twice is harmless, and none at all is not."""
    scheduler = Scheduler(house)
    finish = Rounds.finish

    def away(self: Rounds, number: int, *, ok: bool) -> None:
        with database_away():
            finish(self, number, ok=ok)

    with monkeypatch.context() as patched:
        patched.setattr(Rounds, "finish", away)
        assert scheduler.tick() is not None
    assert any("was not noted" in text for text in said(caplog))

    assert scheduler.tick() is not None
    assert due_rounds(house) == [(START, 0)]
    assert due_rounds(house, finished=False) == [(START, 0)]


def test_a_database_that_is_away_is_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = Scheduler(house)
    scheduler.tick()
    caplog.clear()

    with database_away():
        for _ in range(5):
            house.clock.advance(MINUTE)
            assert scheduler.tick() is None

    (text,) = said(caplog)
    assert "it is away; what is due is run when it is back" in text


# --- who looks on -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [HeartbeatFailed("HTTP 500"), ZeroDivisionError()])
def test_a_watcher_that_fails_disturbs_nobody(
    house: House, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Round] = []

    def broken(done: Round) -> None:
        raise error

    scheduler = Scheduler(house, watches=[broken, seen.append, broken])

    first = scheduler.tick()
    (second,) = scheduler.tick_until(NOON, HOUR)

    assert seen == [first, second]
    assert len([record for record in caplog.records if record.levelname != "INFO"]) == 4
    assert due_rounds(house) == [(START, 0), (NOON, 0)]


# --- jitter -------------------------------------------------------------------------------------


class Dice(Random):
    """Random numbers that were chosen, and counted."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.left = list(numbers)

    def random(self) -> float:
        return self.left.pop(0)


TICK = 10 * SECOND


def test_a_round_begins_later_by_chance_but_not_before_its_time(house: House) -> None:
    numbers = [0.0, 0.25, 0.5, 0.999, 0.1]
    dice = Dice(*numbers)
    jitter = 10 * MINUTE
    scheduler = Scheduler(house, expression="0 * * * *", jitter=jitter, rng=dice)
    scheduler.tick()
    assert dice.left == numbers, "the first round waits for nothing"

    for number, drawn in enumerate(numbers, 1):
        due = START + number * HOUR
        house.clock.moment = due - TICK
        assert scheduler.tick() is None
        scheduler.tick_until(due + jitter + TICK, TICK)
        began = scheduler.began[-1]
        assert due + drawn * jitter <= began < due + drawn * jitter + TICK
        assert len(scheduler.began) == number + 1
        assert len(dice.left) == len(numbers) - number, "drawn once"
    assert due_rounds(house) == [(START + number * HOUR, 0) for number in range(6)]


@pytest.mark.parametrize(
    ("expression", "every"), [("* * * * *", MINUTE), ("*/3 * * * *", 3 * MINUTE)]
)
def test_jitter_longer_than_the_time_between_rounds_loses_none(
    house: House, expression: str, every: timedelta
) -> None:
    scheduler = Scheduler(
        house, expression=expression, jitter=HOUR, rng=Dice(*[0.999, 0.5, 0.999, 0.0, 0.999] * 2)
    )
    scheduler.tick()

    scheduler.tick_until(START + 6 * every, TICK)

    ran = [at for at, _ in due_rounds(house)][1:]
    assert ran[:5] == [START + number * every for number in range(1, 6)]
    for due, began in zip(ran, scheduler.began[1:], strict=True):
        assert due <= began < due + every


def test_what_was_missed_for_days_is_late_by_days(house: House) -> None:
    scheduler = Scheduler(house)
    scheduler.tick()

    house.clock.moment = NOON + 2 * DAY + MINUTE

    assert status_of(scheduler.registry).next_due_at == NOON


def test_what_is_long_overdue_begins_at_once(house: House) -> None:
    scheduler = Scheduler(house, jitter=10 * MINUTE, rng=Dice(0.999))
    scheduler.tick()

    house.clock.moment = NOON + 10 * MINUTE
    assert scheduler.tick() is not None


# --- what is said -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(0), "the round of 2026-11-23T12:17:00Z begins"),
        (15 * MINUTE - SECOND, "the round of 2026-11-23T12:17:00Z begins"),
        (15 * MINUTE, "the round of 2026-11-23T12:17:00Z runs 0:15:00 late"),
        (
            12 * HOUR,
            "2 rounds were missed; one runs for them now, and for that of 2026-11-24T00:17:00Z",
        ),
        (
            6 * HOUR,
            "1 round was missed; one runs for it now, and for that of 2026-11-23T18:17:00Z",
        ),
    ],
)
def test_what_runs_late_is_said(
    house: House, caplog: pytest.LogCaptureFixture, after: timedelta, words: str
) -> None:
    scheduler = Scheduler(house)
    scheduler.tick()
    caplog.set_level("INFO", "voicereg.scheduler")
    caplog.clear()

    house.clock.moment = NOON + after
    scheduler.tick()

    begins, ends = said(caplog)
    assert begins == words
    coming = {6: "2026-11-24T00:17:00Z", 12: "2026-11-24T06:17:00Z"}.get(
        after // HOUR, "2026-11-23T18:17:00Z"
    )
    assert ends == f"the round has ended well, with 0 messages; the next is due at {coming}"


def test_what_went_wrong_is_said_with_its_step(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.sandbox.misbehave("list", "500", times=None)
    scheduler = Scheduler(house)

    done = scheduler.tick()

    assert done is not None
    assert not done.ok
    assert any(text.startswith("sync of default: ") for text in said(caplog))
