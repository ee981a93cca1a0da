"""Rounds that end in the middle: nothing is lost, and what may come twice says so."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.agreement.mortal import Killed, Life, Process
from tests.fakes import FakeClock
from tests.housekeeping import support
from tests.housekeeping.support import MAIL, House, all_clear, keep_house, said, warning
from tests.processes.running import running
from tests.registry.rows import begun
from tests.registry.syncs.support import ONE_DATABASE
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.messages import Language, Message
from voicereg.housekeeping import round as rounds
from voicereg.housekeeping.leadership import LEASE
from voicereg.notify.json_file import JsonFileChannel
from voicereg.registry.keep_alives import KeepAlives
from voicereg.registry.rounds import Rounds
from voicereg.registry.warnings import Warnings
from voicereg.tables import events, leases, metadata, voices

HOUR = timedelta(hours=1)
sandbox = support.sandbox
house = support.house


# --- kill -9 ------------------------------------------------------------------------------------


def _dies_when_it_has_told(
    database: str, settings: Settings, now: datetime, dying: str, parent: Connection
) -> None:
    """Begin a round, and die as by ``kill -9`` before it is noted that a message has come."""
    send = JsonFileChannel.send

    def send_and_die(self: JsonFileChannel, message: Message, language: Language) -> None:
        send(self, message, language)
        if self.name == dying:
            os.kill(os.getpid(), signal.SIGKILL)

    environment = {DEFAULT_KEY_VARIABLE: "sandbox-key"}
    clock = FakeClock(now)
    with (
        Registry.open(database, settings=settings, environment=environment, clock=clock) as opened,
        patch.object(JsonFileChannel, "send", send_and_die),
    ):
        keep_house(opened)


def test_what_was_sent_when_the_process_was_killed_comes_once_more_and_says_so(
    house: House,
) -> None:
    anna = house.voice("anna", 30.5)
    house.voice("bert", 7.5)
    settings = house.settings(MAIL, "chat")
    registry = house.open(settings)
    first = [warning("bert", 14), warning("anna", 60)]
    with running(_dies_when_it_has_told, house.url, settings, house.clock.now(), MAIL) as (other,):
        other.is_killed()
    assert house.told() == [first]
    assert house.told("chat") == []
    assert house.ledger() == set()

    assert keep_house(registry, dry_run=True).messages[0].message.maybe_repeat
    house.clock.advance(HOUR)
    keep_house(registry)
    assert house.told() == [first, [one._replace(maybe_repeat=True) for one in first]]
    assert house.told("chat") == [first], "it has not heard of it before"
    assert keep_house(registry).messages == ()
    assert [outcome for outcome, _ in house.outcomes(MAIL)] == ["unknown", "sent"]
    assert not any(uncertain for *_, uncertain in house.ledger())

    # The same with an all-clear beside a warning that has become more urgent.
    registry.record_use(anna)
    registry.flush()
    house.clock.advance(timedelta(days=1))
    house.path(MAIL).unlink()
    with running(_dies_when_it_has_told, house.url, settings, house.clock.now(), MAIL) as (other,):
        other.is_killed()
    house.clock.advance(HOUR)
    keep_house(registry)
    second = [warning("bert", 7), all_clear("anna")]
    assert house.told() == [second, [one._replace(maybe_repeat=True) for one in second]]
    assert house.told("chat") == [first, second]
    house.clock.advance(HOUR)
    assert keep_house(registry).messages == ()


@ONE_DATABASE
def test_what_has_changed_since_the_kill_is_told_as_it_is_now(house: House) -> None:
    """A tighter mark is news and no repeat; a use is an all-clear, as the warning may have come."""
    house.voice("anna", 7.5)
    bert = house.voice("bert", 6.5)
    settings = house.settings()
    registry = house.open(settings)
    with running(_dies_when_it_has_told, house.url, settings, house.clock.now(), MAIL) as (other,):
        other.is_killed()
    assert house.told_last() == [warning("bert", 7), warning("anna", 14)]

    house.clock.advance(timedelta(days=1))
    registry.record_use(bert)
    registry.flush()
    keep_house(registry)
    assert house.told_last() == [warning("anna", 7), all_clear("bert")]
    assert keep_house(registry).messages == ()


# --- every instant ------------------------------------------------------------------------------


class Heard(NamedTuple):
    """What a channel was told of something."""

    channel: str
    what: tuple[Any, ...]
    maybe_repeat: bool


class Ear:
    """In place of every channel: hears everything, and its listening is an instant, too."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.heard: list[Heard] = []

    def open(self, name: str, url: str, **options: Any) -> Any:
        ear = self

        class Channel:
            def send(self, message: Message, language: Language) -> None:
                ear._life.goes_on()
                for item in message.items:
                    told = item.as_dict(message.made_at)
                    what = tuple(said(told)._replace(maybe_repeat=False))
                    ear.heard.append(Heard(name, what, item.maybe_repeat))
                ear._life.goes_on()

        return Channel()


