"""Listings that cannot be right: what is on record stays, unless its absence is proved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.syncs.support import (
    DAY,
    ONE_DATABASE,
    YEAR,
    actions,
    asked,
    kinds,
    states,
    stock,
    unlisted,
)
from voicereg import ChangeKind, DeleteUnconfirmed, Registry, State, Sync
from voicereg.sandbox import Sandbox
from voicereg.sandbox.provider import SandboxVoice


def known(
    registry: Registry, sandbox: Sandbox, count: int, family: str = COSYVOICE
) -> list[SandboxVoice]:
    """Voices that are on record."""
    made = stock(sandbox, count, family=family)
    assert len(registry.sync().changes) == count
    sandbox.clear_requests()
    return made


def remove(sandbox: Sandbox, voices: list[SandboxVoice]) -> None:
    for voice in voices:
        assert sandbox.remove_voice(voice.voice_id)


def assert_held_back(registry: Registry, sync: Sync, count: int) -> None:
    assert not sync.complete
    assert sync.changes == ()
    assert sync.held_back == count
    assert len(sync.problems) == 1
    assert "--force" in sync.problems[0]
    assert {State.ACTIVE} == set(states(registry).values())
    assert "voice.missing" not in actions(registry)


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_many_absences_are_proved_one_by_one(
    registry: Registry, sandbox: Sandbox, family: str
) -> None:
    """Half of them were truly cleaned up: that is recognised."""
    made = known(registry, sandbox, 20, family)
    remove(sandbox, made[:10])
    first = registry.sync(family=family)
    assert asked(sandbox, "query") == 10
    assert first.requests == len(sandbox.requests)
    assert (first.complete, first.held_back) == (True, 0)
    assert kinds(first) == [ChangeKind.MISSING] * 10
    second = registry.sync(family=family)
    assert kinds(second) == [ChangeKind.GONE] * 10
    assert registry.quota(family).used == 10


def test_a_whole_account_that_was_cleaned_up_is_recognised_in_time(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    """With another account's key every query says so, too: it takes three listings over a day."""
    remove(sandbox, known(registry, sandbox, 20))
    assert kinds(registry.sync()) == [ChangeKind.MISSING] * 20
    assert asked(sandbox, "query") == 20
    held = registry.sync()
    assert (held.complete, held.changes, held.held_back) == (False, (), 20)
    clock.advance(DAY)
    assert kinds(registry.sync()) == [ChangeKind.GONE] * 20
    assert registry.quota(COSYVOICE).used == 0


@pytest.mark.parametrize("count", [1, 3])
def test_of_few_voices_of_which_none_is_listed_a_word_is_said(
    registry: Registry, sandbox: Sandbox, count: int
) -> None:
    """Nothing proves that it is another account's key, and two syncs would lose them all."""
    made = known(registry, sandbox, count)
    remove(sandbox, made)

    sync = registry.sync()

    assert kinds(sync) == [ChangeKind.MISSING] * count
    (told,) = sync.problems
    assert "DASHSCOPE_API_KEY is the key of another account" in told
    assert registry.sync(force=True).problems == ()


def test_of_a_delete_whose_answer_was_lost_no_word_is_said(
    registry: Registry, sandbox: Sandbox
) -> None:
    (made,) = known(registry, sandbox, 1)
    sandbox.misbehave("delete", "reset", after=True, times=None)
    with pytest.raises(DeleteUnconfirmed):
        registry.delete(made.voice_id)
    sandbox.clear_faults()

    assert registry.sync().problems == ()


def test_with_force_none_is_asked_for(registry: Registry, sandbox: Sandbox) -> None:
    made = known(registry, sandbox, 20)
    remove(sandbox, made[:10])
    sync = registry.sync(force=True)
    assert asked(sandbox, "query") == 0
    assert (sync.complete, kinds(sync)) == (True, [ChangeKind.MISSING] * 10)


def test_an_empty_listing_of_voices_that_are_there_changes_nothing(
    registry: Registry, sandbox: Sandbox
) -> None:
    known(registry, sandbox, 20)
    before = registry.voices()
    unlisted(sandbox)
    sync = registry.sync(family=COSYVOICE)
    assert asked(sandbox, "query") == 20
    assert_held_back(registry, sync, 20)
    assert "20 are there" in sync.problems[0]
    assert registry.voices() == before
    assert registry.quota(COSYVOICE).synced_at == START, "the last complete one"
    after = registry.sync(family=COSYVOICE)
    assert (after.complete, after.changes) == (True, ())


def test_an_empty_listing_is_believed_with_force_and_taken_back_by_the_next(
    registry: Registry, sandbox: Sandbox
) -> None:
    known(registry, sandbox, 20)
    unlisted(sandbox)
    assert kinds(registry.sync(family=COSYVOICE, force=True)) == [ChangeKind.MISSING] * 20
    assert kinds(registry.sync(family=COSYVOICE)) == [ChangeKind.REFRESHED] * 20
    assert set(states(registry).values()) == {State.ACTIVE}


def test_questions_without_an_answer_prove_nothing(registry: Registry, sandbox: Sandbox) -> None:
    made = known(registry, sandbox, 20)
    remove(sandbox, made[:5])
    sandbox.misbehave("query", "500", times=None)
    assert_held_back(registry, registry.sync(), 5)
    sandbox.clear_faults()
    assert kinds(registry.sync()) == [ChangeKind.MISSING] * 5


