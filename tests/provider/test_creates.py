"""A create is sent again only where it certainly never left."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from voicereg.domain.errors import ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import (
    AnswerUnreadable,
    ConnectionLost,
    NotConnected,
    ProviderFault,
    ProviderRefused,
    RateLimited,
    VoiceQuotaFull,
)
from voicereg.provider.client import ProviderClient

from .loopback import Respond, answer, closed_port, hang_up, hang_up_midway, serving
from .support import (
    KEY,
    Always,
    Reply,
    Script,
    Waits,
    client_of,
    created,
    design,
    in_pieces,
    ok,
    refusal,
    remote_endpoint,
)

ONCE: list[tuple[Callable[[], Reply], type[ProviderProblem]]] = [
    (lambda: httpx.ReadTimeout("slow"), ConnectionLost),
    (lambda: httpx.WriteTimeout("slow"), ConnectionLost),
    (lambda: httpx.ReadError("broke"), ConnectionLost),
    (lambda: httpx.WriteError("broke"), ConnectionLost),
    (lambda: httpx.CloseError("broke"), ConnectionLost),
    (lambda: httpx.RemoteProtocolError("hung up"), ConnectionLost),
    (lambda: refusal(429, "Throttling.RateQuota"), RateLimited),
    (lambda: refusal(429, "Throttling", headers={"Retry-After": "1"}), RateLimited),
    (lambda: httpx.Response(429), RateLimited),
    (lambda: refusal(400, "Throttling.AllocationQuota"), VoiceQuotaFull),
    (lambda: refusal(500, "InternalError"), ProviderFault),
    (lambda: refusal(503, "ServiceUnavailable", headers={"Retry-After": "1"}), ProviderFault),
    (lambda: refusal(504, "GatewayTimeout"), ProviderFault),
    (lambda: httpx.Response(502, content=b"<html>"), ProviderFault),
    (lambda: refusal(400, "NeverHeardOf"), ProviderFault),
    (lambda: httpx.Response(200, content=b""), AnswerUnreadable),
    (lambda: httpx.Response(200, content=b"<html>"), AnswerUnreadable),
    (lambda: ok({}), AnswerUnreadable),
    (lambda: httpx.Response(307, headers={"Location": "/elsewhere"}), AnswerUnreadable),
    (lambda: in_pieces(200, {"Content-Encoding": "gzip"}, [b"plain"]), AnswerUnreadable),
]


@pytest.mark.parametrize(("reply", "kind"), ONCE)
@pytest.mark.parametrize("family", list(Family))
def test_sent_exactly_once(
    reply: Callable[[], Reply], kind: type[ProviderProblem], family: Family
) -> None:
    waits = Waits()
    script = Script(reply(), ok(created(family)))
    with client_of(script, waits=waits) as client, pytest.raises(ProviderProblem) as caught:
        client.create(design(family))
    assert type(caught.value) is kind
    assert len(script.requests) == 1
    assert waits.seconds == []


@pytest.mark.parametrize(
    "unmade", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_sent_again_when_no_connection_could_be_made(
    unmade: type[httpx.TransportError],
) -> None:
    waits = Waits()
    script = Script(unmade("no"), unmade("no"), ok(created()))
    with client_of(script, waits=waits) as client:
        assert client.create(design()).voice_id == created()["voice_id"]
    assert len(waits.seconds) == 2
    assert script.bodies[0] == script.bodies[2]


def test_given_up_on_when_no_connection_can_be_made() -> None:
    script = Always(httpx.ConnectTimeout("slow"))
    with client_of(script) as client, pytest.raises(NotConnected) as caught:
        client.create(design())
    assert 2 <= len(script.requests) <= 6
    assert "voices.example" in str(caught.value)
    assert "nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    ("then", "kind"),
    [
        (lambda: httpx.ReadTimeout("slow"), ConnectionLost),
        (lambda: refusal(429, "Throttling"), RateLimited),
    ],
)
def test_what_left_at_the_second_try_is_not_repeated(
    then: Callable[[], Reply], kind: type[ProviderProblem]
) -> None:
    script = Script(httpx.ConnectError("no"), then(), ok(created()))
    with client_of(script) as client, pytest.raises(kind):
        client.create(design())
    assert script.unused == 1


def real_client(base_url: str, waits: Waits) -> ProviderClient:
    return ProviderClient(remote_endpoint(base_url=base_url), KEY, sleep=waits)


def test_a_closed_port_is_certainly_not_connected() -> None:
    waits = Waits()
    with (
        real_client(f"http://127.0.0.1:{closed_port()}/api/v1", waits) as client,
        pytest.raises(NotConnected),
    ):
        client.create(design())
    assert len(waits.seconds) >= 1


@pytest.mark.parametrize(
    ("respond", "kind"),
    [
        (hang_up, ConnectionLost),
        (hang_up_midway, ConnectionLost),
        (answer(b"<html>", status=502), ProviderFault),
        (answer(b"not gzip", headers={"Content-Encoding": "gzip"}), AnswerUnreadable),
        (answer(b'{"output": {"voice_id": "cosy'), AnswerUnreadable),
    ],
)
def test_a_real_server_receives_it_once(respond: Respond, kind: type[ProviderProblem]) -> None:
    waits = Waits()
    with serving(respond) as server:
        with (
            real_client(server.base_url, waits) as client,
            pytest.raises(ProviderProblem) as caught,
        ):
            client.create(design())
        assert len(server.received) == 1
    assert type(caught.value) is kind
    assert not isinstance(caught.value, ProviderRefused)
    assert waits.seconds == []


def test_a_real_server_that_breaks_off_is_asked_again_for_a_read() -> None:
    waits = Waits()
    with serving(hang_up) as server:
        with real_client(server.base_url, waits) as client:
            (listing,) = client.listings(Family.COSYVOICE)
        assert len(server.received) == len(waits.seconds) + 1 >= 2
    assert not listing.complete