class Mortal:
    """A house that is kept again and again from the same beginning, by one who may die."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self._house = house
        settings = house.settings(MAIL, "chat")
        self._process = Process("mortal", house.url, house.clock, house.sandbox, settings=settings)
        house.opened.callback(self._process.registry.close)
        self._ear = Ear(self._process.life)
        monkeypatch.setattr(rounds, "open_channel", self._ear.open)
        self._round()
        self._rows = self._all_rows()
        self._began_at = house.clock.now()

    def _round(self, **options: Any) -> None:
        keep_house(self._process.registry, **options)

    def _all_rows(self) -> dict[str, list[dict[str, Any]]]:
        with begun(self._house.url) as connection:
            return {
                table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
                for table in metadata.sorted_tables
            }

    def begin_anew(self, change: Callable[[], None]) -> None:
        """Everything is as it was when there had been one round, but for what has changed since."""
        with begun(self._house.url) as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
            for table in metadata.sorted_tables:
                if self._rows[table.name]:
                    connection.execute(sa.insert(table), self._rows[table.name])
        self._house.clock.moment = self._began_at
        change()
        self._ear.heard.clear()

    def instants(self) -> dict[str, list[int]]:
        """The instants of a whole round, by the step that they are in."""
        life = self._process.life
        found: dict[str, list[int]] = {"begin": []}
        steps = ["begin"]
        count = 0
        goes_on = life.goes_on

        def counting() -> None:
            nonlocal count
            goes_on()
            found[steps[-1]].append(count)
            count += 1

        def on_step(name: str, account: str | None) -> None:
            steps.append(name)
            found[name] = []

        with patch.object(life, "goes_on", counting):
            self._round(on_step=on_step)
        return found

    def die_at(self, instant: int) -> None:
        """Begin a round, and die in its course; others see its lease end."""
        self._process.life.ends_in(instant)
        with pytest.raises(Killed):
            self._round()
        self._process.bury()
        self._process.registry.__dict__.pop("keep_alives", None)
        self._house.clock.advance(LEASE)

    def live(self) -> list[Heard]:
        """A round to its end; everything that was heard since the beginning."""
        self._round()
        return list(self._ear.heard)


def _check_heard(heard: list[Heard], expected: list[Heard]) -> None:
    """Each at least once, at most twice, and a second time only with a word of that."""
    times = Counter((one.channel, one.what) for one in heard)
    assert times.keys() == {(one.channel, one.what) for one in expected}
    assert set(times.values()) <= {1, 2}
    first: set[tuple[str, tuple[Any, ...]]] = set()
    for one in heard:
        if (one.channel, one.what) in first:
            assert one.maybe_repeat, f"{one} came twice"
        first.add((one.channel, one.what))


# So many instants apart, in the step that tells and in the others.
@pytest.mark.parametrize(
    ("backend", "telling", "others"),
    [
        ("sqlite", 5, 40),
        ("postgresql", 12, 0),
        pytest.param("sqlite", 1, 1, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
        pytest.param("postgresql", 1, 5, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
    indirect=["backend"],
)
def test_a_round_that_dies_at_any_instant_loses_nothing(
    house: House, telling: int, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.voice("anna", 8.5)
    house.voice("bert", 30.5)
    carl = house.voice("carl", 13.5)
    dora = house.voice("dora", 31, pinned=True)
    mortal = Mortal(house, monkeypatch)

    def change() -> None:
        house.clock.advance(timedelta(days=2))
        support.set_limits(house, qwen=4)
        with begun(house.url) as connection:
            connection.execute(
                sa.update(voices)
                .where(voices.c.id == carl)
                .values(last_used_at=house.clock.now(), deadline_basis="used")
                .values(deadline_at=house.clock.now() + timedelta(days=365))
            )
            old = house.clock.now() - timedelta(days=731)
            connection.execute(
                sa.insert(events).values(at=old, actor="somebody", action="long ago")
            )

    def state() -> tuple[Any, ...]:
        with begun(house.url) as connection:
            deadline = sa.select(voices.c.deadline_at > house.clock.now() + timedelta(days=300))
            kept = connection.execute(deadline.where(voices.c.id == dora)).scalar_one()
        old = [row for row in house.rows(events) if row["action"] == "long ago"]
        return house.ledger(), kept, old, house.rows(leases)

    mortal.begin_anew(change)
    instants = mortal.instants()
    mortal.begin_anew(change)
    expected = mortal.live()
    assert {one.what[:3] for one in expected} == {
        ("warning", "anna", 7),
        ("warning", "bert", 30),
        ("all_clear", "carl", None),
        ("warning", "qwen-tts", None),
    }
    undisturbed = state()
    assert undisturbed[1:] == (True, [], [])

    twice = 0
    chosen = instants.pop("deliver")[1::telling]
    if others:
        chosen += [instant for step in instants.values() for instant in step][::others]
    for instant in chosen:
        mortal.begin_anew(change)
        mortal.die_at(instant)
        heard = mortal.live()
        _check_heard(heard, expected)
        assert state() == undisturbed, f"after a death at instant {instant}"
        twice += len(heard) > len(expected)
    assert twice, "no death came between sending and noting"


# --- Ctrl-C -------------------------------------------------------------------------------------


class Interruption(NamedTuple):
    """Where a user presses Ctrl-C."""

    step: str
    owner: type
    name: str


INTERRUPTIONS = [
    Interruption("begin", Rounds, "begin"),
    Interruption("sync", Registry, "sync"),
    Interruption("settle", Registry, "voices"),
    Interruption("keep_alive", KeepAlives, "keep"),
    Interruption("warn", Warnings, "concerns"),
    Interruption("deliver", Warnings, "prepare"),
    Interruption("deliver", JsonFileChannel, "send"),
    Interruption("deliver", Warnings, "settle"),
    Interruption("prune", Rounds, "prune"),
    Interruption("finish", Rounds, "finish"),
]


@ONE_DATABASE
@pytest.mark.parametrize("where", INTERRUPTIONS, ids=lambda where: f"{where.step}-{where.name}")
def test_ctrl_c_in_any_step_lets_the_next_round_work_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch, where: Interruption
) -> None:
    house.voice("anna", 6.5)
    house.voice("dora", 10, pinned=True)
    registry = house.open()

    def interrupt(*given: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as pressing:
        pressing.setattr(where.owner, where.name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            keep_house(registry)
    assert house.rows(leases) == []

    house.clock.advance(HOUR)
    assert keep_house(registry).ok
    told = house.told()
    # Where nobody noted how a message ended, it may have come.
    may_have_come = where.name in ("send", "settle")
    came = where.name == "settle"
    before = [[warning("anna", 7)]] if came or where.step in ("prune", "finish") else []
    after = (
        []
        if where.step in ("prune", "finish")
        else [[warning("anna", 7, maybe_repeat=may_have_come)]]
    )
    assert told == before + after
    assert keep_house(registry).messages == ()
