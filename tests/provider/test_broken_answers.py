"""Answers that cannot be believed: none of them passes for a success, and none runs for ever."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from voicereg.domain.families import Family
from voicereg.domain.provider_errors import AnswerUnreadable, ConnectionLost
from voicereg.domain.voices import Origin
from voicereg.provider import transport as transport_module
from voicereg.provider.client import ProviderClient

from .loopback import answer, serving
from .support import (
    KEY,
    Always,
    FakeClock,
    Script,
    Waits,
    client_of,
    created,
    design,
    in_pieces,
    ok,
    remote_endpoint,
)

Call = Callable[[ProviderClient], object]


def create(client: ProviderClient) -> object:
    return client.create(design())


def query(client: ProviderClient) -> object:
    return client.query(Family.COSYVOICE, "v-1", Origin.DESIGNED)


def delete(client: ProviderClient) -> object:
    return client.delete(Family.COSYVOICE, "v-1", Origin.DESIGNED)


UNREADABLE = [
    b"",
    b"<html><body>Welcome to the hotel network</body></html>",
    b'{"output": {"voice_id": "cosyvoice-v3.5-plus-vd-announ',
    b'[{"output": {"voice_id": "v-1"}}]',
    b"null",
    b"true",
    b"12",
    b'"voice"',
    b"{}",
    b'{"request_id": "r"}',
    b'{"output": null}',
    b'{"output": []}',
    b'{"output": "v-1"}',
    b'{"output": {"voice_id": "v-1"}} trailing',
    b"\xff\xfe\x00",
    b"\x80abc",
    b'{"output": ' + b"9" * 5000 + b"}",
    b"[" * 200_000,
    b'{"output":' * 100_000,
]


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
@pytest.mark.parametrize("call", [create, query, delete])
def test_unreadable(content: bytes, call: Call) -> None:
    with (
        client_of(Always(httpx.Response(200, content=content))) as client,
        pytest.raises(AnswerUnreadable) as caught,
    ):
        call(client)
    assert caught.value.status == 200
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("status", [201, 202, 204, 304, 307])
def test_only_200_is_a_success(status: int) -> None:
    content = json.dumps({"output": created()}).encode()
    with (
        client_of(Script(httpx.Response(status, content=content))) as client,
        pytest.raises(AnswerUnreadable) as caught,
    ):
        create(client)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "voice_id",
    [
        None,
        "",
        17,
        True,
        ["v-1"],
        {"id": "v-1"},
        "v" * 100_000,
        "two words",
        "line\nbreak",
        "nul\x00",
        "bell\x07",
        "half\ud800",
        "\x1b[31m",
        "right\u202eleft",
    ],
)
@pytest.mark.parametrize("family", list(Family))
def test_a_voice_id_that_is_none(voice_id: object, family: Family) -> None:
    field = "voice_id" if family is Family.COSYVOICE else "voice"
    content = json.dumps({"output": created(family, **{field: voice_id}), "request_id": "req-5"})
    with (
        client_of(Script(httpx.Response(200, content=content.encode()))) as client,
        pytest.raises(AnswerUnreadable) as caught,
    ):
        client.create(design(family))
    assert caught.value.request_id == "req-5"


@pytest.mark.parametrize("family", list(Family))
def test_the_other_familys_id_field_is_no_id(family: Family) -> None:
    other = next(each for each in Family if each is not family)
    with client_of(Script(ok(created(other)))) as client, pytest.raises(AnswerUnreadable):
        client.create(design(family))


def test_a_body_that_is_not_compressed_as_it_says() -> None:
    reply = in_pieces(200, {"Content-Encoding": "gzip"}, [b'{"output": {}}'])
    with client_of(Script(reply)) as client, pytest.raises(AnswerUnreadable):
        create(client)


def test_a_compressed_body_that_is_cut() -> None:
    whole = gzip.compress(json.dumps({"output": created()}).encode())
    reply = in_pieces(200, {"Content-Encoding": "gzip"}, [whole[: len(whole) // 2]])
    with client_of(Script(reply)) as client, pytest.raises(AnswerUnreadable):
        create(client)


def test_a_compressed_body_is_read() -> None:
    whole = gzip.compress(json.dumps({"output": created()}).encode())
    reply = in_pieces(200, {"Content-Encoding": "gzip"}, [whole[:9], whole[9:]])
    with client_of(Script(reply)) as client:
        assert client.create(design()).voice_id == created()["voice_id"]


def pieces_without_end(taken: list[int]) -> Iterator[bytes]:
    for number in range(10_000):
        taken.append(number)
        yield b" " * 100
    raise AssertionError("nobody stopped reading")


def test_a_huge_body_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LARGEST_ANSWER_BYTES", 1000)
    taken: list[int] = []
    with (
        client_of(Script(in_pieces(200, {}, pieces_without_end(taken)))) as client,
        pytest.raises(AnswerUnreadable, match="too large"),
    ):
        create(client)
    assert len(taken) <= 12


def test_a_small_body_that_unpacks_to_a_huge_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LARGEST_ANSWER_BYTES", 1000)
    packed = gzip.compress(b" " * 100_000)
    reply = in_pieces(200, {"Content-Encoding": "gzip"}, [packed])
    with client_of(Script(reply)) as client, pytest.raises(AnswerUnreadable, match="too large"):
        create(client)


def test_the_largest_answer_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps({"output": created()}).encode()
    monkeypatch.setattr(transport_module, "_LARGEST_ANSWER_BYTES", len(content))
    with client_of(Script(in_pieces(200, {}, [content[:7], content[7:]]))) as client:
        assert client.create(design()).voice_id == created()["voice_id"]


def test_a_drip_without_end_is_bounded_by_the_clock() -> None:
    clock = FakeClock()

    def drip() -> Iterator[bytes]:
        for _ in range(10_000):
            clock.passed += timedelta(seconds=20)  # each piece within the read timeout
            yield b" "
        raise AssertionError("nobody stopped reading")

    script = Script(in_pieces(200, {}, drip()))
    with client_of(script, clock=clock) as client, pytest.raises(ConnectionLost):
        create(client)
    assert clock.passed < timedelta(minutes=15)  # when an unknown create may be settled
    assert len(script.requests) == 1


def test_a_slow_answer_in_time_is_read() -> None:
    clock = FakeClock()
    content = json.dumps({"output": created()}).encode()

    def slowly() -> Iterator[bytes]:
        for piece in (content[:10], content[10:]):
            clock.passed += timedelta(seconds=45)
            yield piece

    with client_of(Script(in_pieces(200, {}, slowly())), clock=clock) as client:
        assert client.create(design()).voice_id == created()["voice_id"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [create, query, delete])
def test_redirects_are_not_followed(status: int, call: Call) -> None:
    with (
        serving(answer(b'{"output": {"voice_id": "stolen"}}')) as elsewhere,
        serving(answer(b"", status, {"Location": elsewhere.base_url})) as server,
    ):
        endpoint = remote_endpoint(base_url=server.base_url)
        with (
            ProviderClient(endpoint, KEY, sleep=Waits()) as client,
            pytest.raises(AnswerUnreadable) as caught,
        ):
            call(client)
        assert caught.value.status == status
        assert len(server.received) >= 1
        assert elsewhere.received == []


@pytest.mark.parametrize(
    "location", ["http://[bad", "ftp://elsewhere.example/", "", "/", "http://elsewhere.example:x/"]
)
def test_a_redirect_to_nowhere(location: str) -> None:
    reply = httpx.Response(302, headers={"Location": location})
    script = Script(reply)
    with client_of(script) as client, pytest.raises((AnswerUnreadable, ConnectionLost)):
        create(client)
    assert len(script.requests) == 1


def test_a_byte_order_mark_and_another_encoding_are_json_too() -> None:
    content = json.dumps({"output": created()}).encode("utf-16")
    with client_of(Script(httpx.Response(200, content=content))) as client:
        assert client.create(design()).voice_id == created()["voice_id"]
