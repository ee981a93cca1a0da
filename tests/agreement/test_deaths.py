"""Killed at every instant that there is: between any two statements, requests and commits."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.agreement.conftest import MakeWorld
from tests.agreement.mortal import Loss
from tests.agreement.world import Trouble, World, visible
from voicereg import Origin

COSY, QWEN = 0, 1
Step = Callable[[World, Trouble], None]


def _design(world: World, death: Trouble) -> None:
    world.design(0, COSY, death)


def _delete(world: World, death: Trouble) -> None:
    world.design(1, QWEN)
    world.delete(0, 0, death)


def _delete_again(world: World, death: Trouble) -> None:
    world.design(1, QWEN)
    world.delete(1, 0, Trouble(on="delete", loss=Loss.BEFORE, times=4))
    world.delete(0, 0, death)


def _confirm(world: World, death: Trouble) -> None:
    world.reserve(0, QWEN)
    attempt = world.own(open_only=True)[-1]
    world.carry_out_one(attempt)
    world.confirm_one(attempt, death)


def _confirm_what_was_imported(world: World, death: Trouble) -> None:
    """A merge of two records, in the middle."""
    world.reserve(0, QWEN)
    attempt = world.own(open_only=True)[-1]
    assert attempt.slot is not None
    attempt.slot.release()
    world.carry_out_one(attempt)
    world.blurred.add(visible(attempt.voice))  # it said that nothing was made
    world.sync(1)
    world.confirm_one(attempt, death)


def _sync(world: World, death: Trouble) -> None:
    """With something of everything: to adopt, to import, to miss, to lose, to delete."""
    world.design(1, COSY)
    world.design(1, COSY)
    gone = len(world.at_provider)
    world.remove(gone - 1)
    world.sync(1)
    world.remove(gone - 2)
    world.design(1, QWEN)
    world.delete(1, 0, Trouble(on="delete", loss=Loss.AFTER, times=4))
    world.design(1, QWEN, Trouble(on="create", loss=Loss.AFTER))
    world.design(1, COSY, Trouble(on="create", loss=Loss.BEFORE))
    world.add(QWEN + 20, *_BY_A_STRANGER)
    world.advance(world.settle_after)
    world.sync(0, trouble=death)


_BY_A_STRANGER = (Origin.CLONED, timedelta(0))
STEPS = [_design, _delete, _delete_again, _confirm, _confirm_what_was_imported]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__.strip("_"))
def test_death_at_many_instants(make_world: MakeWorld, backend: str, step: Step) -> None:
    """Here at one out of a few; at every single one in the long run below."""
    _die(make_world, step, 9 if backend == "sqlite" else 23)


def test_death_in_a_sync(make_world: MakeWorld) -> None:
    """It has many instants."""
    _die(make_world, _sync, 61)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", [*STEPS, _sync], ids=lambda step: step.__name__.strip("_"))
def test_death_at_every_single_instant(make_world: MakeWorld, step: Step) -> None:
    _die(make_world, step, 1)


def _die(make_world: MakeWorld, step: Step, stride: int) -> None:
    """Once at each instant, or at one out of so many, until the step ends before it."""
    world = make_world(limit=100)
    for instants in itertools.count(0, stride):
        world.deaths = 0
        step(world, Trouble(ends_in=instants))
        world.check()
        world.settle_everything()
        if not world.deaths:
            break
    assert instants > 3 * stride or stride > 1, "there were so few instants to die in"
