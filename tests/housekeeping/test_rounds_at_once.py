"""One round at a time, whoever wants one; and none is held up by one that is no more."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier, Event
from typing import Any

import pytest
import sqlalchemy as sa

from tests.engine.waiting import LONG
from tests.fakes import FakeClock
from tests.housekeeping import support
from tests.housekeeping.support import MAIL, House, keep_house, warning
from tests.processes.running import CONTEXT, running
from tests.registry.rows import begun
from tests.registry.syncs.support import ONE_DATABASE
from voicereg import LeaseHeld, Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.errors import DatabaseUnusable
from voicereg.domain.rounds import ROUND_LEASE
from voicereg.engine import Database
from voicereg.housekeeping.leadership import LEASE, leading
from voicereg.notify import open_channel
from voicereg.registry.places import here
from voicereg.tables import leases, messages, rounds, step_states

ELSEWHERE = "another-boot/pid:[4026531836]/4711/99"
SECOND = timedelta(seconds=1)
sandbox = support.sandbox
house = support.house


def _free(house: House) -> bool:
    return house.rows(leases) == []


# --- at once ------------------------------------------------------------------------------------


def test_of_two_threads_one_works_and_the_other_hears_who_does(house: House) -> None:
    house.voice("anna", 6.5)
    together = threading.Barrier(2)
    refused = threading.Event()
    ends: list[Any] = []

    def work(registry: Registry) -> None:
        together.wait(LONG)
        try:
            # Whoever works goes on when the other has been refused.
            ends.append(keep_house(registry, on_step=lambda *step: refused.wait(LONG)))
        except LeaseHeld as held:
            ends.append(held)
            refused.set()

    registries = [house.open(actor="amy@here"), house.open(actor="ben@there")]
    threads = [threading.Thread(target=work, args=(registry,)) for registry in registries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)

    held, done = ends
    assert isinstance(held, LeaseHeld)
    (begun_by,) = (row["holder"] for row in house.rows(rounds))
    assert held.holder == f"{begun_by}, process {os.getpid()}"
    assert str(held).startswith(f"{held.holder} is at the round of housekeeping since ")
    assert held.since == house.clock.now()
    assert held.expires_at == house.clock.now() + LEASE
    assert done.ok
    assert house.told() == [[warning("anna", 7)]]
    assert _free(house)


def _one_of_two(
    database: str,
    settings: Settings,
    now: datetime,
    together: Barrier,
    refused: Event,
    parent: Connection,
) -> None:
    """Want a round at the same time as another process; who has it waits for who has it not."""
    environment = {DEFAULT_KEY_VARIABLE: "sandbox-key"}
    clock = FakeClock(now)
    with Registry.open(
        database, settings=settings, environment=environment, clock=clock
    ) as registry:
        together.wait(LONG)
        try:
            keep_house(registry, on_step=lambda *step: refused.wait(LONG))
        except LeaseHeld as held:
            parent.send(("refused", held.holder))
            refused.set()
        else:
            parent.send(("worked", ""))


def test_of_two_processes_one_works_and_the_other_hears_who_does(house: House) -> None:
    house.voice("anna", 6.5)
    given = (house.url, house.settings(), house.clock.now(), CONTEXT.Barrier(2), CONTEXT.Event())
    with running(_one_of_two, *given, count=2) as others:
        told = {other.pid: other.hear() for other in others}
        assert [other.end() for other in others] == [0, 0]

    assert sorted(what for what, _ in told.values()) == ["refused", "worked"]
    (holder,) = (who for what, who in told.values() if what == "refused")
    (worker,) = (pid for pid, (what, _) in told.items() if what == "worked")
    assert holder.endswith(f"@{socket.gethostname()} (library), process {worker}")
    assert house.told() == [[warning("anna", 7)]]
    assert _free(house)


# --- holders that are no more -------------------------------------------------------------------


def _in_the_middle(database: str, settings: Settings, now: datetime, parent: Connection) -> None:
    """Stop in the middle of a round."""

    def stop(name: str, account: str | None) -> None:
        if name == "deliver":
            parent.send(("inside", ""))
            threading.Event().wait()

    environment = {DEFAULT_KEY_VARIABLE: "sandbox-key"}
    clock = FakeClock(now)
    with Registry.open(
        database, settings=settings, environment=environment, clock=clock
    ) as registry:
        keep_house(registry, on_step=stop)


def test_one_that_was_killed_on_this_machine_holds_up_nobody(house: House) -> None:
    house.voice("anna", 6.5)
    registry = house.open()
    with running(_in_the_middle, house.url, house.settings(), house.clock.now()) as (other,):
        assert other.hear() == ("inside", "")
        with pytest.raises(LeaseHeld, match=f", process {other.pid} is at the"):
            keep_house(registry)
        other.kill()

    assert not _free(house)
    assert keep_house(registry).ok
    assert house.told() == [[warning("anna", 7)]]
    assert _free(house)
    assert [row["ok"] for row in house.rows(rounds)] == [None, True]


@pytest.mark.parametrize("place", [ELSEWHERE, None])
def test_one_of_another_machine_holds_it_until_its_lease_ends(
    house: House, place: str | None
) -> None:
    house.voice("anna", 6.5)
    registry = house.open()
    taken_at = house.clock.now()
    with begun(house.url) as connection:
        connection.execute(
            sa.insert(leases).values(
                name=ROUND_LEASE,
                token="theirs",
                holder="eve@elsewhere, process 4711",
                place=place,
                taken_at=taken_at,
                expires_at=taken_at + LEASE,
            )
        )

    house.clock.advance(LEASE - SECOND)
    with pytest.raises(LeaseHeld, match=r"^eve@elsewhere, process 4711 is at the") as held:
        keep_house(registry)
    assert held.value.expires_at == taken_at + LEASE
    assert house.told() == []
    assert house.rows(rounds) == []

    house.clock.advance(SECOND)
    assert keep_house(registry).ok
    assert house.told() == [[warning("anna", 7)]]
    assert _free(house)


# --- a round that is overtaken ------------------------------------------------------------------


def _once_at(step: str, act: Callable[[], object]) -> Callable[[str, str | None], None]:
    """What does something when a step begins."""

    def on_step(name: str, account: str | None) -> None:
        if name == step:
            act()

    return on_step


@pytest.mark.parametrize("step", ["sync", "warn", "deliver"])
def test_one_that_slept_for_too_long_tells_nothing_of_what_the_next_has_told(
    house: House, step: str
) -> None:
    """The other round has ended, and its lease is gone with it."""
    house.voice("anna", 6.5)
    slow, quick = house.open(actor="slow"), house.open(actor="quick")

    def sleep() -> None:
        house.clock.advance(LEASE)
        assert keep_house(quick).ok

    with pytest.raises(LeaseHeld, match="another process"):
        keep_house(slow, on_step=_once_at(step, sleep))

    assert house.told() == [[warning("anna", 7)]]
    assert [row["holder"] for row in house.rows(rounds) if row["ok"] is None] == ["slow"]
    assert _free(house)


def test_one_that_slept_for_too_long_leaves_it_to_the_next_to_tell(house: House) -> None:
    """The other round is still at work, and keeps its lease."""
    house.voice("anna", 6.5)
    slow, quick = house.open(actor="slow"), house.open(actor="quick")

    def sleep() -> None:
        house.clock.advance(LEASE)
        quick.leases.take(ROUND_LEASE, LEASE)

    with pytest.raises(LeaseHeld) as held:
        keep_house(slow, on_step=_once_at("deliver", sleep))

    assert held.value.holder == f"quick, process {os.getpid()}"
    assert house.told() == []
    assert house.rows(messages) == []
    (lease,) = house.rows(leases)
    assert lease["holder"] == held.value.holder
    assert lease["place"] == here()


def test_one_that_is_overtaken_between_two_channels_tells_the_second_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.voice("anna", 6.5)
    settings = house.settings(MAIL, "chat")
    slow, quick = house.open(settings), house.open(settings)

    def opened(name: str, url: str, **options: Any) -> Any:
        if name == MAIL and house.clock.now() == house.clock.start:
            house.clock.advance(LEASE)
            assert keep_house(quick).ok
        return open_channel(name, url, **options)

    monkeypatch.setattr("voicereg.housekeeping.round.open_channel", opened)
    with pytest.raises(LeaseHeld):
        keep_house(slow)

    assert house.told("chat") == [[warning("anna", 7)]]
    # The first was being sent by then: what may come twice says so.
    assert house.told(MAIL) == [[warning("anna", 7, maybe_repeat=True)], [warning("anna", 7)]]
    assert keep_house(quick).messages == ()


@ONE_DATABASE
def test_one_that_has_heard_that_it_was_overtaken_begins_no_other_step(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its lease is renewed beside the steps, it need not come as far as the messages."""
    held = _held_leases(monkeypatch)
    slow, quick = house.open(), house.open(actor="quick")
    steps: list[str] = []

    def on_step(name: str, account: str | None) -> None:
        steps.append(name)
        if name == "settle":
            house.clock.advance(LEASE)
            quick.leases.take(ROUND_LEASE, LEASE)
            held[0].renew()

    with pytest.raises(LeaseHeld, match=r"^quick, process"):
        keep_house(slow, on_step=on_step)
    assert steps == ["sync", "settle"]
    assert [row["name"] for row in house.rows(step_states)] == ["sync"]


