"""Late words and words at once: a confirm after a sync has decided, and two syncs side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE
from tests.registry.support import COSY
from tests.registry.syncs.support import (
    DAY,
    SETTLE_AFTER,
    actions,
    kinds,
    same_design,
    states,
    stock,
    unlisted,
    unresolved,
)
from voicereg import ChangeKind, Registry, Slot, State, StateConflict
from voicereg.sandbox import Sandbox
from voicereg.sandbox.provider import SandboxVoice


def left(registry: Registry) -> Slot:
    """A slot whose holder has given up waiting."""
    slot = registry.reserve(**COSY, tags={"use": "news"}, owner="radio")
    slot.__exit__(TimeoutError, TimeoutError(), None)
    return slot


def released(registry: Registry, clock: FakeClock) -> Slot:
    """A slot that two listings have shown to be free."""
    slot = left(registry)
    clock.advance(SETTLE_AFTER)
    registry.sync()
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]
    return slot


def imported(registry: Registry, sandbox: Sandbox, clock: FakeClock) -> tuple[Slot, SandboxVoice]:
    """A slot, and what it made, which came too late and was taken for somebody else's."""
    slot = released(registry, clock)
    there = same_design(sandbox, COSY)
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    return slot, there


def test_after_the_release(registry: Registry, sandbox: Sandbox, clock: FakeClock) -> None:
    slot = released(registry, clock)
    there = same_design(sandbox, COSY)
    assert slot.confirm(there.voice_id).state is State.PENDING
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    assert states(registry) == {there.voice_id: State.ACTIVE}
    assert registry.quota(COSYVOICE).used == 1


def test_after_the_import(registry: Registry, sandbox: Sandbox, clock: FakeClock) -> None:
    """Who made it knows better; what people added to the other record is kept."""
    slot, there = imported(registry, sandbox, clock)
    (other,) = registry.edit(
        there.voice_id, tags={"use": "sport", "show": "late"}, owner="tv", note="nice", pin=True
    )
    voice = slot.confirm(there.voice_id)
    assert (voice.id, voice.voice_id) == (slot.voice.id, there.voice_id)
    assert (voice.state, voice.gone_at) == (State.PENDING, None)
    assert voice.tags == {"use": "news", "show": "late"}
    assert (voice.owner, voice.note, voice.pinned) == ("radio", "nice", True)
    given_up = registry.voice(other.id)
    assert (given_up.state, given_up.voice_id) == (State.FAILED, None)
    assert voice.id in str(given_up.state_reason), "it says where its voice is"
    assert registry.voice(there.voice_id).id == voice.id
    assert registry.quota(COSYVOICE).used == 1
    assert actions(registry, other.id)[-1] == "voice.give-up-id"
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    assert registry.sync().changes == ()
    assert registry.quota(COSYVOICE).used == 1


def test_the_same_confirm_again_changes_nothing(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot, there = imported(registry, sandbox, clock)
    voice = slot.confirm(there.voice_id)
    before = actions(registry)
    assert slot.confirm(there.voice_id) == voice
    assert actions(registry) == before


def test_after_the_voice_was_imported_and_missed(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot, there = imported(registry, sandbox, clock)
    unlisted(sandbox)
    assert kinds(registry.sync(family=COSYVOICE)) == [ChangeKind.MISSING]
    slot.confirm(there.voice_id)
    assert registry.quota(COSYVOICE).used == 1
    registry.sync()
    assert states(registry) == {there.voice_id: State.ACTIVE, None: State.FAILED}


@pytest.fixture
def mistaken(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> tuple[Slot, Slot, SandboxVoice]:
    """Two creates alike, and a voice that was adopted for the older and made by the newer."""
    older = left(registry)
    clock.advance(timedelta(minutes=1))
    newer = left(registry)
    there = same_design(sandbox, COSY)
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(there.voice_id).id == older.voice.id
    return older, newer, there


def test_after_an_adoption_by_another(
    registry: Registry,
    sandbox: Sandbox,
    clock: FakeClock,
    mistaken: tuple[Slot, Slot, SandboxVoice],
) -> None:
    older, newer, there = mistaken
    voice = newer.confirm(there.voice_id)
    assert (voice.id, voice.voice_id) == (newer.voice.id, there.voice_id)
    robbed = registry.voice(older.voice.id)
    assert (robbed.state, robbed.voice_id) == (State.UNRESOLVED, None)
    assert voice.id in str(robbed.state_reason)
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unresolved) == (2, 1)
    clock.advance(SETTLE_AFTER)
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]
    assert registry.quota(COSYVOICE).used == 1


def test_what_a_voice_was_missed_for_does_not_count_against_the_create_that_loses_it(
    registry: Registry,
    sandbox: Sandbox,
    clock: FakeClock,
    mistaken: tuple[Slot, Slot, SandboxVoice],
) -> None:
    """It takes two listings without what it made, and the earlier one told of another's voice."""
    older, newer, there = mistaken
    clock.advance(SETTLE_AFTER)
    unlisted(sandbox)
    assert ChangeKind.MISSING in kinds(registry.sync(family=COSYVOICE))
    newer.confirm(there.voice_id)
    assert ChangeKind.RELEASED not in kinds(registry.sync())
    assert registry.voice(older.voice.id).state is State.UNRESOLVED
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_an_id_that_was_confirmed_stays_where_it_is(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot, there = imported(registry, sandbox, clock)
    other = registry.reserve(**COSY)
    other.confirm(there.voice_id)
    before = registry.voices(with_gone=True)
    with pytest.raises(StateConflict, match=other.voice.id):
        slot.confirm(there.voice_id)
    assert registry.voices(with_gone=True) == before


def at_once(sandbox: Sandbox, *registries: Registry) -> list[list[ChangeKind]]:
    """What syncs find whose listings are read at the same moment."""
    together = threading.Barrier(len(registries))
    sandbox.on_action(
        "list", lambda box: together.wait(20), times=len(registries), family=COSYVOICE
    )
    with ThreadPoolExecutor(len(registries)) as threads:
        return list(threads.map(lambda registry: kinds(registry.sync()), registries))


def test_two_syncs_at_once_adopt_and_import_once(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    attempt = unresolved(registry, sandbox, made=True)
    stock(sandbox, 3)
    first, second = at_once(sandbox, registry, open_registry())
    assert sorted(first + second) == sorted([ChangeKind.ADOPTED, *[ChangeKind.IMPORTED] * 3])
    assert registry.voice(attempt.id).state is State.ACTIVE
    assert registry.quota(COSYVOICE).used == 4
    assert registry.sync().changes == ()


def test_two_syncs_at_once_are_one_listing_for_what_is_absent(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    """The second finds the voice missing already, and does not give it up for that."""
    (there,) = stock(sandbox)
    registry.sync()
    sandbox.remove_voice(there.voice_id)
    first, second = at_once(sandbox, registry, open_registry())
    assert first + second == [ChangeKind.MISSING]
    assert states(registry) == {there.voice_id: State.MISSING}


def test_two_syncs_at_once_are_one_listing_for_a_create(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    clock.advance(DAY)
    first, second = at_once(sandbox, registry, open_registry())
    assert first + second == []
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]
