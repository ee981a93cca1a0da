"""Deletes that went wrong: what was refused goes back, what is unknown keeps its intent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import OpenRegistry
from tests.fakes import NARRATOR, START, FakeClock
from tests.registry.rows import COSYVOICE, insert_voice
from tests.registry.support import FakeProvider, answering, closed_port, failing
from voicereg import (
    AccessDenied,
    ConnectionLost,
    DatabaseBusy,
    DeleteUnconfirmed,
    InvalidKey,
    NotConnected,
    ProviderProblem,
    Registry,
    Settings,
    State,
    Voice,
    VoiceProtected,
)
from voicereg.registry.changes import Changes
from voicereg.sandbox import Sandbox

LOST = ConnectionLost("host", "no answer in time")
REFUSED = AccessDenied("AccessDenied", "not yours", status=403)
UNREACHABLE = NotConnected("host", "no route")
DELETABLE = [State.PENDING, State.ACTIVE, State.REJECTED, State.MISSING]


def deleting(open_registry: OpenRegistry, problem: BaseException) -> Registry:
    """A registry whose provider answers a delete with ``problem``."""
    return open_registry(client_factory=FakeProvider(delete=failing(problem)).factory())


@pytest.mark.parametrize("state", DELETABLE)
def test_an_unknown_outcome_keeps_the_intent_and_the_slot(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock, state: State
) -> None:
    voice = insert_voice(database_url, state=state)
    clock.advance(timedelta(hours=1))
    registry = deleting(open_registry, LOST)
    with pytest.raises(DeleteUnconfirmed) as unknown:
        registry.delete(voice)
    left = registry.voice(voice)
    assert unknown.value.voice == left
    assert unknown.value.__cause__ is LOST
    assert left.state is State.DELETING
    assert left.delete_asked_at == START + timedelta(hours=1)
    assert left.state_before_delete is state
    assert left.gone_at is None
    assert registry.quota(COSYVOICE).used == 1


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500, json={"code": "InternalError"}),
        httpx.Response(400, json={"code": "NobodyKnows"}),
        httpx.Response(200, content=b"<html>"),
    ],
    ids=["fault", "undocumented", "unreadable"],
)
def test_an_answer_that_says_neither_is_unknown(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock, response: httpx.Response
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(response.status_code, content=response.content)

    voice = insert_voice(database_url)
    registry = open_registry(client_factory=answering(respond, clock))
    with pytest.raises(DeleteUnconfirmed):
        registry.delete(voice)
    assert registry.voice(voice).state is State.DELETING


def test_deleting_again_finishes_it(open_registry: OpenRegistry, database_url: str) -> None:
    voice = insert_voice(database_url)
    with pytest.raises(DeleteUnconfirmed):
        deleting(open_registry, LOST).delete(voice)
    registry = open_registry()  # the sandbox knows no such voice: the first delete arrived
    deleted = registry.delete(voice)
    assert deleted.state is State.DELETED
    assert (deleted.delete_asked_at, deleted.state_before_delete) == (None, None)
    assert [event.action for event in registry.events()] == ["voice.delete", "voice.delete.ask"]


@pytest.mark.parametrize("state", DELETABLE)
@pytest.mark.parametrize("problem", [REFUSED, UNREACHABLE])
def test_a_refused_delete_leaves_the_voice_as_it_was(
    open_registry: OpenRegistry, database_url: str, state: State, problem: ProviderProblem
) -> None:
    voice = insert_voice(database_url, state=state)
    registry = deleting(open_registry, problem)
    before = registry.voice(voice)
    with pytest.raises(type(problem)):
        registry.delete(voice)
    assert registry.voice(voice) == before
    assert [event.action for event in registry.events()] == [
        "voice.delete.refused",
        "voice.delete.ask",
    ]
    assert registry.events()[0].reason == str(problem)


@pytest.mark.parametrize("problem", [REFUSED, UNREACHABLE])
def test_a_refusal_does_not_undo_an_earlier_delete_that_may_have_arrived(
    open_registry: OpenRegistry, database_url: str, problem: ProviderProblem
) -> None:
    """The voice may be gone: forgetting that we asked would make it a loss by another hand."""
    voice = insert_voice(database_url)
    with pytest.raises(DeleteUnconfirmed):
        deleting(open_registry, LOST).delete(voice)
    before = open_registry().voice(voice)
    registry = deleting(open_registry, problem)
    with pytest.raises(type(problem)):
        registry.delete(voice)
    assert registry.voice(voice) == before
    assert before.state is State.DELETING
    assert before.state_before_delete is State.ACTIVE


def test_a_wrong_key_and_a_dead_host(open_registry: OpenRegistry, database_url: str) -> None:
    voice = insert_voice(database_url)
    with pytest.raises(InvalidKey):
        open_registry(environment={"DASHSCOPE_API_KEY": "not-the-key"}).delete(voice)
    dead = open_registry(settings=Settings(base_url=closed_port()))
    with pytest.raises(NotConnected):
        dead.delete(voice)
    assert dead.voice(voice).state is State.ACTIVE


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interruption_keeps_the_intent(
    open_registry: OpenRegistry, database_url: str, interruption: BaseException
) -> None:
    voice = insert_voice(database_url)
    registry = deleting(open_registry, interruption)
    with pytest.raises(type(interruption)):
        registry.delete(voice)
    assert registry.voice(voice).state is State.DELETING


@pytest.mark.parametrize("said", ["a \x00 in it", "half a pair: \ud83d"])
def test_a_refusal_that_the_database_cannot_hold(
    open_registry: OpenRegistry, database_url: str, said: str
) -> None:
    voice = insert_voice(database_url)
    registry = deleting(open_registry, AccessDenied("AccessDenied", said, status=403))
    with pytest.raises(AccessDenied):
        registry.delete(voice)
    assert registry.voice(voice).state is State.ACTIVE


@pytest.mark.parametrize("answer", [True, False])
def test_two_deletes_at_once_end_in_one(
    open_registry: OpenRegistry, database_url: str, answer: bool
) -> None:
    """The second begins while the first is with the provider, and ends before it."""
    voice = insert_voice(database_url)
    inner = open_registry(client_factory=FakeProvider(delete=lambda voice_id: True).factory())

    def delete(voice_id: str) -> bool:
        assert inner.delete(voice).state is State.DELETED
        return answer

    registry = open_registry(client_factory=FakeProvider(delete=delete).factory())
    deleted = registry.delete(voice)
    assert deleted == registry.voice(voice)
    assert deleted.state_reason is None, "the first to be told it says how it went"
    assert [event.action for event in registry.events()] == ["voice.delete", "voice.delete.ask"]


def test_a_refusal_does_not_undo_a_delete_that_another_finished(
    open_registry: OpenRegistry, database_url: str
) -> None:
    voice = insert_voice(database_url)
    inner = open_registry(client_factory=FakeProvider(delete=lambda voice_id: True).factory())

    def delete(voice_id: str) -> bool:
        inner.delete(voice)
        raise REFUSED

    registry = open_registry(client_factory=FakeProvider(delete=delete).factory())
    with pytest.raises(AccessDenied):
        registry.delete(voice)
    assert registry.voice(voice).state is State.DELETED


def test_a_voice_that_was_pinned_meanwhile_is_spared(
    open_registry: OpenRegistry, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at once more under its lock, before anything is sent."""
    voice = insert_voice(database_url)
    fake = FakeProvider()
    registry = open_registry(client_factory=fake.factory())
    clients = registry._context.clients
    really = clients.of

    def of(account: object) -> object:
        registry.edit(voice, pin=True)
        return really(account)  # type: ignore[arg-type]

    monkeypatch.setattr(clients, "of", of)
    with pytest.raises(VoiceProtected):
        registry.delete(voice)
    assert fake.deletes == []
    assert registry.voice(voice).state is State.ACTIVE


