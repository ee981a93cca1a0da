"""The provider says that the quota is full, and the registry counts free slots: unseen ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY, DESIGNS, confirmed, set_limits
from tests.registry.syncs.support import (
    DAY,
    actions,
    kinds,
    same_design,
    second_account,
    states,
    stock,
    unlisted,
    unresolved,
)
from voicereg import ChangeKind, Family, QuotaExceeded, Registry, State
from voicereg.sandbox import Sandbox

Figures = tuple[int, int, int, bool]


def figures(registry: Registry, family: str = COSYVOICE) -> Figures:
    quota = registry.quota(family)
    return quota.used, quota.unseen, quota.remaining, quota.stale


def refused(registry: Registry, sandbox: Sandbox, limit: int, family: str = COSYVOICE) -> None:
    """A create that the provider refuses, whose limit is lower than the registry's 10."""
    registry.sync()
    set_limits(registry, {Family(family): 10})
    sandbox.set_limit(family, limit)
    with pytest.raises(QuotaExceeded) as full:
        registry.design(**DESIGNS[family])
    assert full.value.by_provider


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_what_the_refusal_says_and_leaves_behind(
    registry: Registry, sandbox: Sandbox, family: str
) -> None:
    set_limits(registry, {Family(family): 10})
    sandbox.set_limit(family, 4)
    stock(sandbox, 4, family=family)
    with pytest.raises(QuotaExceeded) as full:
        registry.design(**DESIGNS[family])
    error = full.value
    assert (error.by_provider, error.limit, error.used, error.unseen) == (True, 10, 0, 10)
    assert (error.remaining, error.synced_at) == (0, None)
    assert error.request_id is not None
    assert "never compared" in str(error)
    assert "voicereg sync" in str(error.advice)
    assert "--limit" in str(error.advice)
    assert figures(registry, family) == (0, 10, 0, True)
    assert actions(registry)[-1] == "quota.refused"
    newest = registry.events(limit=1)[0]
    assert (newest.before, newest.after) == (
        {"unseen": 0, "stale": True},
        {"family": family, "unseen": 10, "stale": True},
    )
    other = QWEN if family == COSYVOICE else COSYVOICE
    assert registry.quota(other).unseen == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.reserve(**COSY),
        lambda registry: registry.design(**COSY),
        lambda registry: registry.require_quota(COSYVOICE),
        lambda registry: registry.check_design(**COSY),
    ],
    ids=["reserve", "design", "require_quota", "check_design"],
)
def test_the_next_is_refused_here(
    registry: Registry, sandbox: Sandbox, ask: Callable[[Registry], object]
) -> None:
    refused(registry, sandbox, 0)
    sandbox.clear_requests()
    with pytest.raises(QuotaExceeded) as full:
        ask(registry)
    assert not full.value.by_provider
    assert (full.value.used, full.value.unseen, full.value.synced_at) == (0, 10, START)
    assert "10 taken unseen" in str(full.value)
    assert sandbox.requests == ()


def test_a_sync_that_finds_them_all_explains_it(registry: Registry, sandbox: Sandbox) -> None:
    confirmed(registry, "cosyvoice-v3.5-plus-vd-a-1", **COSY)
    stock(sandbox, 1)
    refused(registry, sandbox, 1)
    assert figures(registry) == (2, 8, 0, True), "one of them is missing"
    stock(sandbox, 8)
    assert registry.sync().count(ChangeKind.IMPORTED) == 8
    assert figures(registry)[1:] == (0, 1, False), "and the one that was missing is lost"


def test_a_sync_that_finds_some_explains_those(registry: Registry, sandbox: Sandbox) -> None:
    refused(registry, sandbox, 0)
    made = stock(sandbox, 4)
    sandbox.set_limit(COSYVOICE, 4)
    registry.sync()
    assert figures(registry) == (4, 6, 0, True)
    registry.sync()
    assert figures(registry) == (4, 6, 0, True), "nothing more was found"
    # A delete frees what it frees, and a create that succeeds shows that the word is out of date.
    registry.delete(made[0].voice_id)
    assert figures(registry) == (3, 6, 1, True)
    registry.design(**COSY)
    assert figures(registry) == (4, 0, 6, False)


def test_a_create_that_began_before_the_refusal_proves_nothing(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    slot = registry.reserve(**COSY)
    clock.advance(timedelta(seconds=1))
    refused(registry, sandbox, 0)
    assert figures(registry) == (1, 9, 0, True)
    slot.confirm("cosyvoice-v3.5-plus-vd-a-1")
    assert figures(registry) == (1, 9, 0, True)


def test_force_says_that_there_are_none(registry: Registry, sandbox: Sandbox) -> None:
    refused(registry, sandbox, 0)
    registry.sync()
    assert figures(registry) == (0, 10, 0, True)
    registry.sync(force=True)
    assert figures(registry) == (0, 0, 10, False)


def test_force_says_nothing_of_what_could_not_be_read(registry: Registry, sandbox: Sandbox) -> None:
    refused(registry, sandbox, 0)
    sandbox.misbehave("list", "500", times=None)
    registry.sync(force=True)
    assert figures(registry) == (0, 10, 0, True)


def test_a_dry_run_explains_nothing(registry: Registry, sandbox: Sandbox) -> None:
    refused(registry, sandbox, 0)
    stock(sandbox, 4)
    registry.sync(dry_run=True, force=True)
    assert figures(registry) == (0, 10, 0, True)


def test_a_limit_that_is_said_as_advised_explains_it(registry: Registry, sandbox: Sandbox) -> None:
    """The provider's limit is 4: then nothing is unseen, and a delete frees a slot."""
    made = stock(sandbox, 4)
    refused(registry, sandbox, 4)
    assert figures(registry) == (4, 6, 0, True)
    set_limits(registry, {Family.COSYVOICE: 4})
    assert figures(registry) == (4, 0, 0, False)
    registry.delete(made[0].voice_id)
    assert figures(registry) == (3, 0, 1, False)
    registry.design(**COSY)


def test_a_limit_that_is_lowered_by_less_explains_as_much(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox, 4)
    refused(registry, sandbox, 4)
    set_limits(registry, {Family.COSYVOICE: 7})
    assert figures(registry) == (4, 3, 0, True)
    set_limits(registry, {Family.COSYVOICE: 9})
    assert figures(registry) == (4, 3, 2, True), "those taken unseen are as many as they were"


def test_voices_that_come_back_are_some_of_them(registry: Registry, sandbox: Sandbox) -> None:
    """They were given up, and were there all the time: each counts once."""
    stock(sandbox, 3)
    registry.sync()
    for _ in range(2):
        unlisted(sandbox)
        registry.sync(family=COSYVOICE)
    assert set(states(registry).values()) == {State.LOST}
    set_limits(registry, {Family.COSYVOICE: 3})
    sandbox.set_limit(COSYVOICE, 3)
    with pytest.raises(QuotaExceeded):
        registry.design(**COSY)
    assert figures(registry) == (0, 3, 0, True)
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED] * 3
    assert figures(registry) == (3, 0, 0, False)
    assert registry.quota(COSYVOICE).level.value == "full"


