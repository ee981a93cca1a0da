"""Listings of another account, and listings that could not be read."""

from __future__ import annotations

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY
from tests.registry.syncs.support import (
    DAY,
    ONE_DATABASE,
    kinds,
    same_design,
    states,
    stock,
    unresolved,
)
from voicereg import ChangeKind, KeyMissing, Registry, Settings, State
from voicereg.sandbox import Sandbox


@pytest.fixture
def misled(open_registry: OpenRegistry, other_sandbox: Sandbox) -> Registry:
    """The same registry, with another account's key."""
    return open_registry(settings=Settings(base_url=other_sandbox.base_url))


def test_another_accounts_listing_imports_nothing_and_marks_nothing(
    registry: Registry, misled: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    stock(sandbox, 20)
    stock(other_sandbox, 5)
    registry.sync()
    before = registry.voices()
    sync = misled.sync(family=COSYVOICE)
    assert (sync.complete, sync.changes, sync.held_back) == (False, (), 25)
    assert "DASHSCOPE_API_KEY" in sync.problems[0]
    assert "--force" in sync.problems[0]
    assert registry.voices() == before
    assert registry.quota(COSYVOICE).synced_at == START


def test_it_is_believed_with_force(
    registry: Registry, misled: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    stock(sandbox, 20)
    stock(other_sandbox, 5)
    registry.sync()
    sync = misled.sync(force=True)
    assert sync.complete
    assert sync.count(ChangeKind.IMPORTED) == 5
    assert sync.count(ChangeKind.MISSING) == 20


def test_each_listing_alone_may_know_too_few_to_tell(
    registry: Registry, misled: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    stock(sandbox, 7)
    stock(sandbox, 7, family=QWEN)
    stock(sandbox, 6, family=QWEN, origin="cloned")
    registry.sync()
    before = registry.voices()
    stock(other_sandbox, 1, family=QWEN)
    sync = misled.sync()
    assert (sync.complete, sync.changes) == (False, ())
    assert len(sync.problems) == 3
    assert registry.voices() == before
    assert sync.held_back == 21


def test_one_voice_in_common_is_enough(registry: Registry, sandbox: Sandbox) -> None:
    """Then it is this account, and what it lacks has only to be proved."""
    made = stock(sandbox, 20)
    registry.sync()
    for voice in made[1:]:
        sandbox.remove_voice(voice.voice_id)
    stock(sandbox, 5)
    sync = registry.sync()
    assert sync.complete
    assert (sync.count(ChangeKind.IMPORTED), sync.count(ChangeKind.MISSING)) == (5, 19)


def test_nothing_of_a_create_is_settled_by_another_accounts_listing(
    registry: Registry,
    misled: Registry,
    sandbox: Sandbox,
    other_sandbox: Sandbox,
    clock: FakeClock,
) -> None:
    stock(sandbox, 20)
    registry.sync()
    attempt = unresolved(registry, sandbox, made=False)
    same_design(other_sandbox, COSY)
    clock.advance(DAY)
    for _ in range(3):
        sync = misled.sync()
        assert (sync.complete, sync.changes) == (False, ())
    assert registry.voice(attempt.id).state is State.UNRESOLVED
    assert kinds(registry.sync()) == [], "and none of those counted"
    assert kinds(registry.sync()) == [ChangeKind.RELEASED]


def test_page_0_for_ever_changes_nothing(
    open_registry: OpenRegistry, paged_sandbox: Sandbox
) -> None:
    registry = open_registry(settings=Settings(base_url=paged_sandbox.base_url))
    stock(paged_sandbox, 5)
    stock(paged_sandbox, 5, family=QWEN)
    registry.sync()
    before = registry.voices()
    stock(paged_sandbox, 1)
    paged_sandbox.misbehave("list", "first-page", times=None)
    sync = registry.sync()
    assert (sync.complete, sync.changes) == (False, ())
    assert registry.voices() == before
    paged_sandbox.clear_faults()
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]


def test_a_total_that_never_agrees_changes_nothing(registry: Registry, sandbox: Sandbox) -> None:
    there, gone = stock(sandbox, 2, family=QWEN)
    registry.sync()
    sandbox.remove_voice(gone.voice_id)
    stock(sandbox, family=QWEN)
    sandbox.misbehave("list", "wrong-total", times=None)
    sync = registry.sync()
    assert (sync.complete, sync.changes) == (False, ())
    assert "counts 9 voices, and 2 were listed" in sync.problems[0]
    assert states(registry) == {there.voice_id: State.ACTIVE, gone.voice_id: State.ACTIVE}


@pytest.mark.parametrize("kind", ["500", "reset", "html", "cut-json", "missing-field"])
def test_a_page_that_fails_in_the_middle_changes_nothing(
    open_registry: OpenRegistry, paged_sandbox: Sandbox, kind: str
) -> None:
    registry = open_registry(settings=Settings(base_url=paged_sandbox.base_url))
    made = stock(paged_sandbox, 7)
    registry.sync()
    before = registry.voices()
    paged_sandbox.remove_voice(made[0].voice_id)
    stock(paged_sandbox)
    paged_sandbox.misbehave("list", kind, times=None, skip=1)
    sync = registry.sync(family=COSYVOICE)
    assert (sync.complete, sync.changes) == (False, ())
    assert registry.voices() == before
    assert registry.quota(COSYVOICE).synced_at == START


def test_one_listing_of_qwen_fails_and_the_other_is_still_believed(
    registry: Registry, sandbox: Sandbox
) -> None:
    (design,) = stock(sandbox, family=QWEN)
    stock(sandbox, family=QWEN, origin="cloned")
    sandbox.misbehave("list", "500", times=None, skip=1, family=QWEN)
    sync = registry.sync(family=QWEN)
    assert not sync.complete
    assert "cloned qwen-tts" in sync.problems[0]
    assert states(registry) == {design.voice_id: State.ACTIVE}
    assert registry.quota(QWEN).synced_at is None, "half of it was compared"
    sandbox.clear_faults()
    assert kinds(registry.sync(family=QWEN)) == [ChangeKind.IMPORTED]
    assert registry.quota(QWEN).synced_at is not None


def test_one_family_fails_and_the_other_is_still_compared(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox)
    (voice,) = stock(sandbox, family=QWEN)
    sandbox.misbehave("list", "503", times=None, family=COSYVOICE)
    sync = registry.sync()
    assert not sync.complete
    assert states(registry) == {voice.voice_id: State.ACTIVE}
    assert registry.quota(QWEN).synced_at is not None
    assert registry.quota(COSYVOICE).synced_at is None


def test_a_wrong_key_changes_nothing_and_is_told(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    stock(sandbox, 2)
    registry.sync()
    before = registry.voices()
    wrong = open_registry(environment={"DASHSCOPE_API_KEY": "another-key"})
    sync = wrong.sync(force=True)
    assert (sync.complete, sync.changes, sync.listed) == (False, (), 0)
    assert len(sync.problems) == 3
    assert all("InvalidApiKey" in problem for problem in sync.problems)
    assert registry.voices() == before
    assert "another-key" not in str(registry.events())


def test_no_key_at_all_is_an_error_and_no_sync(
    open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    registry = open_registry(environment={})
    with pytest.raises(KeyMissing):
        registry.sync()
    assert registry.events() == []
    assert sandbox.requests == ()


@ONE_DATABASE
def test_a_provider_that_is_away_is_told_and_changes_nothing(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox, 2)
    registry.sync()
    before = registry.voices()
    with sandbox.offline():
        sync = registry.sync(force=True)
    assert (sync.complete, sync.changes) == (False, ())
    assert registry.voices() == before
    (event, *_) = registry.events()
    assert (event.action, event.after["complete"]) == ("sync", False)
    assert event.reason is not None