def test_a_fault_is_tried_again_before_it_is_doubted(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    answers = iter([httpx.Response(503, json={}), httpx.Response(200, json={"output": {}})])
    registry = open_registry(client_factory=answering(lambda request: next(answers), clock))
    assert registry.delete(insert_voice(database_url)).state is State.DELETED


def fails_to_note(registry: Registry, monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    """From now on the database takes no change to ``state``."""
    apply = Changes.apply

    def refuse(self: Changes, voice: Voice, action: str, values: Any, *more: Any) -> Voice:
        if values["state"] is state:
            raise DatabaseBusy("elsewhere")
        return apply(self, voice, action, values, *more)

    monkeypatch.setattr(Changes, "apply", refuse)


def test_a_delete_that_cannot_be_noted_says_that_the_voice_is_gone(
    registry: Registry, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = registry.design(**NARRATOR)
    with monkeypatch.context() as away:
        fails_to_note(registry, away, State.DELETED)
        with pytest.raises(DeleteUnconfirmed, match="says that it is gone"):
            registry.delete(voice.id)
    assert sandbox.voices() == ()
    assert registry.voice(voice.id).state is State.DELETING
    assert registry.delete(voice.id).state is State.DELETED  # the next one finds it gone


def test_a_refusal_that_cannot_be_noted_is_still_told(
    registry: Registry, open_registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = registry.design(**NARRATOR)
    with monkeypatch.context() as away:
        fails_to_note(registry, away, State.ACTIVE)
        with pytest.raises(AccessDenied):
            deleting(open_registry, REFUSED).delete(voice.id)
    assert registry.voice(voice.id).state is State.DELETING
    assert registry.quota("qwen-tts").used == 1
