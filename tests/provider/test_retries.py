"""Reads and deletes are asked again, with waits that grow and end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from random import Random

import httpx
import pytest

from voicereg.domain.errors import ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import (
    AnswerUnreadable,
    ConnectionLost,
    InvalidKey,
    NotConnected,
    ProviderFault,
    RateLimited,
)
from voicereg.domain.voices import Origin
from voicereg.provider.client import ProviderClient

from .support import NOW, Always, FakeClock, Script, Waits, client_of, in_pieces, ok, refusal

Call = Callable[[ProviderClient], object]
Fails = Callable[[], httpx.Response | Exception]


def query(client: ProviderClient) -> object:
    return client.query(Family.QWEN_TTS, "v-1", Origin.DESIGNED)


def delete(client: ProviderClient) -> object:
    return client.delete(Family.QWEN_TTS, "v-1", Origin.DESIGNED)


PASSING: list[tuple[Fails, type[ProviderProblem]]] = [
    (lambda: httpx.ConnectError("refused"), NotConnected),
    (lambda: httpx.ConnectTimeout("slow"), NotConnected),
    (lambda: httpx.PoolTimeout("busy"), NotConnected),
    (lambda: httpx.ReadTimeout("slow"), ConnectionLost),
    (lambda: httpx.WriteTimeout("slow"), ConnectionLost),
    (lambda: httpx.ReadError("broke"), ConnectionLost),
    (lambda: httpx.WriteError("broke"), ConnectionLost),
    (lambda: httpx.RemoteProtocolError("nonsense"), ConnectionLost),
    (lambda: refusal(429, "Throttling"), RateLimited),
    (lambda: httpx.Response(429), RateLimited),
    (lambda: refusal(500, "InternalError"), ProviderFault),
    (lambda: refusal(503, "ServiceUnavailable"), ProviderFault),
    (lambda: httpx.Response(502, content=b"<html>"), ProviderFault),
    (lambda: httpx.Response(200, content=b"{"), AnswerUnreadable),
    (lambda: in_pieces(200, {"Content-Encoding": "gzip"}, [b"plain"]), AnswerUnreadable),
]


@pytest.mark.parametrize(("fails", "kind"), PASSING)
@pytest.mark.parametrize("call", [query, delete])
def test_a_passing_failure_is_survived(
    fails: Fails, kind: type[ProviderProblem], call: Call
) -> None:
    waits = Waits()
    script = Script(fails(), fails(), ok({}))
    with client_of(script, waits=waits) as client:
        assert call(client)
    assert len(script.requests) == 3
    assert len(waits.seconds) == 2
    assert script.bodies[0] == script.bodies[1] == script.bodies[2]


@pytest.mark.parametrize(("fails", "kind"), PASSING)
@pytest.mark.parametrize("call", [query, delete])
def test_a_lasting_failure_is_given_up_on(
    fails: Fails, kind: type[ProviderProblem], call: Call
) -> None:
    waits = Waits()
    script = Script(*(fails() for _ in range(20)))
    with client_of(script, waits=waits) as client, pytest.raises(ProviderProblem) as caught:
        call(client)
    assert type(caught.value) is kind
    assert 2 <= len(script.requests) <= 6
    assert len(waits.seconds) == len(script.requests) - 1


def test_waits_grow_and_are_bounded() -> None:
    waits = Waits()
    with (
        client_of(Always(httpx.ReadTimeout("slow")), waits=waits) as client,
        pytest.raises(ConnectionLost),
    ):
        query(client)
    assert waits.seconds == sorted(set(waits.seconds))
    assert waits.seconds[-1] <= 60


def test_waits_are_spread_by_the_given_random() -> None:
    def waited(seed: int) -> list[float]:
        waits = Waits()
        script = Always(httpx.ReadTimeout("slow"))
        with (
            client_of(script, waits=waits, rng=Random(seed)) as client,
            pytest.raises(ConnectionLost),
        ):
            query(client)
        return waits.seconds

    assert waited(1) == waited(1)
    assert waited(1) != waited(2)
    assert all(seconds >= 0 for seconds in waited(3))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 60 ", 60),
        (format_datetime(NOW + timedelta(seconds=42), usegmt=True), 42),
        (format_datetime(NOW - timedelta(days=3), usegmt=True), 0),
        ("Sun, 01 Nov 2026 20:00:09 +0800", 9),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("readable", [True, False])
def test_retry_after_is_honoured(value: str, seconds: float, status: int, readable: bool) -> None:
    waits = Waits()
    headers = {"Retry-After": value}
    first = (
        refusal(status, "Throttling" if status == 429 else "ServiceUnavailable", headers=headers)
        if readable
        else httpx.Response(status, content=b"<html>", headers=headers)
    )
    with client_of(Script(first, ok({})), waits=waits) as client:
        query(client)
    assert waits.seconds == [seconds]


def test_a_retry_after_date_is_counted_from_the_clients_clock() -> None:
    clock = FakeClock()
    clock.passed = timedelta(seconds=30)
    date = format_datetime(NOW + timedelta(seconds=42), usegmt=True)
    waits = Waits()
    script = Script(refusal(429, "Throttling", headers={"Retry-After": date}), ok({}))
    with client_of(script, waits=waits, clock=clock) as client:
        query(client)
    assert waits.seconds == [12]


@pytest.mark.parametrize(
    "value",
    ["3600", "999999999", format_datetime(NOW + timedelta(hours=2), usegmt=True)],
)
@pytest.mark.parametrize("call", [query, delete])
def test_a_retry_after_that_is_too_long_is_left_to_the_caller(value: str, call: Call) -> None:
    waits = Waits()
    script = Script(refusal(429, "Throttling", headers={"Retry-After": value}))
    with client_of(script, waits=waits) as client, pytest.raises(RateLimited) as caught:
        call(client)
    assert waits.seconds == []
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= timedelta(hours=1)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "1, 2",
        "٣",
        "9" * 5000,
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "Mon, 32 Foo 2026 99:99:99 GMT",
    ],
)
def test_an_unreadable_retry_after_is_as_good_as_none(value: str) -> None:
    waits = Waits()
    first = refusal(429, "Throttling")
    first.headers = httpx.Headers([(b"retry-after", value.encode())])
    with client_of(Script(first, ok({})), waits=waits) as client:
        query(client)
    (waited,) = waits.seconds
    assert 0 < waited <= 60


@pytest.mark.parametrize("call", [query, delete])
def test_a_final_refusal_is_not_asked_again(call: Call) -> None:
    waits = Waits()
    script = Script(refusal(401, "InvalidApiKey"))
    with client_of(script, waits=waits) as client, pytest.raises(InvalidKey):
        call(client)
    assert waits.seconds == []


@pytest.mark.parametrize(
    ("lost", "kind"),
    [
        (lambda: httpx.ReadTimeout("slow"), ConnectionLost),
        (lambda: refusal(500, "InternalError"), ProviderFault),
        (lambda: httpx.Response(200, content=b"<html>"), AnswerUnreadable),
    ],
)
@pytest.mark.parametrize(
    "later",
    [
        lambda: httpx.ConnectError("refused"),
        lambda: refusal(429, "Throttling"),
        lambda: refusal(401, "InvalidApiKey"),
        lambda: refusal(403, "AccessDenied"),
    ],
)
def test_a_delete_that_may_have_arrived_stays_in_doubt(
    lost: Fails, kind: type[ProviderProblem], later: Fails
) -> None:
    script = Script(lost(), *(later() for _ in range(20)))
    with client_of(script) as client, pytest.raises(ProviderProblem) as caught:
        delete(client)
    assert type(caught.value) is kind
    assert len(script.requests) >= 2


def test_a_delete_in_doubt_that_is_found_done_is_done() -> None:
    script = Script(httpx.ReadTimeout("slow"), refusal(400, "BadRequest.VoiceNotFound"))
    with client_of(script) as client:
        # The first try deleted it: it was there.
        assert client.delete(Family.QWEN_TTS, "v-1", Origin.DESIGNED) is True
    assert script.unused == 0


def test_a_delete_that_never_left_is_no_doubt() -> None:
    script = Script(httpx.ConnectError("refused"), refusal(401, "InvalidApiKey"))
    with client_of(script) as client, pytest.raises(InvalidKey):
        delete(client)


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BadRequest.ResourceNotExist"),
        (416, "BadRequest.ResourceNotExist"),
        (400, "BadRequest.VoiceNotFound"),
        (400, "VoiceNotFound"),
        (400, "InvalidParameter.ResourceNotExist"),
        (200, "BadRequest.VoiceNotFound"),
    ],
)
def test_a_delete_of_a_voice_that_is_gone_succeeds(
    family: Family, origin: Origin, status: int, code: str
) -> None:
    with client_of(Script(refusal(status, code))) as client:
        assert client.delete(family, "v-1", origin) is False
