"""Creates whose answer was lost: what they made is found, where nothing has to be guessed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY, DESIGNS, set_limits
from tests.registry.syncs.support import (
    DAY,
    ONE_DATABASE,
    SETTLE_AFTER,
    YEAR,
    actions,
    kinds,
    same_design,
    second_account,
    states,
    stock,
    tampering,
    unresolved,
    with_settings,
)
from voicereg import (
    ChangeKind,
    CreateUnresolved,
    DeadlineBasis,
    Family,
    QuotaExceeded,
    Registry,
    State,
)
from voicereg.sandbox import Sandbox

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_a_certain_adoption_comes_at_once(
    registry: Registry, sandbox: Sandbox, family: str
) -> None:
    told = {**DESIGNS[family], "language": "en", "tags": {"use": "news"}, "owner": "radio"}
    attempt = unresolved(registry, sandbox, made=True, **told)
    (there,) = sandbox.voices()
    sync = registry.sync()
    (change,) = sync.changes
    assert (change.kind, change.id, change.voice_id) == (
        ChangeKind.ADOPTED,
        attempt.id,
        there.voice_id,
    )
    assert (change.before, change.after) == (State.UNRESOLVED, State.ACTIVE)
    assert (sync.complete, sync.unresolved, sync.problems) == (True, 0, ())
    voice = registry.voice(attempt.id)
    assert (voice.voice_id, voice.state) == (there.voice_id, State.ACTIVE)
    assert (voice.tags, voice.owner) == ({"use": "news"}, "radio")
    assert voice.deadline_at == START + YEAR
    assert voice.deadline_basis is DeadlineBasis.CREATED, "the registry had it made"
    assert (voice.lease_expires_at, voice.state_reason) == (None, None)
    assert registry.quota(family).used == 1
    assert registry.quota(family).unresolved == 0
    assert actions(registry, attempt.id)[-1] == "voice.adopt"
    assert registry.sync().changes == ()


@ONE_DATABASE
@pytest.mark.parametrize(
    "kind",
    ["reset", "500", "503", "html", "error-200", "cut-json", "missing-field", "wrong-type"],
)
def test_whatever_happened_to_the_answer(registry: Registry, sandbox: Sandbox, kind: str) -> None:
    sandbox.misbehave("create", kind, after=True)
    with pytest.raises(CreateUnresolved) as lost:
        registry.design(**COSY)
    assert registry.sync().count(ChangeKind.ADOPTED) == 1
    assert registry.voice(lost.value.voice.id).state is State.ACTIVE


@ONE_DATABASE
def test_an_answer_that_came_too_late(open_registry: OpenRegistry, sandbox: Sandbox) -> None:
    registry = open_registry(
        settings=with_settings(sandbox, read_timeout=timedelta(milliseconds=100))
    )
    sandbox.misbehave("create", "timeout", after=True)
    with pytest.raises(CreateUnresolved) as lost:
        registry.design(**COSY)
    sandbox.release_held()
    assert open_registry().sync().count(ChangeKind.ADOPTED) == 1
    assert registry.voice(lost.value.voice.id).state is State.ACTIVE


@pytest.mark.parametrize("hours", [0, 8])
@pytest.mark.parametrize("made_after", [timedelta(0), SETTLE_AFTER])
def test_under_either_reading_of_the_providers_clock(
    open_registry: OpenRegistry, clock: FakeClock, hours: int, made_after: timedelta
) -> None:
    offset = timedelta(hours=hours)
    with Sandbox.start(review_time=timedelta(0), clock=clock.now, utc_offset=offset) as sandbox:
        registry = open_registry(settings=with_settings(sandbox))
        attempt = unresolved(registry, sandbox, made=False)
        clock.advance(made_after)
        there = same_design(sandbox, COSY)
        assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
        assert registry.voice(attempt.id).voice_id == there.voice_id


@pytest.mark.parametrize("hours", [0, 8])
@pytest.mark.parametrize("minutes", [-6, 21])
def test_a_voice_of_another_time_is_not_taken(
    open_registry: OpenRegistry, clock: FakeClock, hours: int, minutes: int
) -> None:
    """A colleague's, from the same design: five minutes of tolerance, and no more."""
    offset = timedelta(hours=hours)
    with Sandbox.start(review_time=timedelta(0), clock=clock.now, utc_offset=offset) as sandbox:
        registry = open_registry(settings=with_settings(sandbox))
        attempt = unresolved(registry, sandbox, made=False)
        same_design(sandbox, COSY, created_at=START + minutes * MINUTE)
        clock.advance(DAY)
        assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
        assert registry.voice(attempt.id).state is State.UNRESOLVED
        assert registry.quota(COSYVOICE).used == 2
        assert kinds(registry.sync()) == [ChangeKind.RELEASED]


@pytest.mark.parametrize(
    "differing",
    [
        {"prompt": "Another prompt."},
        {"preview_text": "Another text."},
        {"target_model": "cosyvoice-v3-flash"},
        {"name": "other"},
    ],
    ids=lambda differing: next(iter(differing)),
)
def test_a_voice_made_from_something_else_is_not_taken(
    registry: Registry, sandbox: Sandbox, differing: dict[str, str]
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    same_design(sandbox, COSY, **differing)
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    assert registry.voice(attempt.id).state is State.UNRESOLVED


@ONE_DATABASE
def test_a_prompt_that_the_provider_has_trimmed_is_the_same(
    registry: Registry, sandbox: Sandbox
) -> None:
    unresolved(registry, sandbox, made=False, prompt="  A calm\n voice. ")
    same_design(sandbox, COSY, prompt="A calm voice.")
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]


