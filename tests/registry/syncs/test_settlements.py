"""Creates settled by hand, and everything that refuses it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY, DESIGNS, confirmed, set_limits
from tests.registry.syncs.support import (
    DAY,
    ONE_DATABASE,
    SETTLE_AFTER,
    actions,
    everything,
    kinds,
    same_design,
    stock,
    unresolved,
)
from voicereg import (
    AmbiguousVoice,
    ChangeKind,
    Family,
    InvalidInput,
    NotConnected,
    ProviderFault,
    Registry,
    State,
    StateConflict,
    Voice,
    VoiceGone,
    VoiceNotFound,
)
from voicereg.sandbox import Sandbox


@pytest.fixture
def attempt(registry: Registry, sandbox: Sandbox) -> Voice:
    """A create that made nothing, though nobody knows."""
    return unresolved(registry, sandbox, made=False, tags={"use": "news"})


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_an_adoption_by_hand(registry: Registry, sandbox: Sandbox, family: str) -> None:
    lost = unresolved(registry, sandbox, made=True, **DESIGNS[family])
    (there,) = sandbox.voices()
    voice = registry.adopt(lost.id, there.voice_id)
    assert (voice.id, voice.voice_id, voice.state) == (lost.id, there.voice_id, State.ACTIVE)
    assert voice == registry.voice(lost.id)
    assert registry.quota(family).used == 1
    newest = registry.events(limit=1)[0]
    assert (newest.action, newest.reason) == ("voice.adopt", "settled by hand")


def test_a_release_by_hand(registry: Registry, sandbox: Sandbox, attempt: Voice) -> None:
    sandbox.clear_requests()
    voice = registry.release(attempt.id)
    assert (voice.state, voice.voice_id) == (State.FAILED, None)
    assert "by hand" in str(voice.state_reason)
    assert registry.quota(COSYVOICE).used == 0
    assert actions(registry, attempt.id)[-1] == "voice.release"
    assert sandbox.requests == (), "the administrator knows better than the provider"


@ONE_DATABASE
@pytest.mark.parametrize("status", ["DEPLOYING", "UNDEPLOYED"])
def test_the_review_of_an_adopted_voice(
    registry: Registry, sandbox: Sandbox, attempt: Voice, status: str
) -> None:
    there = same_design(sandbox, COSY, status=status)
    expected = {"DEPLOYING": State.PENDING, "UNDEPLOYED": State.REJECTED}[status]
    assert registry.adopt(attempt.id, there.voice_id).state is expected


def test_a_create_that_was_given_up_can_be_adopted(
    registry: Registry, sandbox: Sandbox, attempt: Voice
) -> None:
    set_limits(registry, {Family.COSYVOICE: 1})
    registry.release(attempt.id)
    registry.reserve(**COSY)
    there = same_design(sandbox, COSY)
    assert registry.adopt(attempt.id, there.voice_id).state is State.ACTIVE
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.limit) == (2, 1), "it exists, whatever the limit says"


def test_what_a_sync_has_imported_gives_way(
    registry: Registry, sandbox: Sandbox, attempt: Voice, clock: FakeClock
) -> None:
    clock.advance(DAY)
    there = same_design(sandbox, COSY)
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    (imported,) = registry.edit(there.voice_id, tags={"show": "late"}, owner="radio")
    voice = registry.adopt(attempt.id, there.voice_id)
    assert voice.tags == {"use": "news", "show": "late"}
    assert voice.owner == "radio"
    other = registry.voice(imported.id)
    assert (other.state, other.voice_id) == (State.FAILED, None)
    assert registry.quota(COSYVOICE).used == 1
    assert registry.sync().changes == ()


def test_what_a_sync_has_adopted_for_another_gives_way(
    registry: Registry, sandbox: Sandbox, attempt: Voice, clock: FakeClock
) -> None:
    clock.advance(timedelta(minutes=1))
    second = unresolved(registry, sandbox, made=True, tags={"use": "news"})
    (there,) = sandbox.voices()
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(there.voice_id).id == attempt.id
    registry.adopt(second.id, there.voice_id)
    assert registry.voice(second.id).state is State.ACTIVE
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    assert registry.quota(COSYVOICE).used == 2


def test_what_was_counted_is_forgotten_by_an_adoption(
    registry: Registry, sandbox: Sandbox, attempt: Voice, clock: FakeClock
) -> None:
    clock.advance(SETTLE_AFTER)
    registry.sync()
    there = same_design(sandbox, COSY)
    registry.adopt(attempt.id, there.voice_id)
    sandbox.remove_voice(there.voice_id)
    assert kinds(registry.sync()) == [ChangeKind.MISSING]
    assert kinds(registry.sync()) == [ChangeKind.GONE]


@pytest.mark.parametrize("field", ["prompt", "preview_text", "target_model"])
def test_a_voice_made_from_something_else_is_refused_unless_unchecked(
    registry: Registry, sandbox: Sandbox, attempt: Voice, database_url: str, field: str
) -> None:
    changed = {"target_model": "cosyvoice-v3-flash"} if field == "target_model" else {field: "?"}
    there = same_design(sandbox, COSY, **changed)
    before = everything(database_url)
    with pytest.raises(InvalidInput) as refused:
        registry.adopt(attempt.id, there.voice_id)
    assert [problem.where for problem in refused.value.problems] == [field]
    assert "--unchecked" in str(refused.value.advice)
    assert everything(database_url) == before
    voice = registry.adopt(attempt.id, there.voice_id, unchecked=True)
    assert (voice.state, voice.voice_id) == (State.ACTIVE, there.voice_id)
    assert voice.target_model == there.target_model


@ONE_DATABASE
def test_a_prompt_in_other_spacing_is_the_same(
    registry: Registry, sandbox: Sandbox, attempt: Voice
) -> None:
    there = same_design(sandbox, COSY, prompt=f" {COSY['prompt']}\n")
    assert registry.adopt(attempt.id, there.voice_id).state is State.ACTIVE


@pytest.mark.parametrize("voice_id", ["", "a b", "a\x00b", "\x1b[31m", "x" * 600])
def test_an_id_that_can_be_none(
    registry: Registry, sandbox: Sandbox, attempt: Voice, database_url: str, voice_id: str
) -> None:
    before = everything(database_url)
    sandbox.clear_requests()
    with pytest.raises(InvalidInput):
        registry.adopt(attempt.id, voice_id)
    assert everything(database_url) == before
    assert sandbox.requests == ()


def test_an_id_that_the_provider_does_not_know(
    registry: Registry, sandbox: Sandbox, attempt: Voice, database_url: str
) -> None:
    (of_the_other_family,) = stock(sandbox, family=QWEN)
    before = everything(database_url)
    for voice_id in ("cosyvoice-v3.5-plus-vd-a-1", of_the_other_family.voice_id):
        with pytest.raises(VoiceGone):
            registry.adopt(attempt.id, voice_id, unchecked=True)
    assert everything(database_url) == before


def test_a_provider_that_cannot_be_asked(
    registry: Registry, sandbox: Sandbox, attempt: Voice, database_url: str
) -> None:
    there = same_design(sandbox, COSY)
    before = everything(database_url)
    sandbox.misbehave("query", "500", times=None)
    with pytest.raises(ProviderFault):
        registry.adopt(attempt.id, there.voice_id)
    with sandbox.offline(), pytest.raises(NotConnected):
        registry.adopt(attempt.id, there.voice_id)
    assert everything(database_url) == before


def test_an_id_that_was_confirmed_for_another(
    registry: Registry, sandbox: Sandbox, attempt: Voice, database_url: str
) -> None:
    made = registry.design(**COSY)
    before = everything(database_url)
    with pytest.raises(StateConflict, match=made.id):
        registry.adopt(attempt.id, str(made.voice_id))
    assert everything(database_url) == before


def settle(registry: Registry, how: str, voice: str, there: str) -> Voice:
    return registry.release(voice) if how == "release" else registry.adopt(voice, there)


@pytest.mark.parametrize("how", ["adopt", "release"])
@pytest.mark.parametrize("what", ["made", "imported", "deleted"])
def test_what_is_no_create_of_unknown_outcome(
    registry: Registry, sandbox: Sandbox, database_url: str, how: str, what: str
) -> None:
    if what == "imported":
        stock(sandbox)
        registry.sync()
    else:
        registry.design(**COSY)
    (voice,) = registry.voices()
    if what == "deleted":
        registry.delete(voice.id)
    there = same_design(sandbox, COSY)
    before = everything(database_url)
    with pytest.raises(StateConflict, match="no create"):
        settle(registry, how, voice.id, there.voice_id)
    assert everything(database_url) == before


def test_a_create_that_failed_cannot_be_released_again(
    registry: Registry, attempt: Voice, database_url: str
) -> None:
    registry.release(attempt.id)
    before = everything(database_url)
    with pytest.raises(StateConflict, match="no create"):
        registry.release(attempt.id)
    assert everything(database_url) == before


@pytest.mark.parametrize("how", ["adopt", "release"])
def test_somebody_may_still_be_at_work_on_it(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, database_url: str, how: str
) -> None:
    slot = registry.reserve(**COSY)
    there = same_design(sandbox, COSY)
    before = everything(database_url)
    clock.advance(SETTLE_AFTER - timedelta(seconds=1))
    with pytest.raises(StateConflict, match="at work") as conflict:
        settle(registry, how, slot.voice.id, there.voice_id)
    assert "2026-11-23 09:15 UTC" in str(conflict.value.advice)
    assert everything(database_url) == before
    clock.advance(timedelta(seconds=1))
    settled = settle(registry, how, slot.voice.id, there.voice_id)
    assert settled.state is (State.FAILED if how == "release" else State.ACTIVE)
    assert (settled.lease_holder, settled.lease_expires_at) == (None, None)


@ONE_DATABASE
@pytest.mark.parametrize("how", ["adopt", "release"])
@pytest.mark.parametrize(
    ("reference", "error"), [("nobody", VoiceNotFound), ("qwen-", AmbiguousVoice)]
)
def test_a_reference_that_names_none_or_several(
    registry: Registry, how: str, reference: str, error: type[Exception]
) -> None:
    for number in range(2):
        confirmed(registry, f"qwen-{number}")
    with pytest.raises(error):
        settle(registry, how, reference, "qwen-tts-vd-a-1")


@ONE_DATABASE
def test_a_voice_that_was_confirmed_while_the_provider_was_asked(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    slot = registry.reserve(**COSY)
    slot.__exit__(TimeoutError, TimeoutError(), None)
    first, second = same_design(sandbox, COSY), same_design(sandbox, COSY)
    sandbox.on_action("query", lambda box: slot.confirm(first.voice_id), times=1)
    with pytest.raises(StateConflict, match="no create"):
        registry.adopt(slot.voice.id, second.voice_id)
    assert registry.voice(slot.voice.id).voice_id == first.voice_id

    def again(**wanted: Any) -> Voice:
        other = registry.reserve(**COSY)
        other.__exit__(TimeoutError, TimeoutError(), None)
        sandbox.on_action("query", lambda box: other.confirm(second.voice_id), times=1)
        return registry.adopt(other.voice.id, second.voice_id)

    assert again().voice_id == second.voice_id, "the same word twice"
