"""What a sync tells while it works and when it is done, and how much it asks for."""

from __future__ import annotations

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.syncs.support import ONE_DATABASE, asked, everything, stock
from tests.registry.test_transactions import assert_nobody_holds_a_lock
from voicereg import (
    AccountNotFound,
    Family,
    InvalidInput,
    Registry,
    Settings,
    SyncProgress,
    SyncStage,
)
from voicereg.sandbox import Sandbox


def test_it_is_one_event(registry: Registry, sandbox: Sandbox) -> None:
    stock(sandbox, 2)
    sync = registry.sync()
    (event,) = [event for event in registry.events() if event.action == "sync"]
    assert (event.account, event.actor, event.at) == ("default", "tester", sync.finished_at)
    assert (event.after["imported"], event.after["complete"]) == (2, True)
    assert event.after["requests"] == sync.requests == len(sandbox.requests)
    assert event.reason is None
    assert (sync.account, sync.started_at) == ("default", START)
    assert sync.families == tuple(Family)


def test_progress_of_listing_and_of_checking(
    open_registry: OpenRegistry, paged_sandbox: Sandbox
) -> None:
    registry = open_registry(settings=Settings(base_url=paged_sandbox.base_url))
    stock(paged_sandbox, 5, origin="cloned")
    told: list[SyncProgress] = []
    registry.sync(family=COSYVOICE, on_progress=told.append)
    listing = [(step.done, step.expected) for step in told if step.stage is SyncStage.LISTING]
    checking = [(step.done, step.expected) for step in told if step.stage is SyncStage.CHECKING]
    assert listing == [(3, None), (5, None)]
    assert checking == [(number, 5) for number in range(1, 6)]
    told.clear()
    registry.sync(family=COSYVOICE, on_progress=told.append)
    assert [(step.done, step.expected) for step in told] == [(3, 5), (5, 5)]


@ONE_DATABASE
def test_known_voices_cost_a_request_a_page(registry: Registry, sandbox: Sandbox) -> None:
    sandbox.fill(COSYVOICE, 300)
    sandbox.fill(QWEN, 300)
    registry.sync()
    sandbox.clear_requests()
    sync = registry.sync()
    assert sync.changes == ()
    assert sync.requests == asked(sandbox, "list") == len(sandbox.requests)
    assert sync.requests <= 4 + 2 + 3, "three pages and an empty one; designs by their total"


def test_no_transaction_is_open_while_the_provider_is_asked(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    stock(sandbox, 2, origin="cloned")
    looked: list[str] = []

    def look(box: Sandbox) -> None:
        assert_nobody_holds_a_lock(database_url)
        looked.append("at it")

    sandbox.on_action("*", look, times=None)
    assert registry.sync().complete
    assert len(looked) == len(sandbox.requests) > 3


def test_an_unknown_family_or_account_changes_nothing(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    before = everything(database_url)
    with pytest.raises(InvalidInput):
        registry.sync(family="opera")
    with pytest.raises(AccountNotFound):
        registry.sync(account="nobody")
    assert everything(database_url) == before
    assert sandbox.requests == ()
