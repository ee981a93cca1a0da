"""Several accounts of one quota group, each of which may list only its own voices."""

from __future__ import annotations

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE
from tests.registry.support import COSY, edit_account
from tests.registry.syncs.support import (
    SETTLE_AFTER,
    kinds,
    same_design,
    second_account,
    states,
    stock,
    unresolved,
)
from voicereg import AccountRejected, ChangeKind, Registry, State
from voicereg.sandbox import Sandbox


@pytest.fixture(autouse=True)
def studio(registry: Registry, sandbox: Sandbox) -> None:
    """A second account, which lists the same voices until a test has it list others."""
    second_account(registry, sandbox)


def test_what_only_the_other_account_lists_is_not_absent(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    stock(sandbox, 2)
    stock(other_sandbox, 3)
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED] * 2
    assert kinds(registry.sync(account="studio")) == [ChangeKind.IMPORTED] * 3
    for account in ("default", "studio") * 2:
        assert registry.sync(account=account).changes == ()
    assert registry.quota(COSYVOICE).used == 5


def test_a_voice_that_one_account_misses_and_the_other_lists(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    (there,) = stock(sandbox)
    registry.sync(account="studio")
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    assert registry.sync().changes == (), "it is the other's, who has not missed it"
    assert kinds(registry.sync(account="studio")) == [ChangeKind.MISSING]
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    (voice,) = registry.voices()
    assert (voice.voice_id, voice.account, voice.state) == (
        there.voice_id,
        "default",
        State.ACTIVE,
    )
    assert registry.voices(account="studio", with_gone=True) == []
    assert registry.sync(account="studio").changes == ()
    assert registry.quota(COSYVOICE).used == 1


@pytest.mark.parametrize("misses", [1, 2])
def test_a_voice_that_came_back_through_the_other_account_is_counted_once(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox, misses: int
) -> None:
    (there,) = stock(sandbox)
    registry.sync(account="studio")
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    for _ in range(misses):
        registry.sync(account="studio")
    registry.sync()
    registry.sync(account="studio")
    assert states(registry) == {there.voice_id: State.ACTIVE}
    assert registry.quota(COSYVOICE).used == 1


def test_a_create_is_given_up_by_its_own_accounts_listings_only(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox, clock: FakeClock
) -> None:
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    attempt = unresolved(registry, sandbox, made=True)
    clock.advance(SETTLE_AFTER)
    for _ in range(3):
        assert registry.sync(account="studio").changes == ()
    assert kinds(registry.sync()) == [ChangeKind.ADOPTED]
    assert registry.voice(attempt.id).state is State.ACTIVE


def test_a_voice_that_the_other_accounts_create_may_have_made_is_imported_when_that_is_settled(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox, clock: FakeClock
) -> None:
    """The create was sent through an account that does not list it."""
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    attempt = unresolved(registry, other_sandbox, made=False, account="studio")
    there = same_design(sandbox, COSY)
    clock.advance(SETTLE_AFTER)
    assert registry.sync().changes == ()
    assert registry.quota(COSYVOICE).used == 1
    assert registry.sync(account="studio").changes == ()
    assert kinds(registry.sync(account="studio")) == [ChangeKind.RELEASED]
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    assert registry.voice(there.voice_id).state is State.ACTIVE
    assert registry.voice(attempt.id, account="studio").state is State.FAILED
    assert registry.quota(COSYVOICE).used == 1


def test_alike_creates_of_two_accounts_are_not_told_apart(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """Neither account's sync can settle its own alone: that is for the administrator."""
    ours = unresolved(registry, sandbox, made=True)
    theirs = unresolved(registry, sandbox, made=True, account="studio")
    for account in ("default", "studio"):
        sync = registry.sync(account=account)
        assert (sync.changes, sync.unresolved) == ((), 1)
        (problem,) = sync.problems
        assert ours.id in problem
        assert theirs.id in problem
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unseen, quota.unresolved) == (2, 0, 2)


@pytest.mark.parametrize("stays", [True, False], ids=["another stays", "nobody stays"])
def test_an_account_that_moves_while_its_listing_is_read_is_not_compared(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox, stays: bool
) -> None:
    """Its voices count in another group now, and none must be recorded in the one it left."""
    if not stays:
        registry.accounts.remove("studio")
    colleague = open_registry()
    stock(sandbox, 2)
    registry.sync()
    stock(sandbox, 1)
    sandbox.on_action("list", lambda box: edit_account(colleague, "default", quota_group="apart"))
    with pytest.raises(AccountRejected, match="apart"):
        registry.sync()
    assert registry.quota(COSYVOICE).used == 2
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    quota = registry.quota(COSYVOICE)
    assert (quota.quota_group, quota.used, quota.stale) == ("apart", 3, False)
    assert {voice.quota_group_id for voice in registry.voices()} == {
        registry.accounts.one().quota_group_id
    }


def test_voices_that_cannot_be_told_apart_count_rather_twice_than_not_at_all(
    registry: Registry, sandbox: Sandbox
) -> None:
    """Two accounts list them, and whether they are the same ones is not kept."""
    attempt = unresolved(registry, sandbox, made=True)
    same_design(sandbox, COSY)
    same_design(sandbox, COSY)
    for account, unseen in (("default", 2), ("studio", 4), ("default", 4)):
        assert registry.sync(account=account).changes == ()
        quota = registry.quota(COSYVOICE)
        assert (quota.used, quota.unseen) == (1, unseen)
    registry.adopt(attempt.id, sandbox.voices()[0].voice_id)
    for account in ("default", "studio"):
        registry.sync(account=account)
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unseen) == (3, 0)


def test_voices_that_cannot_be_told_apart_count_though_another_account_does_not_list_them(
    registry: Registry, sandbox: Sandbox, other_sandbox: Sandbox
) -> None:
    edit_account(registry, "studio", base_url=other_sandbox.base_url)
    unresolved(registry, sandbox, made=True)
    same_design(sandbox, COSY)
    for account in ("default", "studio"):
        assert registry.sync(account=account).changes == ()
        quota = registry.quota(COSYVOICE)
        assert (quota.used, quota.unseen) == (1, 1)
