"""Deletes: at the provider first, then here."""

from __future__ import annotations

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN, counts, insert_voice
from tests.registry.support import DESIGNS, FakeProvider, add_account, confirmed
from voicereg import (
    AccountNotFound,
    AmbiguousVoice,
    KeyMissing,
    Registry,
    State,
    StateConflict,
    VoiceNotFound,
    VoiceProtected,
)
from voicereg.domain.states import GONE
from voicereg.sandbox import Sandbox


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
@pytest.mark.parametrize("by", ["id", "voice_id"])
def test_a_voice_is_deleted_there_and_here(
    registry: Registry, sandbox: Sandbox, family: str, by: str
) -> None:
    voice = registry.design(**DESIGNS[family])
    deleted = registry.delete(getattr(voice, by))
    assert sandbox.voices() == ()
    assert deleted.state is State.DELETED
    assert deleted.gone_at == START
    assert (deleted.delete_asked_at, deleted.state_before_delete) == (None, None)
    assert deleted.voice_id == voice.voice_id, "a gone voice keeps what is known of it"
    assert registry.voice(voice.id) == deleted
    assert registry.quota(family).used == 0
    assert registry.preview(voice.id)[1].data


@pytest.mark.parametrize("by", ["id", "voice_id"])
def test_a_beginning_does_not_do(registry: Registry, sandbox: Sandbox, by: str) -> None:
    voice = registry.design(**DESIGNS[QWEN])
    beginning = getattr(voice, by)[:-1]
    assert registry.voice(beginning) == voice, "it is the beginning of this one alone"
    sandbox.clear_requests()
    for ask in (registry.delete, registry.check_delete):
        with pytest.raises(VoiceNotFound) as missing:
            ask(beginning)
        assert missing.value.near == (voice.id,)
    assert sandbox.requests == ()
    assert registry.voice(voice.id) == voice


def test_an_id_that_stands_for_two_voices_deletes_neither(
    registry: Registry, sandbox: Sandbox
) -> None:
    """A provider's id that is another voice's registry id: it cannot be told which is meant."""
    first = confirmed(registry, "qwen-first")
    second = confirmed(registry, first.id)
    for ask in (registry.delete, registry.check_delete):
        with pytest.raises(AmbiguousVoice) as ambiguous:
            ask(first.id)
        assert set(ambiguous.value.matches) == {first.id, second.id}
    assert sandbox.requests == ()


def test_what_is_not_there_is_not_found(registry: Registry, sandbox: Sandbox) -> None:
    for ask in (registry.delete, registry.check_delete):
        for reference in ("", "nobody", "%"):
            with pytest.raises(VoiceNotFound):
                ask(reference)
        with pytest.raises(AccountNotFound):
            ask("nobody", account="studio")
    assert sandbox.requests == ()


def test_a_voice_of_another_account_is_not_found(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", quota_group="default")
    voice = insert_voice(database_url, account="studio")
    with pytest.raises(VoiceNotFound):
        registry.delete(voice)


def test_a_pinned_voice_needs_force(registry: Registry, sandbox: Sandbox) -> None:
    voice = registry.design(**DESIGNS[QWEN], pin=True)
    sandbox.clear_requests()
    for ask in (registry.delete, registry.check_delete):
        with pytest.raises(VoiceProtected) as protected:
            ask(voice.id)
        assert (protected.value.voice, protected.value.why) == (voice, "pinned")
    assert sandbox.requests == ()
    assert registry.check_delete(voice.id, force=True) == voice
    assert registry.delete(voice.id, force=True).state is State.DELETED


def test_a_check_changes_nothing(registry: Registry, sandbox: Sandbox, database_url: str) -> None:
    voice = registry.design(**DESIGNS[QWEN])
    sandbox.clear_requests()
    before = counts(database_url)
    assert registry.check_delete(voice.id) == voice
    assert counts(database_url) == before
    assert sandbox.requests == ()


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_one_that_the_provider_knows_no_more_counts_as_deleted_and_says_so(
    registry: Registry, sandbox: Sandbox, family: str
) -> None:
    voice = registry.design(**DESIGNS[family])
    assert voice.voice_id is not None
    sandbox.remove_voice(voice.voice_id)
    deleted = registry.delete(voice.id)
    assert deleted.state is State.DELETED
    assert deleted.state_reason == "the provider knew no such voice any more"
    assert registry.events(limit=1)[0].reason == deleted.state_reason


def test_one_that_was_there_needs_no_word(registry: Registry) -> None:
    voice = registry.design(**DESIGNS[QWEN])
    assert registry.delete(voice.id).state_reason is None


@pytest.mark.parametrize("state", [State.CREATING, State.UNRESOLVED, State.FAILED])
@pytest.mark.parametrize("force", [False, True])
def test_what_has_no_id_there_cannot_be_deleted_there(
    registry: Registry, sandbox: Sandbox, database_url: str, state: State, force: bool
) -> None:
    voice = insert_voice(database_url, state=state)
    for ask in (registry.delete, registry.check_delete):
        with pytest.raises(StateConflict) as conflict:
            ask(voice, force=force)
        assert conflict.value.state is state
    assert counts(database_url) == (1, 0, 0)
    assert sandbox.requests == ()


@pytest.mark.parametrize("state", sorted(GONE - {State.FAILED}))
def test_a_gone_voice_is_returned_as_it_was(
    open_registry: OpenRegistry, database_url: str, state: State
) -> None:
    # Neither a key nor force is needed for what sends nothing.
    registry = open_registry(client_factory=FakeProvider().factory(), environment={})
    voice = insert_voice(database_url, state=state, pinned=True)
    assert registry.delete(voice) == registry.check_delete(voice) == registry.voice(voice)
    assert counts(database_url) == (1, 0, 0)


def test_deleting_again_sends_nothing(registry: Registry, sandbox: Sandbox) -> None:
    voice = registry.design(**DESIGNS[QWEN])
    deleted = registry.delete(voice.id)
    sandbox.clear_requests()
    assert registry.delete(voice.id) == deleted
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    "state", [State.PENDING, State.ACTIVE, State.REJECTED, State.MISSING, State.DELETING]
)
def test_every_voice_with_an_id_can_be_deleted(
    registry: Registry, database_url: str, state: State
) -> None:
    voice = insert_voice(database_url, state=state)
    assert registry.delete(voice).state is State.DELETED


@pytest.mark.parametrize(
    ("family", "origin", "model"),
    [
        (QWEN, "cloned", "qwen-voice-enrollment"),
        (QWEN, "designed", "qwen-voice-design"),
        (COSYVOICE, "cloned", "voice-enrollment"),
    ],
)
def test_a_delete_goes_to_the_model_that_manages_the_voice(
    registry: Registry, sandbox: Sandbox, database_url: str, family: str, origin: str, model: str
) -> None:
    there = sandbox.add_voice(family=family, origin=origin, target_model="any", name="old")
    voice = insert_voice(database_url, family=family, origin=origin, voice_id=there.voice_id)
    assert registry.delete(voice).state_reason is None
    assert [request.model for request in sandbox.requests] == [model]
    assert sandbox.voices() == ()


def test_without_a_key_nothing_is_recorded(open_registry: OpenRegistry, database_url: str) -> None:
    registry = open_registry(environment={})
    voice = insert_voice(database_url)
    with pytest.raises(KeyMissing):
        registry.delete(voice)
    assert registry.voice(voice).state is State.ACTIVE
    assert counts(database_url) == (1, 0, 0)
