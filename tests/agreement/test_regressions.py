"""Histories that once went wrong, or that only one guard keeps from going wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.agreement.conftest import MakeWorld
from tests.agreement.mortal import Away, Loss
from tests.agreement.world import Attempt, Trouble, World
from voicereg import Origin, State, StateConflict
from voicereg.sandbox import Sandbox, SandboxVoice

COSY, QWEN, TAGGED_COSY = 0, 1, 4
"""Numbers of designs."""
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


def _two_left_open(world: World) -> tuple[Attempt, Attempt]:
    """Two creates alike, of which nobody knows what they made; the second was made first."""
    world.reserve(0, QWEN)
    world.advance(A_MINUTE)
    world.reserve(1, QWEN)
    older, newer = world.attempts.values()
    for attempt in (newer, older):
        world.carry_out_one(attempt)
        world.advance(A_MINUTE)
    for attempt in (older, newer):
        world.leave(attempt)
    world.check()
    return older, newer


def test_a_late_confirm_wins_over_an_adoption(world: World) -> None:
    """Creates alike are paired oldest to oldest; then a caller knows better."""
    older, newer = _two_left_open(world)
    world.sync(0)
    assert [voice.voice_id for voice in world.records()] == [newer.voice_id, older.voice_id]

    world.confirm_one(older)
    world.check()

    assert world.record(older).voice_id == older.voice_id
    world.sync(0)
    assert world.record(newer).voice_id == newer.voice_id
    world.settle_everything()


def test_a_late_confirm_wins_over_an_adoption_that_is_gone_again(world: World) -> None:
    older, newer = _two_left_open(world)
    world.sync(0)
    assert newer.voice_id is not None
    world.sandbox.remove_voice(newer.voice_id)
    for _ in range(2):
        world.sync(0)
    assert world.record(older).state is State.LOST

    world.confirm_one(older)
    world.check()

    assert world.record(older).state is State.ACTIVE
    assert world.record(older).voice_id == older.voice_id
    world.settle_everything()
    assert world.record(newer).state is State.FAILED


def test_what_was_confirmed_stays_so(world: World) -> None:
    """Only a sync's guess gives way; a caller who says two things is told."""
    world.reserve(0, QWEN)
    (attempt,) = world.attempts.values()
    world.carry_out_one(attempt)
    world.confirm_one(attempt)
    assert attempt.slot is not None
    with pytest.raises(StateConflict, match="known as"):
        attempt.slot.confirm("qwen-another")


def test_uses_go_with_the_voice(world: World) -> None:
    """A use of a voice says nothing of the create that it was wrongly taken for."""
    world.reserve(0, QWEN)
    world.advance(A_MINUTE)
    world.reserve(1, QWEN)
    older, newer = world.attempts.values()
    world.carry_out_one(newer)
    for attempt in (older, newer):
        world.leave(attempt)
    world.sync(0)
    assert world.record(older).voice_id == newer.voice_id
    world.advance(timedelta(days=100))
    world.use(0)
    used = world.record(older)
    assert used.last_used_at == world.clock.now()

    world.confirm_one(newer)
    world.check()

    confirmed, other = world.record(newer), world.record(older)
    assert (confirmed.last_used_at, confirmed.deadline_at, confirmed.deadline_basis) == (
        used.last_used_at,
        used.deadline_at,
        "used",
    )
    assert (other.last_used_at, other.deadline_basis) == (None, "created")
    world.settle_everything()


def _adopted_by_mistake(world: World) -> tuple[Attempt, Attempt]:
    """Two creates alike; the older is taken for what made the younger's voice, which is used."""
    world.reserve(0, QWEN)
    world.advance(A_MINUTE)
    world.reserve(1, QWEN)
    older, newer = world.attempts.values()
    world.carry_out_one(newer)
    for attempt in (older, newer):
        world.leave(attempt)
    world.sync(0)
    assert newer.voice_id is not None
    assert world.record(older).voice_id == newer.voice_id
    world.advance(timedelta(days=100))
    world.record_use(0, newer.voice_id, timedelta(days=3), 5)
    world.record_use(0, newer.voice_id, source="news")
    world.flush(0)
    world.check()
    return older, newer


def test_uses_stay_with_a_voice_that_is_on_no_record_any_more(world: World) -> None:
    """Its record turns out to be another's: its uses wait for the next one."""
    older, newer = _adopted_by_mistake(world)
    used_at = world.clock.now()
    made = world.sandbox.add_voice(
        family="qwen-tts",
        origin="designed",
        target_model="qwen3-tts-vd-2026-01-26",
        name="ann",
        created_at=world.record(older).created_at,
    )
    world.maker[made.voice_id] = older.voice.id
    older.voice_id = made.voice_id

    world.confirm_one(older)
    world.check()

    assert world.record(older).last_used_at is None
    assert world.observer.registry.daily_uses(older.voice.id) == []
    world.sync(0)
    world.check()
    found = world.observer.registry.voice(newer.voice_id or "")
    assert found.last_used_at == used_at
    assert sum(day.uses for day in world.observer.registry.daily_uses(found.id)) == 6