def test_voices_that_cannot_be_told_apart_are_some_of_them(
    registry: Registry, sandbox: Sandbox
) -> None:
    """Two voices on no record: seen by the sync, and so not unseen as well."""
    set_limits(registry, {Family.COSYVOICE: 10})
    attempt = unresolved(registry, sandbox, made=True)
    same_design(sandbox, COSY)
    same_design(sandbox, COSY)
    stock(sandbox, 3)
    sandbox.set_limit(COSYVOICE, 6)
    with pytest.raises(QuotaExceeded):
        registry.design(**COSY | {"name": "other"})
    assert figures(registry) == (1, 9, 0, True)
    assert registry.sync().count(ChangeKind.IMPORTED) == 3
    assert figures(registry) == (4, 6, 0, True), "two of the six are known to be there"
    # Refused once more, nothing is counted twice.
    registry.delete(next(v.id for v in registry.voices() if v.state is State.ACTIVE))
    sandbox.set_limit(COSYVOICE, 5)
    with pytest.raises(QuotaExceeded):
        registry.design(**COSY | {"name": "other"})
    assert figures(registry) == (3, 7, 0, True)
    registry.adopt(attempt.id, sandbox.voices()[0].voice_id)
    assert registry.sync().count(ChangeKind.IMPORTED) == 2
    assert figures(registry) == (5, 5, 0, True)


def test_what_was_told_apart_after_the_refusal_is_not_explained_twice(
    registry: Registry, sandbox: Sandbox
) -> None:
    set_limits(registry, {Family.COSYVOICE: 10})
    attempt = unresolved(registry, sandbox, made=True)
    same_design(sandbox, COSY)
    same_design(sandbox, COSY)
    registry.sync()
    assert figures(registry) == (1, 2, 7, False)
    sandbox.set_limit(COSYVOICE, 3)
    with pytest.raises(QuotaExceeded):
        registry.design(**COSY | {"name": "other"})
    assert figures(registry) == (1, 9, 0, True)
    registry.adopt(attempt.id, sandbox.voices()[0].voice_id)
    assert registry.sync().count(ChangeKind.IMPORTED) == 2
    assert figures(registry) == (3, 7, 0, True), "seven are taken that nobody has seen yet"


def test_a_refusal_that_leaves_nothing_to_be_found_is_over_with_the_next_sync(
    registry: Registry, sandbox: Sandbox
) -> None:
    """The slots that seemed free when it was sent were gone when its answer came."""
    sandbox.set_limit(COSYVOICE, 0)
    sandbox.on_action("create", lambda box: set_limits(registry, {Family.COSYVOICE: 0}))
    with pytest.raises(QuotaExceeded):
        registry.design(**COSY)
    assert figures(registry) == (0, 0, 0, True)
    registry.sync()
    assert figures(registry) == (0, 0, 0, False)


def test_figures_are_vouched_for_when_each_account_of_the_group_was_compared(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    second_account(registry, sandbox)
    registry.sync()
    for account in ("default", "studio"):
        quota = registry.quota(COSYVOICE, account=account)
        assert (quota.synced_at, quota.stale) == (None, True)
    clock.advance(timedelta(hours=1))
    registry.sync(account="studio")
    for account in ("default", "studio"):
        quota = registry.quota(COSYVOICE, account=account)
        assert (quota.synced_at, quota.stale) == (START, False), "the older of the two"


def test_a_refusal_of_one_account_holds_for_its_group(registry: Registry, sandbox: Sandbox) -> None:
    second_account(registry, sandbox)
    refused(registry, sandbox, 0)
    with pytest.raises(QuotaExceeded) as full:
        registry.reserve(**COSY, account="studio")
    assert full.value.unseen == 10
    stock(sandbox, 10)
    registry.sync(account="studio")
    assert registry.quota(COSYVOICE).unseen == 0


def test_figures_are_stale_after_a_day(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    registry.sync()
    clock.advance(DAY)
    assert not registry.quota(COSYVOICE).stale
    clock.advance(timedelta(seconds=1))
    assert registry.quota(COSYVOICE).stale
    assert registry.quota(COSYVOICE).synced_at == START
    registry.sync(family=QWEN)
    assert registry.quota(COSYVOICE).stale
    assert not registry.quota(QWEN).stale
