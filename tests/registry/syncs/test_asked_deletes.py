"""Deletes whose answer was lost, and deletes that a listing has not caught up with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.support import COSY, DESIGNS
from tests.registry.syncs.support import (
    LONGEST_DELETE,
    ONE_DATABASE,
    SETTLE_AFTER,
    actions,
    kinds,
    states,
    stock,
    tampering,
)
from voicereg import ChangeKind, DeleteUnconfirmed, Registry, State, Voice
from voicereg.sandbox import Sandbox

SECOND = timedelta(seconds=1)


def asked_to_delete(registry: Registry, sandbox: Sandbox, voice: str, *, gone: bool) -> Voice:
    """A voice whose delete got no answer, carried out or not."""
    sandbox.misbehave("delete", "reset", after=gone, times=None)
    with pytest.raises(DeleteUnconfirmed):
        registry.delete(voice)
    sandbox.clear_faults()
    asked = registry.voice(voice)
    assert asked.state is State.DELETING
    return asked


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_a_delete_that_was_carried_out(registry: Registry, sandbox: Sandbox, family: str) -> None:
    voice = registry.design(**DESIGNS[family])
    asked_to_delete(registry, sandbox, voice.id, gone=False)
    assert registry.quota(family).used == 1
    sandbox.remove_voice(str(voice.voice_id))
    sync = registry.sync()
    (change,) = sync.changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.GONE,
        State.DELETING,
        State.DELETED,
    )
    after = registry.voice(voice.id)
    assert (after.state, after.delete_asked_at, after.state_before_delete) == (
        State.DELETED,
        None,
        None,
    )
    assert registry.quota(family).used == 0
    assert actions(registry, voice.id)[-1] == "voice.gone"


@pytest.mark.parametrize("status", ["OK", "UNDEPLOYED", "DEPLOYING"])
def test_a_delete_that_came_to_nothing(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, status: str
) -> None:
    (there,) = stock(sandbox, status=status)
    registry.sync()
    (before,) = registry.voices()
    asked_to_delete(registry, sandbox, there.voice_id, gone=False)
    clock.advance(LONGEST_DELETE)
    (change,) = registry.sync().changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.REFRESHED,
        State.DELETING,
        before.state,
    )
    (after,) = registry.voices()
    assert (after.state, after.delete_asked_at, after.state_before_delete) == (
        before.state,
        None,
        None,
    )
    assert registry.quota(COSYVOICE).used == 1


@ONE_DATABASE
def test_where_the_provider_says_nothing_of_its_state_it_goes_back_to_what_it_was(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    def silent(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        if action != "list":
            return None
        return {"voice_list": [{**item, "status": None} for item in output["voice_list"]]}

    (there,) = stock(sandbox, status="UNDEPLOYED")
    registry.sync()
    asked_to_delete(registry, sandbox, there.voice_id, gone=False)
    clock.advance(LONGEST_DELETE)
    open_registry(client_factory=tampering(clock, silent)).sync(family=COSYVOICE)
    assert states(registry) == {there.voice_id: State.REJECTED}


def test_a_delete_that_may_be_under_way_is_left_alone(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    voice = registry.design(**COSY)
    asked_at = asked_to_delete(registry, sandbox, voice.id, gone=False).delete_asked_at
    assert asked_at is not None
    clock.advance(asked_at + LONGEST_DELETE - SECOND - clock.now())
    assert registry.sync().changes == ()
    assert registry.voice(voice.id).state is State.DELETING
    clock.advance(SECOND)
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]


def test_a_delete_that_is_asked_again_is_recent_again(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    voice = registry.design(**COSY)
    first = asked_to_delete(registry, sandbox, voice.id, gone=False).delete_asked_at
    clock.advance(LONGEST_DELETE)
    second = asked_to_delete(registry, sandbox, voice.id, gone=False).delete_asked_at
    assert first is not None
    assert second is not None
    assert second >= first + LONGEST_DELETE
    assert registry.sync().changes == ()
    assert registry.voice(voice.id).state_before_delete is State.ACTIVE
    assert registry.delete(voice.id).state is State.DELETED


class Lag:
    """A listing that goes on showing what it showed first."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def __call__(self, action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        if action != "list":
            return None
        known = {item["voice_id"] for item in output["voice_list"]}
        self.shown += [item for item in output["voice_list"] if item not in self.shown]
        gone = [item for item in self.shown if item["voice_id"] not in known]
        # Only on the first page: an empty one must come at last.
        return {"voice_list": self.shown} if output["voice_list"] and gone else None


def test_a_voice_that_was_deleted_lately_is_not_brought_back_by_a_listing_that_lags(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    registry = open_registry(client_factory=tampering(clock, Lag()))
    stock(sandbox)
    voice = registry.design(**COSY)
    registry.sync(family=COSYVOICE)
    assert registry.delete(voice.id).state is State.DELETED
    deleted_at = clock.now()
    lagging = registry.sync(family=COSYVOICE)
    assert (lagging.listed, lagging.changes) == (2, ())
    clock.advance(deleted_at + SETTLE_AFTER - SECOND - clock.now())
    assert registry.sync(family=COSYVOICE).changes == ()
    assert registry.voice(voice.id).state is State.DELETED
    # But a listing that shows it for good has the last word: it is there, and holds a slot.
    clock.advance(SECOND)
    (change,) = registry.sync(family=COSYVOICE).changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.REFRESHED,
        State.DELETED,
        State.ACTIVE,
    )
    assert registry.quota(COSYVOICE).used == 2
    assert registry.voice(voice.id).gone_at is None
