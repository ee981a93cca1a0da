"""A confirm that comes late always wins: the voice exists, whatever the registry had concluded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import FakeClock
from tests.registry.rows import QWEN, insert_voices
from tests.registry.support import COSY, set_limits
from tests.registry.support import QWEN as NARRATED
from voicereg import Family, QuotaExceeded, Registry, Slot, State


def given_up(registry: Registry, how: str) -> Slot:
    slot = registry.reserve(**NARRATED)
    if how == "failed":
        slot.release("it was thought to have failed")
    else:
        slot.__exit__(TimeoutError, TimeoutError(), None)
    assert slot.voice.state.value == how
    return slot


@pytest.mark.parametrize("how", ["failed", "unresolved"])
def test_a_create_that_was_given_up_comes_back(
    registry: Registry, clock: FakeClock, how: str
) -> None:
    slot = given_up(registry, how)
    clock.advance(timedelta(hours=1))
    voice = slot.confirm("qwen-late")
    assert voice.state is State.ACTIVE
    assert voice.voice_id == "qwen-late"
    assert (voice.gone_at, voice.state_reason) == (None, None)
    assert registry.quota(QWEN).used == 1
    newest = registry.events(limit=1)[0]
    assert (newest.action, newest.before["state"]) == ("voice.confirm", how)


def test_even_when_its_lease_has_long_run_out(registry: Registry, clock: FakeClock) -> None:
    slot = registry.reserve(**NARRATED)
    clock.advance(timedelta(days=2))
    assert slot.confirm("qwen-late").state is State.ACTIVE


def test_even_over_the_limit(registry: Registry, database_url: str) -> None:
    """The slot went to another meanwhile; both voices exist at the provider, and both count."""
    set_limits(registry, {Family.QWEN_TTS: 1})
    late = given_up(registry, "failed")
    registry.reserve(**NARRATED).confirm("qwen-in-time")
    assert late.confirm("qwen-late").state is State.ACTIVE
    quota = registry.quota(QWEN)
    assert (quota.used, quota.limit, quota.remaining) == (2, 1, 0)
    with pytest.raises(QuotaExceeded):
        registry.reserve(**NARRATED)


def test_a_reviewed_voice_comes_back_to_its_review(registry: Registry) -> None:
    slot = registry.reserve(**COSY)
    slot.release()
    assert slot.confirm("cosy-late").state is State.PENDING


def test_an_unresolved_create_can_be_released_when_it_is_known_after_all(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 1, family=QWEN)
    slot = given_up(registry, "unresolved")
    assert slot.release("it never came about").state is State.FAILED
    assert registry.quota(QWEN).used == 1


def test_a_failed_create_does_not_become_unresolved(registry: Registry) -> None:
    """What is known to have failed is not doubted by one who did not know."""
    slot = registry.reserve(**NARRATED)
    other = Slot(slot.voice, slot._creates)
    other.release("certainly refused")
    with pytest.raises(ValueError, match="x"), slot:
        raise ValueError("x")
    assert registry.voice(slot.voice.id).state is State.FAILED
