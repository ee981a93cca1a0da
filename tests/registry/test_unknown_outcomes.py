"""Creates whose outcome nobody knows: unresolved, and the slot stays held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE
from tests.registry.support import COSY, FakeProvider, answering, failing, the_only_voice
from voicereg import (
    AnswerUnreadable,
    ConnectionLost,
    CreateUnresolved,
    ProviderFault,
    ProviderProblem,
    Registry,
    State,
)

Respond = Callable[[httpx.Request], httpx.Response]


def breaking(error: Exception) -> Respond:
    def respond(request: httpx.Request) -> httpx.Response:
        raise error

    return respond


def saying(status: int, content: bytes) -> Respond:
    return lambda request: httpx.Response(status, content=content)


def assert_unresolved_and_held(registry: Registry) -> None:
    voice = the_only_voice(registry)
    assert voice.state is State.UNRESOLVED
    assert voice.voice_id is None
    assert voice.state_reason
    assert voice.gone_at is None
    assert voice.lease_holder is None
    assert voice.lease_expires_at == voice.created_at + timedelta(minutes=15), "it may last so long"
    quota = registry.quota(COSYVOICE)
    assert (quota.used, quota.unresolved, quota.creating) == (1, 1, 0)
    assert [event.action for event in registry.events()] == ["voice.unresolved", "voice.create"]


@pytest.mark.parametrize(
    ("respond", "cause"),
    [
        pytest.param(breaking(httpx.ReadTimeout("")), ConnectionLost, id="read timeout"),
        pytest.param(breaking(httpx.WriteTimeout("")), ConnectionLost, id="write timeout"),
        pytest.param(breaking(httpx.ReadError("reset")), ConnectionLost, id="reset"),
        pytest.param(breaking(httpx.WriteError("pipe")), ConnectionLost, id="broken pipe"),
        pytest.param(
            breaking(httpx.RemoteProtocolError("closed")), ConnectionLost, id="closed early"
        ),
        pytest.param(saying(500, b'{"code": "InternalError"}'), ProviderFault, id="500"),
        pytest.param(saying(503, b'{"code": "ServiceUnavailable"}'), ProviderFault, id="503"),
        pytest.param(saying(504, b"<html>gateway</html>"), ProviderFault, id="504 without JSON"),
        # A refusal's code with a server's failure: the status says that something went wrong.
        pytest.param(saying(500, b'{"code": "InvalidParameter"}'), ProviderFault, id="500, 4xx"),
        pytest.param(saying(400, b'{"code": "NobodyKnows"}'), ProviderFault, id="unknown code"),
        pytest.param(saying(200, b"<html>"), AnswerUnreadable, id="no JSON"),
        pytest.param(saying(200, b'{"output": {"voice_'), AnswerUnreadable, id="cut"),
        pytest.param(saying(200, b"{}"), AnswerUnreadable, id="no output"),
        pytest.param(saying(200, b'{"output": {}}'), AnswerUnreadable, id="no id"),
        pytest.param(
            saying(200, b'{"output": {"voice_id": "a b"}}'), AnswerUnreadable, id="id that is none"
        ),
    ],
)
def test_an_unknown_outcome_holds_the_slot(
    open_registry: OpenRegistry, clock: FakeClock, respond: Respond, cause: type[ProviderProblem]
) -> None:
    requests: list[httpx.Request] = []

    def counted(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return respond(request)

    registry = open_registry(client_factory=answering(counted, clock))
    with pytest.raises(CreateUnresolved) as unresolved:
        registry.design(**COSY)
    assert len(requests) == 1, "a create is never repeated on its own"
    assert isinstance(unresolved.value.__cause__, cause)
    assert unresolved.value.voice == the_only_voice(registry)
    assert unresolved.value.voice.id in str(unresolved.value)
    assert "voicereg sync" in str(unresolved.value.advice)
    assert_unresolved_and_held(registry)


def test_the_request_id_of_a_fault_is_kept_for_whoever_asks_the_provider(
    open_registry: OpenRegistry,
) -> None:
    fault = ProviderFault("InternalError", "", status=500, request_id="request-5")
    registry = open_registry(client_factory=FakeProvider(create=failing(fault)).factory())
    with pytest.raises(CreateUnresolved):
        registry.design(**COSY)
    assert the_only_voice(registry).request_id == "request-5"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_an_interruption_in_the_call_is_passed_on(
    open_registry: OpenRegistry, interruption: BaseException
) -> None:
    registry = open_registry(client_factory=FakeProvider(create=failing(interruption)).factory())
    with pytest.raises(type(interruption)) as raised:
        registry.design(**COSY)
    assert raised.value is interruption
    assert_unresolved_and_held(registry)
    assert type(interruption).__name__ in str(the_only_voice(registry).state_reason)


@pytest.mark.parametrize("said", ["a \x00 in it", "half a pair: \ud83d"])
def test_a_cause_that_the_database_cannot_hold(open_registry: OpenRegistry, said: str) -> None:
    fault = ProviderFault("InternalError", said, status=500, request_id=said)
    registry = open_registry(client_factory=FakeProvider(create=failing(fault)).factory())
    with pytest.raises(CreateUnresolved):
        registry.design(**COSY)
    assert_unresolved_and_held(registry)
