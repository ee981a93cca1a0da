"""The provider's review of CosyVoice voices: waited for, looked up later, refused, not learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, insert_voice, update_voice
from tests.registry.support import COSY, FakeProvider, failing, made, seen, the_only_voice
from voicereg import Registry, ReviewRefused, Settings, State
from voicereg.domain.provider_errors import ConnectionLost, VoiceGone
from voicereg.domain.remote import RemoteVoice, ReviewStatus
from voicereg.sandbox import Sandbox

REVIEW_TIME = timedelta(seconds=40)
REJECTED = COSY | {"prompt": "A voice [reject]"}


@pytest.fixture
def slow_sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    """A provider whose reviews take 40 seconds of the test's clock."""
    with Sandbox.start(review_time=REVIEW_TIME, clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
def slow(open_registry: OpenRegistry, slow_sandbox: Sandbox) -> Registry:
    return open_registry(settings=Settings(base_url=slow_sandbox.base_url))


def test_a_review_is_waited_for(slow: Registry, clock: FakeClock) -> None:
    voice = slow.design(**COSY, wait=timedelta(minutes=2))
    assert voice.state is State.ACTIVE
    assert voice.updated_at - voice.created_at >= REVIEW_TIME
    # Soon at first, never more than five seconds apart, and no longer than it took.
    assert clock.slept[0] == timedelta(seconds=1)
    assert max(clock.slept) == timedelta(seconds=5)
    assert sum(clock.slept, timedelta(0)) < REVIEW_TIME + timedelta(seconds=5)


def test_the_wait_of_the_settings_is_long_enough(slow: Registry) -> None:
    assert slow.design(**COSY).state is State.ACTIVE


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(seconds=-1)])
def test_without_a_wait_nobody_asks(
    slow: Registry, slow_sandbox: Sandbox, clock: FakeClock, wait: timedelta
) -> None:
    voice = slow.design(**COSY, wait=wait)
    assert voice.state is State.PENDING
    assert voice.voice_id is not None
    assert [request.action for request in slow_sandbox.requests] == ["create_voice"]
    assert clock.slept == []


def test_a_wait_that_is_over_leaves_it_pending(slow: Registry, clock: FakeClock) -> None:
    voice = slow.design(**COSY, wait=timedelta(seconds=10))
    assert voice.state is State.PENDING
    assert sum(clock.slept, timedelta(0)) == timedelta(seconds=10)
    assert slow.quota(COSYVOICE).used == 1


def test_a_refusal_is_raised_and_holds_a_slot(slow: Registry) -> None:
    with pytest.raises(ReviewRefused) as refused:
        slow.design(**REJECTED)
    voice = refused.value.voice
    assert voice.state is State.REJECTED
    assert slow.voice(voice.id) == voice
    assert slow.quota(COSYVOICE).used == 1
    assert refused.value.advice is not None
    assert voice.id in refused.value.advice


def test_refresh_asks_again_later(slow: Registry, clock: FakeClock) -> None:
    voice = slow.design(**COSY, wait=timedelta(0))
    before = slow.events()
    assert slow.refresh(voice.id).state is State.PENDING
    assert slow.events() == before, "nothing has changed, so nothing is logged"
    clock.advance(REVIEW_TIME)
    assert voice.voice_id is not None
    assert slow.refresh(voice.voice_id).state is State.ACTIVE
    assert slow.voice(voice.id).state is State.ACTIVE


def test_refresh_notes_a_refusal(slow: Registry, clock: FakeClock) -> None:
    voice = slow.design(**REJECTED, wait=timedelta(0))
    clock.advance(REVIEW_TIME)
    assert slow.refresh(voice.id).state is State.REJECTED


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_refresh_leaves_other_states_alone(
    open_registry: OpenRegistry, database_url: str, state: State
) -> None:
    registry = open_registry(client_factory=FakeProvider().factory())
    voice = insert_voice(database_url, state=state)
    assert registry.refresh(voice) == registry.voice(voice)


@pytest.mark.parametrize(
    "query",
    [failing(ConnectionLost("host", "no answer in time")), lambda voice_id: seen(None)],
    ids=["it cannot be asked", "it says a word that is not documented"],
)
def test_a_review_that_is_not_learnt_leaves_it_pending(
    open_registry: OpenRegistry, query: Callable[[str], RemoteVoice]
) -> None:
    """The voice is made: what goes wrong afterwards is no failure of the create."""
    fake = FakeProvider(create=lambda asked: made(), query=query)
    registry = open_registry(client_factory=fake.factory())
    voice = registry.design(**COSY)
    assert voice.state is State.PENDING
    assert the_only_voice(registry) == voice


def test_a_voice_too_new_to_be_found_is_looked_for_again(open_registry: OpenRegistry) -> None:
    looks: list[str] = []

    def query(voice_id: str) -> RemoteVoice:
        looks.append(voice_id)
        if len(looks) < 3:
            raise VoiceGone("BadRequest.ResourceNotExist", "", status=400)
        return seen(ReviewStatus.OK)

    fake = FakeProvider(create=lambda asked: made(), query=query)
    registry = open_registry(client_factory=fake.factory())
    assert registry.design(**COSY).state is State.ACTIVE
    assert looks == ["cosyvoice-v3.5-plus-vd-announcer-1"] * 3


def test_a_refresh_that_cannot_ask_says_so(open_registry: OpenRegistry, database_url: str) -> None:
    fake = FakeProvider(query=failing(ConnectionLost("host", "cut")))
    registry = open_registry(client_factory=fake.factory())
    voice = insert_voice(database_url, state=State.PENDING)
    with pytest.raises(ConnectionLost):
        registry.refresh(voice)
    assert registry.voice(voice).state is State.PENDING


def test_what_another_did_meanwhile_is_not_undone(
    open_registry: OpenRegistry, database_url: str
) -> None:
    """The answer to a look is older than a change that was made while it was under way."""
    voice = insert_voice(database_url, state=State.PENDING)

    def query(voice_id: str) -> RemoteVoice:
        update_voice(database_url, voice, state="missing")
        return seen(ReviewStatus.OK)

    registry = open_registry(client_factory=FakeProvider(query=query).factory())
    assert registry.refresh(voice).state is State.MISSING
    assert registry.voice(voice).state is State.MISSING