def test_alike_creates_are_paired_oldest_to_oldest(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempts = []
    for _ in range(3):
        attempts.append(unresolved(registry, sandbox, made=True))
        clock.advance(MINUTE)
    sync = registry.sync()
    assert kinds(sync) == [ChangeKind.ADOPTED] * 3
    made = sorted(sandbox.voices(), key=lambda voice: voice.created_at)
    assert [registry.voice(attempt.id).voice_id for attempt in attempts] == [
        voice.voice_id for voice in made
    ]
    assert registry.quota(COSYVOICE).used == 3


def test_of_alike_creates_that_made_fewer_voices_the_oldest_have_them(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    first = unresolved(registry, sandbox, made=False)
    clock.advance(MINUTE)
    second = unresolved(registry, sandbox, made=True)
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(first.id).state is State.ACTIVE
    clock.advance(SETTLE_AFTER)
    assert kinds(registry.sync()) == []
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]
    assert registry.voice(second.id).state is State.FAILED
    assert registry.quota(COSYVOICE).used == 1


@pytest.mark.parametrize(
    "label", [{"tags": {"use": "news"}}, {"owner": "radio"}, {"note": "n"}, {"pin": True}]
)
def test_creates_alike_but_for_their_labels_are_not_guessed(
    registry: Registry, sandbox: Sandbox, label: dict[str, Any]
) -> None:
    first = unresolved(registry, sandbox, made=True)
    second = unresolved(registry, sandbox, made=True, **label)
    sync = registry.sync()
    assert (sync.changes, sync.unresolved) == ((), 2)
    (problem,) = sync.problems
    assert first.id in problem
    assert second.id in problem
    assert "voicereg resolve" in problem
    assert all(voice.voice_id in problem for voice in sandbox.voices())
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unresolved, quota.unseen) == (2, 2, 0)


def test_more_voices_than_creates_are_reported_and_counted(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """None is adopted, none is imported; and none is free for another to take."""
    set_limits(registry, {Family.COSYVOICE: 3})
    attempt = unresolved(registry, sandbox, made=True)
    same_design(sandbox, COSY)
    same_design(sandbox, COSY)
    clock.advance(DAY)
    for _ in range(3):
        sync = registry.sync()
        assert (sync.changes, sync.unresolved) == ((), 1)
        assert attempt.id in sync.problems[0]
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unseen, quota.remaining) == (1, 2, 0)
    with pytest.raises(QuotaExceeded) as full:
        registry.reserve(**COSY)
    assert full.value.unseen == 2
    # Settled by hand, the others are somebody else's.
    chosen = sandbox.voices()[1].voice_id
    registry.adopt(attempt.id, chosen)
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED] * 2
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unseen) == (3, 0)
    assert set(states(registry).values()) == {State.ACTIVE}


def without_prompts(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
    if action != "list":
        return None
    hidden = ("voice_prompt", "preview_text")
    items = [{k: v for k, v in item.items() if k not in hidden} for item in output["voice_list"]]
    return output | {"voice_list": items}


def test_a_prompt_that_the_listing_lacks_is_asked_for(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=True)
    blurred = open_registry(client_factory=tampering(clock, without_prompts))
    assert kinds(blurred.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(attempt.id).state is State.ACTIVE


def test_a_prompt_that_nobody_tells_leaves_the_create_to_the_administrator(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    attempt = unresolved(registry, sandbox, made=False)
    there = same_design(sandbox, COSY, prompt=None)
    clock.advance(DAY)
    for _ in range(3):
        sync = registry.sync()
        assert (sync.changes, sync.unresolved) == ((), 1)
        assert there.voice_id in sync.problems[0]
    assert sync.complete, "the listings were read, and this is for a human"
    assert registry.adopt(attempt.id, there.voice_id).state is State.ACTIVE


def test_marked_names_tell_alike_creates_apart(
    open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    registry = open_registry(settings=with_settings(sandbox, mark_names=True))
    first = unresolved(registry, sandbox, made=True, name="anna")
    second = unresolved(registry, sandbox, made=True, name="anna", tags={"use": "news"})
    assert first.name != second.name
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED] * 2
    there = {voice.name: voice.voice_id for voice in sandbox.voices()}
    for attempt in (first, second):
        assert attempt.name.startswith("anna")
        assert registry.voice(attempt.id).voice_id == there[attempt.name]


def test_a_create_of_another_account_of_the_group_waits_for_its_own_sync(
    registry: Registry, sandbox: Sandbox
) -> None:
    second_account(registry, sandbox)
    attempt = unresolved(registry, sandbox, made=True, account="studio")
    sync = registry.sync()
    assert (sync.complete, sync.changes, sync.unresolved) == (True, (), 0)
    assert registry.quota(COSYVOICE).used == 1, "the create's own slot"
    own = registry.sync(account="studio")
    assert kinds(own) == [ChangeKind.ADOPTED]
    assert registry.voice(attempt.id, account="studio").state is State.ACTIVE
    assert registry.quota(COSYVOICE).used == 1


def test_a_create_under_way_keeps_its_voice_from_being_imported(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """Made, and its answer on the way: it is nobody else's voice."""
    slot = registry.reserve(**COSY)
    there = same_design(sandbox, COSY)
    stock(sandbox)
    sync = registry.sync()
    assert kinds(sync) == [ChangeKind.IMPORTED]
    assert sync.changes[0].voice_id != there.voice_id
    assert registry.voice(slot.voice.id).state is State.CREATING
    assert registry.quota(COSYVOICE).used == 2
    assert slot.confirm(there.voice_id).state is State.PENDING
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]


def test_an_unresolved_create_waits_for_one_that_is_alike_and_under_way(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    lost = unresolved(registry, sandbox, made=True)
    slot = registry.reserve(**COSY)
    assert registry.sync().changes == ()
    slot.release()
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(lost.id).state is State.ACTIVE
