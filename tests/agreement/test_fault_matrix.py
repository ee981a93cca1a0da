"""Every action, every way in which it can go wrong: how it ends, and that all agrees after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from tests.agreement.conftest import MakeWorld
from tests.agreement.world import REFUSALS, Trouble, World
from voicereg import (
    ChangeKind,
    ConnectionLost,
    CreateSettings,
    CreateUnresolved,
    DeleteUnconfirmed,
    Family,
    NotConnected,
    Origin,
    ProviderProblem,
    RateLimited,
    State,
    Voice,
)
from voicereg.sandbox import Sandbox

QUICK = CreateSettings(read_timeout=timedelta(milliseconds=250), settle_after=timedelta(minutes=5))
"""Time-outs are real: they must be short. Settling waits for the longest create there can be."""

ANSWERS = [
    "reset",
    "timeout",
    "500",
    "503",
    "html",
    "cut-json",
    "missing-field",
    "error-200",
    "wrong-type",
]
"""What leaves the client without a word on what was done."""
WORDS = ["429", "429-retry-after"]
FAMILIES = pytest.mark.parametrize("family", list(Family))
NUMBER_OF = {family: number for number, family in enumerate(Family)}
"""The first design of each family."""
ON_BOTH = {"reset", "429"}
"""What is tried on PostgreSQL as well: an outcome that nobody knows, and a refusal."""
OF_EACH_FAMILY = {"first-page", "wrong-total"}
"""What means another thing for each family."""
BEFORE_AND_AFTER = (False, True)
LASTING_AND_ONCE = (None, 1)


def faults(*kinds: str, **more: Sequence[Any]) -> pytest.MarkDecorator:
    """Each fault with each family on each database, and with all ``more`` there is to choose.

    All of that together is for the long run. Else the families take turns, PostgreSQL has one fault
    of each class, and those are also the ones that a second try does not meet.
    """
    cases = []
    for number, kind in enumerate(kinds):
        for backend, family, *values in product(("sqlite", "postgresql"), Family, *more.values()):
            chosen = dict(zip(more, values, strict=True))
            is_once = chosen.get("times") is not None
            turn = number + bool(chosen.get("after")) + (backend == "postgresql") + is_once
            is_its_turn = kind in OF_EACH_FAMILY or NUMBER_OF[family] == turn % 2
            if backend == "postgresql":
                is_tried = kind in ON_BOTH and not is_once
            else:
                is_tried = kind in ON_BOTH or not is_once
            marks = [] if is_tried and is_its_turn else [pytest.mark.soak]
            cases.append(pytest.param(backend, family, kind, *values, marks=marks))
    return pytest.mark.parametrize(("backend", "family", "fault", *more), cases)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(create=QUICK)


def test_settling_waits_for_the_longest_create() -> None:
    assert QUICK.settle_after > QUICK.longest_create


def _requests(world: World, action: str) -> int:
    return sum(
        (request.action or "").removesuffix("_voice") == action
        for request in world.sandbox.requests
    )


def _only(world: World) -> Voice:
    (voice,) = world.records()
    return voice


# --- create ----------------------------------------------------------------------------------


@faults(*ANSWERS, *WORDS, after=BEFORE_AND_AFTER)
def test_create(world: World, family: Family, fault: str, after: bool) -> None:
    """Whether the fault lasts makes no difference: there is no second try."""
    lie = fault in REFUSALS and after
    world.design(
        0, NUMBER_OF[family], Trouble(fault, on="create", after=after, times=None, lie=lie)
    )
    attempt = _only(world)
    assert _requests(world, "create") == 1, "a create is never repeated"
    assert len(world.at_provider) == after
    quota = world.observer.registry.quota(family)
    if fault in REFUSALS:
        assert isinstance(world.error, RateLimited)
        assert attempt.state is State.FAILED
        assert (quota.used, quota.unresolved) == (0, 0)
    else:
        assert isinstance(world.error, CreateUnresolved)
        assert world.error.voice.id == attempt.id
        assert attempt.state is State.UNRESOLVED
        assert attempt.state_reason
        assert (quota.used, quota.unresolved) == (1, 1)
    world.check()

    world.settle_everything()

    ended = world.observer.registry.voice(attempt.id)
    if after and not lie:
        assert ended.state.holds_slot
        assert ended.voice_id == world.at_provider[0].voice_id
    else:
        assert ended.state is State.FAILED
    assert len(world.at_provider) == after
    assert len(world.records()) == 1 + lie, "what was made against its own word is imported"


@FAMILIES
def test_create_without_a_connection(world: World, family: Family) -> None:
    world.design(0, NUMBER_OF[family], Trouble("offline", times=None))

    assert isinstance(world.error, NotConnected)
    assert _only(world).state is State.FAILED
    assert world.observer.registry.quota(family).used == 0
    assert world.sandbox.requests == ()
    world.settle_everything()
    assert world.at_provider == []


@FAMILIES
def test_create_is_sent_again_when_it_never_left(world: World, family: Family) -> None:
    voice = world.design(0, NUMBER_OF[family], Trouble("offline", times=1))

    assert voice is not None
    assert world.clock.slept
    assert _requests(world, "create") == 1
    assert world.at_provider[0].voice_id == voice.voice_id
    world.settle_everything()
    assert _only(world).state is State.ACTIVE


# --- list ------------------------------------------------------------------------------------


@pytest.fixture
def changed_world(world: World, family: Family) -> World:
    """One voice that both know, one that is new at the provider, one that is gone there."""
    number = NUMBER_OF[family]
    for _ in range(2):
        assert world.design(0, number) is not None
    world.remove(1)
    world.add(number, *_NEW)
    world.sandbox.clear_requests()
    return world


_NEW = (Origin.DESIGNED, timedelta(0))
ONLY_SUCCESSES = {"missing-field", "wrong-type"}
"""Faults that need an answer with fields: a refusal has none to spoil."""


@faults("offline", *ANSWERS, *WORDS, "first-page", "wrong-total", times=LASTING_AND_ONCE)
def test_list(changed_world: World, family: Family, fault: str, times: int | None) -> None:
    world = changed_world
    before = world.records()

    sync = world.sync(0, family=family, trouble=Trouble(fault, on="list", times=times))

    assert sync is not None
    world.check()
    harmless = {
        "first-page": times is not None or family is Family.QWEN_TTS,  # it is the only page
        "wrong-total": times is not None or family is Family.COSYVOICE,  # which has none
    }
    if harmless.get(fault, times is not None):
        assert sync.complete, sync.problems
        assert (sync.count(ChangeKind.MISSING), sync.count(ChangeKind.IMPORTED)) == (1, 1)
    else:
        assert not sync.complete
        assert sync.problems
        assert sync.changes == ()
        assert world.records() == before, "a listing that failed changes nothing"
        assert world.observer.registry.quota(family).stale
    world.settle_everything()
    assert len(world.at_provider) == 2


# --- query -----------------------------------------------------------------------------------


@faults("offline", *ANSWERS, *WORDS, times=LASTING_AND_ONCE)
def test_query(world: World, family: Family, fault: str, times: int | None) -> None:
    """Asked when an administrator says what a create made."""
    world.design(0, NUMBER_OF[family], Trouble("500", on="create", after=True))
    attempt, voice_id = _only(world), world.at_provider[0].voice_id
    world.advance(QUICK.settle_after)

    world.adopt(0, attempt.id, voice_id, Trouble(fault, on="query", times=times))

    now = world.observer.registry.voice(attempt.id)
    if times is None and fault != "missing-field":
        assert isinstance(world.error, ProviderProblem)
        assert (now.state, now.voice_id) == (State.UNRESOLVED, None)
    else:  # an answer without details is documented
        assert now.voice_id == voice_id
        assert now.state.holds_slot
    world.settle_everything()
    assert _only(world).voice_id == voice_id


# A refusal that says that a voice is gone has no field that could be missing.
@faults("offline", *(fault for fault in ANSWERS if fault not in ONLY_SUCCESSES), *WORDS)
def test_no_query_that_fails_proves_an_absence(
    make_world: MakeWorld, family: Family, fault: str
) -> None:
    world = make_world(create=QUICK, limit=30)
    there = [world.sandbox.add_voice(**_named(family, number)) for number in range(24)]
    world.maker.update({voice.voice_id: None for voice in there})
    world.sync(0, family=family)
    for voice in there[:5]:
        world.sandbox.remove_voice(voice.voice_id)
    before = world.records()

    trouble = Trouble(fault, on="query", times=None)
    if fault == "offline":
        world.sandbox.on_action("query", Sandbox.go_offline, when="before")
        trouble = Trouble()
    sync = world.sync(0, family=family, trouble=trouble)
    world.sandbox.go_online()

    assert sync is not None
    assert not sync.complete
    assert sync.held_back == 5
    assert world.records() == before
    world.settle_everything()
    assert sum(voice.state is State.LOST for voice in world.records()) == 5


def _named(family: Family, number: int) -> dict[str, Any]:
    cosy = family is Family.COSYVOICE
    return {
        "family": str(family),
        "origin": "designed",
        "target_model": "cosyvoice-v3.5-plus" if cosy else "qwen3-tts-vd-2026-01-26",
        "name": f"v{number}",
        "prompt": f"A calm voice, number {number}.",
        "preview_text": "Good evening.",
    }


# --- delete ----------------------------------------------------------------------------------


@faults(*ANSWERS, *WORDS, after=BEFORE_AND_AFTER, times=LASTING_AND_ONCE)
def test_delete(world: World, family: Family, fault: str, after: bool, times: int | None) -> None:
    voice = world.design(0, NUMBER_OF[family])
    assert voice is not None
    lie = fault in REFUSALS and after

    world.delete(0, 0, Trouble(fault, on="delete", after=after, times=times, lie=lie))

    now = _only(world)
    # Where only a success is spoilt, the second try is told that the voice is gone.
    heard = after and fault in ONLY_SUCCESSES
    if times is not None or heard:
        assert world.error is None
        assert _requests(world, "delete") == 2, "a delete may be sent again"
        assert now.state is State.DELETED
    elif fault in REFUSALS:
        assert isinstance(world.error, RateLimited)
        assert now.state is voice.state
    else:
        assert isinstance(world.error, DeleteUnconfirmed)
        assert now.state is State.DELETING
        assert world.observer.registry.quota(family).used == 1, "it keeps its slot"
    world.check()

    world.settle_everything()

    ended = _only(world)
    if times is not None or (after and not lie):
        assert ended.state is State.DELETED
        assert world.at_provider == []
    elif lie:
        assert ended.state is State.LOST, "the provider's own word was that it refused"
    else:
        assert ended.state is State.ACTIVE
        assert world.at_provider[0].voice_id == voice.voice_id


@FAMILIES
@pytest.mark.parametrize("times", [1, None], ids=["once", "lasting"])
def test_delete_without_a_connection(world: World, family: Family, times: int | None) -> None:
    voice = world.design(0, NUMBER_OF[family])
    assert voice is not None

    world.delete(0, 0, Trouble("offline", times=times))

    if times is None:
        assert isinstance(world.error, NotConnected)
        assert _only(world).state is voice.state
    else:
        assert _only(world).state is State.DELETED
    world.settle_everything()
    assert len(world.at_provider) == (times is None)


@FAMILIES
def test_a_delete_that_may_have_arrived_is_not_undone_by_a_refusal(
    world: World, family: Family
) -> None:
    """The first try was carried out, and its answer lost; the others are refused."""
    voice = world.design(0, NUMBER_OF[family])
    assert voice is not None
    world.sandbox.misbehave("delete", "reset", after=True)

    world.delete(0, 0, Trouble("429", on="delete", times=None))

    assert isinstance(world.error, DeleteUnconfirmed)
    assert isinstance(world.error.__cause__, ConnectionLost)
    world.settle_everything()
    assert _only(world).state is State.DELETED