def test_what_is_proved_is_done_and_the_rest_is_held_back(
    registry: Registry, sandbox: Sandbox
) -> None:
    made = known(registry, sandbox, 20)
    remove(sandbox, made[:4])
    unlisted(sandbox)
    sync = registry.sync()
    assert kinds(sync) == [ChangeKind.MISSING] * 4
    assert {change.voice_id for change in sync.changes} == {voice.voice_id for voice in made[:4]}
    assert (sync.complete, sync.held_back) == (False, 16)


@pytest.mark.parametrize(
    ("count", "gone"), [(19, 19), (20, 2), (30, 3)], ids=["too few", "a tenth", "a tenth of 30"]
)
def test_few_voices_and_few_absences_need_no_proof(
    registry: Registry, sandbox: Sandbox, count: int, gone: int
) -> None:
    remove(sandbox, known(registry, sandbox, count)[:gone])
    sync = registry.sync()
    assert asked(sandbox, "query") == 0
    assert (sync.complete, kinds(sync)) == (True, [ChangeKind.MISSING] * gone)


def test_one_more_than_a_tenth_needs_proof(registry: Registry, sandbox: Sandbox) -> None:
    remove(sandbox, known(registry, sandbox, 20)[:3])
    sync = registry.sync()
    assert asked(sandbox, "query") == 3
    assert kinds(sync) == [ChangeKind.MISSING] * 3


def test_voices_past_their_deadline_do_not_count(registry: Registry, sandbox: Sandbox) -> None:
    """The provider was to delete them, and a year's worth of them goes on one day."""
    old = stock(sandbox, 8, created_at=START - YEAR - DAY)
    fresh = stock(sandbox, 20)
    assert len(registry.sync().changes) == 28
    remove(sandbox, old + fresh[:2])
    sandbox.clear_requests()
    sync = registry.sync()
    assert asked(sandbox, "query") == 0
    assert (sync.complete, kinds(sync)) == (True, [ChangeKind.MISSING] * 10)
    registry.sync()
    assert {states(registry)[voice.voice_id] for voice in old} == {State.EXPIRED}
    assert {states(registry)[voice.voice_id] for voice in fresh[:2]} == {State.LOST}


def clones(registry: Registry, sandbox: Sandbox) -> list[SandboxVoice]:
    made = stock(sandbox, 20, family=QWEN, origin="cloned")
    registry.sync()
    sandbox.clear_requests()
    return made


def test_qwen_clones_which_have_no_query_need_three_listings_over_a_day(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    remove(sandbox, clones(registry, sandbox)[:5])
    assert_held_back(registry, registry.sync(), 5)
    clock.advance(timedelta(hours=1))
    assert_held_back(registry, registry.sync(), 5)
    clock.advance(timedelta(hours=22, minutes=59))
    assert_held_back(registry, registry.sync(), 5)
    clock.advance(timedelta(minutes=1))
    assert kinds(registry.sync()) == [ChangeKind.MISSING] * 5
    assert kinds(registry.sync()) == [ChangeKind.GONE] * 5
    assert asked(sandbox, "query") == 0


def test_two_listings_are_not_three_however_long_it_takes(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    remove(sandbox, clones(registry, sandbox)[:5])
    assert_held_back(registry, registry.sync(), 5)
    clock.advance(5 * DAY)
    assert_held_back(registry, registry.sync(), 5)
    assert kinds(registry.sync()) == [ChangeKind.MISSING] * 5


def test_a_clone_that_is_seen_in_between_is_counted_anew(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    clones(registry, sandbox)
    for _ in range(2):
        unlisted(sandbox, QWEN, times=None)
        sync = registry.sync(family=QWEN)
        sandbox.clear_faults()
        assert (sync.complete, sync.held_back) == (False, 20)
        clock.advance(DAY)
    assert registry.sync(family=QWEN).complete
    unlisted(sandbox, QWEN, times=None)
    assert_held_back(registry, registry.sync(family=QWEN), 20)


def test_clones_are_believed_gone_with_force(registry: Registry, sandbox: Sandbox) -> None:
    remove(sandbox, clones(registry, sandbox)[:5])
    assert kinds(registry.sync(force=True)) == [ChangeKind.MISSING] * 5


@ONE_DATABASE
def test_a_dry_run_of_a_suspicious_listing_asks_and_changes_nothing(
    registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    remove(sandbox, clones(registry, sandbox)[:5])
    for _ in range(4):
        assert_held_back(registry, registry.sync(dry_run=True), 5)
        clock.advance(DAY)
    assert_held_back(registry, registry.sync(), 5)


def test_a_delete_that_was_asked_is_not_taken_for_done_by_a_suspicious_listing(
    registry: Registry, sandbox: Sandbox
) -> None:
    made = known(registry, sandbox, 21)
    sandbox.misbehave("delete", "500", times=None)
    with pytest.raises(DeleteUnconfirmed):
        registry.delete(made[0].voice_id)
    unlisted(sandbox)
    sync = registry.sync(family=COSYVOICE)
    assert (sync.complete, sync.changes, sync.held_back) == (False, (), 21)
    assert registry.voice(made[0].voice_id).state is State.DELETING