def _held_leases(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The leases that rounds hold from now on."""
    from voicereg.housekeeping import leadership

    made: list[Any] = []
    init = leadership.HeldLease.__init__

    def noting(self: Any, *given: Any) -> None:
        init(self, *given)
        made.append(self)

    monkeypatch.setattr(leadership.HeldLease, "__init__", noting)
    return made


# --- renewals -----------------------------------------------------------------------------------


def test_a_lease_that_is_renewed_lasts(house: House) -> None:
    ours, theirs = house.open(), house.open()
    with leading(ours, ROUND_LEASE) as held:
        for _ in range(3):
            house.clock.advance(LEASE - SECOND)
            held.renew()
        house.clock.advance(LEASE - SECOND)
        with pytest.raises(LeaseHeld) as refused:
            keep_house(theirs)
        assert refused.value.expires_at == house.clock.now() + SECOND
        held.check()
    assert keep_house(theirs).ok


def test_a_lease_that_ended_and_that_nobody_took_is_renewed(house: House) -> None:
    ours, theirs = house.open(), house.open()
    with leading(ours, ROUND_LEASE) as held:
        house.clock.advance(LEASE * 3)
        held.renew()
        held.check()
        with pytest.raises(LeaseHeld):
            keep_house(theirs)


def test_a_lease_that_others_took_is_neither_renewed_nor_released(house: House) -> None:
    ours, theirs = house.open(), house.open(actor="theirs")
    with leading(ours, ROUND_LEASE) as held:
        house.clock.advance(LEASE)
        theirs.leases.take(ROUND_LEASE, LEASE)
        before = house.rows(leases)
        held.check()
        held.renew()
        with pytest.raises(LeaseHeld, match=r"^theirs, process"):
            held.check()
    assert house.rows(leases) == before


@ONE_DATABASE
def test_a_database_that_is_away_when_the_lease_is_renewed_is_survived(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.voice("anna", 6.5)
    registry = house.open()
    held = _held_leases(monkeypatch)

    def away(self: Database) -> Any:
        raise DatabaseUnusable("the database", "it is away")

    def renew() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Database, "write", away)
            held[0].renew()

    assert keep_house(registry, on_step=_once_at("settle", renew)).ok
    assert house.told() == [[warning("anna", 7)]]
    assert _free(house)


@ONE_DATABASE
def test_a_database_that_is_away_when_the_lease_is_released_is_survived(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = house.open()
    release = type(registry.leases).release

    def away(self: Any, lease: Any) -> None:
        raise DatabaseUnusable("the database", "it is away")

    monkeypatch.setattr(type(registry.leases), "release", away)
    assert keep_house(registry).ok
    monkeypatch.setattr(type(registry.leases), "release", release)

    with pytest.raises(LeaseHeld):
        keep_house(registry)
    house.clock.advance(LEASE)
    assert keep_house(registry).ok