def test_a_use_that_was_corrected_stays_so_without_a_record(world: World) -> None:
    older, newer = _adopted_by_mistake(world)
    world.correct_use(0, 0, timedelta(days=2))
    assert world.record(older).last_used_at == world.clock.now() - timedelta(days=2)
    made = world.sandbox.add_voice(
        family="qwen-tts",
        origin="designed",
        target_model="qwen3-tts-vd-2026-01-26",
        name="ann",
        created_at=world.record(older).created_at,
    )
    world.maker[made.voice_id] = older.voice.id
    older.voice_id = made.voice_id
    world.confirm_one(older)
    world.check()
    world.sync(0)
    found = world.observer.registry.voice(newer.voice_id or "")
    assert found.last_used_at == world.clock.now() - timedelta(days=2)


def test_a_use_before_the_confirm_is_counted(world: World) -> None:
    """Who makes a voice himself may use it before he says so."""
    world.reserve(0, QWEN)
    (attempt,) = world.attempts.values()
    world.carry_out_one(attempt)
    assert attempt.voice_id is not None
    world.record_use(1, attempt.voice_id, count=3)
    world.flush(1)
    world.confirm_one(attempt)
    world.check()
    assert world.record(attempt).last_used_at == world.clock.now()
    (day,) = world.observer.registry.daily_uses(attempt.voice_id)
    assert day.uses == 3
    world.settle_everything()


@pytest.mark.parametrize("ago", [timedelta(days=1), timedelta(days=400)])
def test_the_later_use_of_two_records_is_kept(make_world: MakeWorld, ago: timedelta) -> None:
    """The record that stays was used later than the one that gives way, or before it was made."""
    world = make_world(utc_offset=timedelta(0))  # the provider's times are taken for earlier ones
    world.reserve(0, QWEN)
    (attempt,) = world.attempts.values()
    assert attempt.slot is not None
    attempt.slot.release()
    world.carry_out_one(attempt)
    world.sync(1)
    assert attempt.voice_id is not None
    world.record_use(1, attempt.voice_id, ago)
    world.flush(1)
    if ago < timedelta(days=30):
        world.record_use(1, attempt.voice.id)
        world.flush(1)
    world.check_uses()

    world.confirm_one(attempt)
    world.check_uses()

    after = world.record(attempt)
    assert after.deadline_at == after.last_activity_at + timedelta(days=365)
    later = world.clock.now() - (ago if ago > timedelta(days=30) else timedelta(0))
    assert after.last_used_at == later


def test_a_voice_that_would_not_speak_before_its_deadline_is_lost(world: World) -> None:
    """However late a sync looks: it was known to be missing before."""
    world.design(0, QWEN)
    world.remove(0)
    world.synthesize(0, 0)
    assert world.records()[0].state is State.MISSING
    world.advance(timedelta(days=366))
    world.sync(0)
    world.check()
    assert world.records()[0].state is State.LOST
    world.settle_everything()


def test_a_voice_that_expires_while_a_listing_is_read_is_not_lost(world: World) -> None:
    world.design(0, QWEN)
    world.advance(timedelta(days=365) - A_MINUTE)
    world.sandbox.on_action(
        "list", lambda sandbox: world.advance(A_MINUTE), when="before", family="qwen-tts"
    )
    for _ in range(2):
        world.sync(0)
        world.check()
    assert world.records()[0].state is State.EXPIRED
    world.settle_everything()


def test_a_use_that_is_written_while_a_listing_is_read_moves_the_deadline(world: World) -> None:
    """The voice went before its deadline, as is known by the time that it counts as gone."""
    voice = world.design(0, QWEN)
    assert voice is not None
    assert voice.voice_id is not None
    world.advance(timedelta(days=364))
    world.record_use(1, voice.voice_id)
    world.advance(timedelta(days=2))
    world.sync(0)
    assert world.records()[0].state is State.MISSING
    world.sandbox.on_action("list", lambda sandbox: world.flush(1), family="qwen-tts")
    world.sync(0)
    world.check()
    assert world.records()[0].state is State.LOST
    world.settle_everything()


def test_an_idle_voice_expires(world: World) -> None:
    """One that others use stays, and may go any day; one that nobody uses goes when it is due."""
    voice = world.design(0, QWEN)
    world.design(0, TAGGED_COSY)
    world.sync(0)
    world.advance(timedelta(days=200))
    kept = next(index for index, one in enumerate(world.at_provider) if one.family == "qwen-tts")
    assert voice is not None
    assert world.speak_elsewhere(kept) == voice.voice_id
    world.advance(timedelta(days=170))
    for _ in range(2):
        world.sync(0)
        world.check()
    qwen, cosy = world.records()
    assert (qwen.state, cosy.state) == (State.ACTIVE, State.EXPIRED)
    assert qwen.days_left(world.clock.now()) == 0
    world.advance(timedelta(days=195))
    for _ in range(2):
        world.sync(0)
        world.check()
    assert world.records()[0].state is State.EXPIRED
    world.settle_everything()


