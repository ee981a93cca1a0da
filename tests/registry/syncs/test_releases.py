"""Creates that made nothing: given up by two complete listings, once they have certainly ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY, DESIGNS
from tests.registry.syncs.support import (
    DAY,
    SETTLE_AFTER,
    actions,
    kinds,
    same_design,
    stock,
    unlisted,
    unresolved,
    with_settings,
)
from voicereg import ChangeKind, Registry, State
from voicereg.sandbox import Sandbox

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_two_complete_listings_release_it(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, family: str
) -> None:
    attempt = unresolved(registry, sandbox, made=False, **DESIGNS[family])
    clock.advance(SETTLE_AFTER)
    first = registry.sync()
    assert (first.complete, first.changes, first.unresolved) == (True, (), 1)
    assert registry.quota(family).used == 1
    second = registry.sync()
    (change,) = second.changes
    assert (change.kind, change.id, change.voice_id) == (ChangeKind.RELEASED, attempt.id, None)
    assert (change.before, change.after) == (State.UNRESOLVED, State.FAILED)
    assert second.unresolved == 0
    voice = registry.voice(attempt.id)
    assert voice.state is State.FAILED
    assert "2 complete listings" in str(voice.state_reason)
    assert voice.lease_expires_at is None
    assert registry.quota(family).used == 0
    assert actions(registry, attempt.id)[-1] == "voice.release"


def test_not_before_it_has_certainly_ended(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    for _ in range(3):
        assert registry.sync().changes == ()
    clock.advance(SETTLE_AFTER - SECOND)
    for _ in range(3):
        assert registry.sync().changes == ()
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    clock.advance(SECOND)
    assert registry.sync().changes == (), "none of those before counted"
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_settle_after_is_a_setting(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    hour = timedelta(hours=1)
    registry = open_registry(settings=with_settings(sandbox, settle_after=hour))
    unresolved(registry, sandbox, made=False)
    clock.advance(hour - SECOND)
    for _ in range(3):
        assert registry.sync().changes == ()
    clock.advance(SECOND)
    registry.sync()
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_a_longer_lease_counts_longer(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """Its call may last until then, whoever gave it up before."""
    slot = registry.reserve(**COSY, lease=timedelta(hours=2))
    slot.__exit__(TimeoutError, TimeoutError(), None)
    clock.advance(timedelta(hours=1, minutes=59))
    for _ in range(3):
        assert registry.sync().changes == ()
    clock.advance(timedelta(minutes=1))
    registry.sync()
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_a_voice_that_appears_after_the_first_listing_is_adopted(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=True)
    clock.advance(SETTLE_AFTER)
    unlisted(sandbox)
    assert registry.sync(family=COSYVOICE).changes == ()
    assert kinds(registry.sync(family=COSYVOICE)) == [ChangeKind.ADOPTED]
    assert registry.voice(attempt.id).state is State.ACTIVE


def test_what_only_the_second_reading_shows_is_not_given_up(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    unresolved(registry, sandbox, made=True)
    clock.advance(SETTLE_AFTER)
    unlisted(sandbox, times=1)
    assert kinds(registry.sync(family=COSYVOICE)) == [ChangeKind.ADOPTED]


def test_a_listing_that_failed_does_not_count(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    clock.advance(SETTLE_AFTER)
    registry.sync()
    sandbox.misbehave("list", "500", times=None)
    for _ in range(3):
        sync = registry.sync()
        assert (sync.complete, sync.changes) == (False, ())
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    sandbox.clear_faults()
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_a_suspicious_listing_does_not_count(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """What hides twenty voices may hide one more."""
    stock(sandbox, 20)
    registry.sync()
    attempt = unresolved(registry, sandbox, made=True)
    clock.advance(SETTLE_AFTER)
    unlisted(sandbox, times=None)
    for _ in range(3):
        sync = registry.sync()
        assert (sync.complete, sync.changes) == (False, ())
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    sandbox.clear_faults()
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]


def test_the_other_family_says_nothing_of_it(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    clock.advance(DAY)
    for _ in range(3):
        assert registry.sync(family=QWEN).changes == ()
    assert registry.voice(attempt.id).state is State.UNRESOLVED


def test_a_create_under_way_is_left_alone(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    clock.advance(SETTLE_AFTER - SECOND)
    for _ in range(3):
        sync = registry.sync()
        assert (sync.changes, sync.unresolved) == ((), 0)
    assert registry.voice(slot.voice.id).state is State.CREATING


def test_a_create_whose_process_died_is_unresolved_and_then_given_up(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    clock.advance(SETTLE_AFTER)
    sync = registry.sync()
    (change,) = sync.changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.LAPSED,
        State.CREATING,
        State.UNRESOLVED,
    )
    assert sync.unresolved == 1
    voice = registry.voice(slot.voice.id)
    assert (voice.state, voice.lease_holder) == (State.UNRESOLVED, None)
    assert registry.quota(COSYVOICE).used == 1
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]
    assert actions(registry, voice.id) == ["voice.create", "voice.lapse", "voice.release"]


def test_a_create_whose_process_died_after_the_call_is_adopted(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    there = same_design(sandbox, COSY)
    clock.advance(SETTLE_AFTER)
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    voice = registry.voice(slot.voice.id)
    assert (voice.voice_id, voice.state) == (there.voice_id, State.ACTIVE)
    assert voice.lease_holder is None
    assert actions(registry, voice.id) == ["voice.create", "voice.adopt"]


def test_a_create_that_ends_while_the_listing_is_read_is_left_alone(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    clock.advance(DAY)
    slot = registry.reserve(**COSY)
    clock.advance(SETTLE_AFTER)
    there = same_design(sandbox, COSY)
    sandbox.on_action("list", lambda box: slot.confirm(there.voice_id))
    assert registry.sync().changes == ()
    assert registry.voice(slot.voice.id).voice_id == there.voice_id
    assert registry.quota(COSYVOICE).used == 1
