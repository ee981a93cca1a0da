"""Known voices that a listing does not show: missing at first, and given up by the next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY
from tests.registry.syncs.support import (
    DAY,
    YEAR,
    actions,
    asked,
    kinds,
    states,
    stock,
    unlisted,
)
from voicereg import ChangeKind, Registry, Settings, State
from voicereg.sandbox import Sandbox


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
@pytest.mark.parametrize("origin", ["designed", "cloned"])
def test_missing_then_lost(registry: Registry, sandbox: Sandbox, family: str, origin: str) -> None:
    gone, stays = stock(sandbox, 2, family=family, origin=origin)
    registry.sync()
    sandbox.remove_voice(gone.voice_id)
    first = registry.sync()
    assert (first.complete, kinds(first)) == (True, [ChangeKind.MISSING])
    assert states(registry) == {gone.voice_id: State.MISSING, stays.voice_id: State.ACTIVE}
    assert registry.quota(family).used == 2, "its slot is not given away yet"
    second = registry.sync()
    assert (second.complete, kinds(second)) == (True, [ChangeKind.GONE])
    assert states(registry) == {gone.voice_id: State.LOST, stays.voice_id: State.ACTIVE}
    assert registry.quota(family).used == 1
    voice = registry.voice(gone.voice_id)
    assert voice.gone_at == START
    assert voice.prompt == gone.prompt, "what is known of it stays"
    assert "before its deadline" in str(voice.state_reason)
    assert actions(registry, voice.id) == ["voice.import", "voice.missing", "voice.gone"]
    assert registry.sync().changes == ()


@pytest.mark.parametrize(
    ("first_missed", "state"),
    [(YEAR - DAY, State.LOST), (YEAR, State.EXPIRED), (YEAR + DAY, State.EXPIRED)],
)
def test_whether_it_expired_is_told_by_when_it_was_first_missed(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, first_missed: timedelta, state: State
) -> None:
    (gone,) = stock(sandbox)
    registry.sync()
    clock.advance(first_missed)
    sandbox.remove_voice(gone.voice_id)
    registry.sync()
    clock.advance(3 * DAY)
    assert kinds(registry.sync()) == [ChangeKind.GONE]
    assert states(registry) == {gone.voice_id: state}


@pytest.mark.parametrize("state", [State.MISSING, State.LOST, State.EXPIRED])
def test_a_voice_that_is_listed_again_comes_back(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, state: State
) -> None:
    (there,) = stock(sandbox)
    registry.sync()
    registry.edit(there.voice_id, tags={"use": "news"})
    if state is State.EXPIRED:
        clock.advance(YEAR)
    for _ in range(1 if state is State.MISSING else 2):
        unlisted(sandbox)
        registry.sync()
    assert states(registry) == {there.voice_id: state}
    clock.advance(DAY)
    sync = registry.sync()
    (change,) = sync.changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.REFRESHED,
        state,
        State.ACTIVE,
    )
    (voice,) = registry.voices()
    assert (voice.state, voice.gone_at, voice.state_reason) == (State.ACTIVE, None, None)
    assert voice.tags == {"use": "news"}
    assert registry.quota(COSYVOICE).used == 1
    # And what was counted is forgotten: it takes two listings once more.
    sandbox.remove_voice(there.voice_id)
    assert kinds(registry.sync()) == [ChangeKind.MISSING]
    assert kinds(registry.sync()) == [ChangeKind.GONE]


def test_what_only_the_second_reading_shows_is_not_missing(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox, 2)
    registry.sync()
    unlisted(sandbox, times=1)
    sandbox.clear_requests()
    sync = registry.sync(family=COSYVOICE)
    assert (sync.complete, sync.changes, sync.listed) == (True, (), 2)
    assert sync.requests == asked(sandbox, "list") == 3


def test_a_second_reading_that_fails_changes_nothing(registry: Registry, sandbox: Sandbox) -> None:
    (gone, _) = stock(sandbox, 2)
    registry.sync()
    sandbox.remove_voice(gone.voice_id)
    sandbox.misbehave("list", "500", times=None, skip=2, family=COSYVOICE)
    sync = registry.sync(family=COSYVOICE)
    assert (sync.complete, sync.changes) == (False, ())
    assert set(states(registry).values()) == {State.ACTIVE}


@pytest.fixture
def paged(open_registry: OpenRegistry, paged_sandbox: Sandbox) -> Registry:
    return open_registry(settings=Settings(base_url=paged_sandbox.base_url))


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_a_voice_that_goes_between_two_pages_takes_no_other_with_it(
    paged: Registry, paged_sandbox: Sandbox, family: str
) -> None:
    """Those behind it move up by one, and the first of the next page slips through."""
    there = stock(paged_sandbox, 8, family=family)
    paged.sync()
    newest = there[-1].voice_id
    paged_sandbox.on_action("list", lambda box: box.remove_voice(newest), family=family)
    sync = paged.sync(family=family)
    assert sync.complete
    assert set(states(paged).values()) == {State.ACTIVE}, "none is lost for one that went"
    assert kinds(paged.sync(family=family)) == [ChangeKind.MISSING]
    assert [voice for voice, state in states(paged).items() if state is State.MISSING] == [newest]


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_a_voice_that_is_made_between_two_pages_doubles_no_other(
    paged: Registry, paged_sandbox: Sandbox, clock: FakeClock, family: str
) -> None:
    stock(paged_sandbox, 8, family=family)
    paged.sync()
    clock.advance(DAY)
    paged_sandbox.on_action("list", lambda box: stock(box, 1, family=family), family=family)
    first = paged.sync(family=family)
    assert first.complete
    assert set(kinds(first)) <= {ChangeKind.IMPORTED}
    second = paged.sync(family=family)
    assert len(first.changes) + len(second.changes) == 1
    assert set(states(paged).values()) == {State.ACTIVE}
    assert paged.quota(family).used == 9


def test_voices_that_come_and_go_all_the_time_are_each_told_once(
    paged: Registry, paged_sandbox: Sandbox, clock: FakeClock
) -> None:
    there = stock(paged_sandbox, 7)
    paged.sync()
    removed = iter(there)

    def churn(box: Sandbox) -> None:
        box.remove_voice(next(removed).voice_id)
        clock.advance(timedelta(seconds=1))
        stock(box)

    paged_sandbox.on_action("list", churn, times=4)
    paged.sync()
    for _ in range(2):
        paged.sync()
    now_there = {voice.voice_id for voice in paged_sandbox.voices()}
    held = {voice_id for voice_id, state in states(paged).items() if state is State.ACTIVE}
    assert held == now_there
    assert paged.quota(COSYVOICE).used == len(now_there) == 7


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_listing_whose_total_disagrees_is_read_again(
    registry: Registry, sandbox: Sandbox, wrong: int
) -> None:
    (there,) = stock(sandbox, family=QWEN)
    sandbox.misbehave("list", "wrong-total", times=2 * wrong, family=QWEN)
    sync = registry.sync(family=QWEN)
    assert (sync.complete, kinds(sync)) == (True, [ChangeKind.IMPORTED])
    assert states(registry) == {there.voice_id: State.ACTIVE}


def test_a_voice_that_was_made_here_expires_as_well(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    voice = registry.design(**COSY)
    clock.advance(YEAR)
    sandbox.remove_voice(str(voice.voice_id))
    registry.sync()
    registry.sync()
    after = registry.voice(voice.id)
    assert (after.state, after.gone_at) == (State.EXPIRED, clock.now())
    assert registry.expiring() == []