def test_uses_of_a_process_that_is_killed_are_lost_and_no_others(world: World) -> None:
    voice = world.design(0, QWEN)
    assert voice is not None
    for who in (0, 1):
        world.record_use(who, voice.id)
    world.flush(0, Trouble(ends_in=1))
    for who in (0, 1):
        world.flush(who)
    world.check()
    (day,) = world.observer.registry.daily_uses(voice.id)
    assert (day.uses, day.source) == (1, "process 1")


@pytest.mark.parametrize("away", list(Away))
def test_a_batch_in_doubt_is_counted_once(world: World, away: Away) -> None:
    voice = world.design(0, QWEN)
    assert voice is not None
    world.record_use(0, voice.id)
    world.flush(0, away=away)
    world.record_use(0, voice.id)
    world.flush(0)
    world.check()
    assert [day.uses for day in world.observer.registry.daily_uses(voice.id)] == [2]


def test_a_delete_that_comes_late_is_no_loss(world: World) -> None:
    """Still listed is not yet undone, while the delete may be on its way."""
    world.design(0, COSY)
    world.delete(0, 0, Trouble(on="delete", loss=Loss.LATE, times=4))
    world.sync(0)
    world.check()
    assert world.records()[0].state is State.DELETING
    world.arrive(0)
    for _ in range(2):
        world.sync(0)
    world.check()
    assert world.records()[0].state is State.DELETED
    world.settle_everything()


@pytest.mark.parametrize("after", [False, True])
def test_a_create_under_way_is_not_paired_with_a_strangers_twin(world: World, after: bool) -> None:
    """Its own answer is to come: until then, what it may have made is nobody's."""
    world.add(QWEN, *_BY_A_STRANGER)
    voice = world.design(
        0, QWEN, Trouble(on="create", meanwhile=("sync", 0), meanwhile_after=after)
    )
    world.check()
    assert voice is not None
    assert world.record(world.attempts[voice.id]).voice_id == voice.voice_id
    actions = {event.action for event in world.observer.registry.events(voice=voice.id)}
    assert "voice.adopt" not in actions
    world.settle_everything()
    assert len(world.records()) == 2


_BY_A_STRANGER = (Origin.DESIGNED, timedelta(0))


def test_a_create_that_comes_late_is_not_given_up(world: World) -> None:
    """However many listings show nothing: the request may be on its way."""
    world.design(0, QWEN, Trouble(on="create", loss=Loss.LATE))
    for _ in range(3):
        world.advance(timedelta(minutes=4))
        world.sync(0)
        world.check()
        assert world.records()[0].state is State.UNRESOLVED
    world.arrive(0)
    world.sync(0)
    assert world.records()[0].state is State.ACTIVE
    world.settle_everything()


def test_creates_that_differ_in_what_the_provider_does_not_show_are_not_guessed(
    world: World,
) -> None:
    for number in (COSY, TAGGED_COSY):
        world.design(0, number, Trouble(on="create", loss=Loss.AFTER))
    sync = world.sync(0)
    assert sync is not None
    assert sync.unresolved == 2
    assert "does not tell which" in sync.problems[0]
    world.settle_everything()


def test_a_lying_listing_is_forgiven(world: World) -> None:
    """Two empty listings, and what they did not show comes back with the next."""
    before = world.design(0, COSY)
    world.design(0, QWEN)
    for _ in range(2):
        world.sync(0, trouble=Trouble("empty-page", on="list", times=None))
    world.check()
    assert {voice.state for voice in world.records()} == {State.LOST}
    world.settle_everything()
    assert before is not None
    assert world.record(world.attempts[before.id]).tags == before.tags


def test_one_listing_gives_no_create_up(world: World) -> None:
    world.design(0, QWEN, Trouble(on="create", loss=Loss.AFTER))
    world.advance(world.settle_after)
    world.sync(0, trouble=Trouble("empty-page", on="list", times=None))
    assert world.records()[0].state is State.UNRESOLVED
    world.sync(0)
    assert world.records()[0].voice_id == world.at_provider[0].voice_id
    world.settle_everything()


def test_no_voice_slips_through_between_two_pages(make_world: MakeWorld) -> None:
    """A voice that goes makes the pages move, in the first reading and in the second."""
    world = make_world(page_cap=2)
    for _ in range(5):
        world.design(0, COSY)
        world.advance(A_MINUTE)
    first, second = world.at_provider[-1], world.at_provider[-2]

    def remove(voice: SandboxVoice) -> Callable[[Sandbox], object]:
        return lambda sandbox: sandbox.remove_voice(voice.voice_id)

    for gone, pages in ((first, 0), (second, 3)):
        world.sandbox.on_action("list", remove(gone), skip=pages, family="cosyvoice")
    sync = world.sync(0)
    assert sync is not None
    assert len(world.at_provider) == 3
    assert {voice.state for voice in world.records()} == {State.ACTIVE}, "each was seen once"
    world.settle_everything()
