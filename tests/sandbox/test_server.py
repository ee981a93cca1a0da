"""The HTTP front: keys, paths, bodies, connections, and what is recorded of them."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from urllib.parse import urlsplit

import pytest

from voicereg.sandbox import Sandbox

from .wire import COSY, COSY_DESIGN, DESIGN, PATH, QWEN_DESIGN, Answer, Caller, FakeClock

REFUSED = (400, "InvalidParameter")
LIST = json.dumps({"model": DESIGN, "input": {"action": "list"}}).encode()


def _address(sandbox: Sandbox) -> tuple[str, int]:
    parts = urlsplit(sandbox.base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _raw(sandbox: Sandbox, request: bytes) -> Answer:
    """Send bytes on a connection of their own, and read until the server hangs up."""
    with socket.create_connection(_address(sandbox), timeout=30) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = Answer(response.status, dict(response.headers), response.read())
        assert connection.recv(1) == b""
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer another-key"},
        {"Authorization": "Bearer"},
        {"Authorization": "sandbox-key"},
        {"Authorization": "Basic sandbox-key"},
        {"Authorization": "Bearer sandbox-key2"},
    ],
)
def test_missing_or_wrong_key(sandbox: Sandbox, caller: Caller, headers: dict[str, str]) -> None:
    answer = caller.send(LIST, headers=headers)

    assert answer.refusal == (401, "InvalidApiKey")
    assert set(answer.body) == {"code", "message", "request_id"}
    assert b"another-key" not in answer.raw


def test_every_given_key_is_right_and_the_first_is_shown() -> None:
    with Sandbox.start(api_keys=("one", "two")) as sandbox:
        assert sandbox.api_key == "one"
        for key, status in (("one", 200), ("two", 200), ("sandbox-key", 401)):
            caller = Caller(sandbox, key)
            assert caller.send(LIST).status == status
            caller.close()


def test_wrong_key_changes_nothing(sandbox: Sandbox) -> None:
    caller = Caller(sandbox, "another-key")
    assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 401
    caller.close()
    assert sandbox.voices() == ()


@pytest.mark.parametrize("path", ["/", "/api/v1", PATH + "/more", PATH.replace("tts", "asr")])
def test_unknown_path(caller: Caller, path: str) -> None:
    answer = caller.send(LIST, path=path)

    assert answer.status == 404
    assert set(answer.body) == {"code", "message", "request_id"}
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(caller: Caller, method: str) -> None:
    assert caller.send(b"", method=method).status == 405


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\xfa",
        b"[" * 100_000,
        b"1" * 5000,
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"model": 5, "input": {"action": "list"}}',
        b'{"model": "qwen-voice-design"}',
        b'{"model": "qwen-voice-design", "input": null}',
        b'{"model": "qwen-voice-design", "input": ["list"]}',
        b'{"model": "qwen-voice-design", "input": {}}',
        b'{"model": "qwen-voice-design", "input": {"action": 5}}',
        b'{"model": "qwen-voice-design", "input": {"action": "list_voice"}}',
        b'{"model": "qwen-voice-design", "input": {"action": "query"}}',
        b'{"model": "qwen-voice-design", "input": {"action": "list"}, "parameters": []}',
    ],
)
def test_bad_body(caller: Caller, body: bytes) -> None:
    assert caller.send(body).refusal == REFUSED
    assert caller.send(LIST).status == 200  # on the same connection


def test_unknown_management_model(caller: Caller) -> None:
    assert caller.call("voice-magic", "list").refusal == (404, "Model.NotExist")


def test_body_size(sandbox: Sandbox, caller: Caller) -> None:
    padding = 10 * 1024 * 1024 - len(LIST)
    assert caller.send(LIST + b" " * padding).status == 200

    answer = caller.send(LIST + b" " * (padding + 1))

    assert answer.refusal == (413, "InvalidParameter")
    assert answer.headers["Connection"] == "close"
    assert caller.send(LIST).status == 200  # on a new connection
    assert [request.body is None for request in sandbox.requests] == [False, True, False]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: -1",
        b"Content-Length: x",
        b"Content-Length: " + b"9" * 5000,
        b"Transfer-Encoding: chunked",
    ],
)
def test_body_without_a_length(sandbox: Sandbox, header: bytes) -> None:
    answer = _raw(
        sandbox,
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer sandbox-key\r\n" + header + b"\r\n\r\n",
    )

    assert answer.refusal == REFUSED


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
    ],
)
def test_what_is_no_proper_request_is_answered_with_json(
    sandbox: Sandbox, request_head: bytes, status: int
) -> None:
    with socket.create_connection(_address(sandbox), timeout=30) as connection:
        connection.sendall(request_head)
        data = b""
        while chunk := connection.recv(65536):
            data += chunk

    # Of a version that it does not know, the standard library sends no headers at all.
    assert status == 505 or data.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(data[data.index(b"{") :])["code"] == "InvalidParameter"
    assert sandbox.requests == ()


def test_half_a_body_is_no_request(sandbox: Sandbox, caller: Caller) -> None:
    with socket.create_connection(_address(sandbox), timeout=30) as connection:
        connection.sendall(
            b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""

    assert caller.send(LIST).status == 200
    assert len(sandbox.requests) == 1


def test_chinese_survives_both_ways(sandbox: Sandbox, caller: Caller) -> None:
    prompt = "沉稳的中年男性播音员，音色低沉浑厚"
    voice = caller.call(DESIGN, "create", QWEN_DESIGN, voice_prompt=prompt).output["voice"]

    answer = caller.call(DESIGN, "query", voice=voice)

    assert answer.output["voice_prompt"] == prompt == sandbox.voices()[0].prompt
    assert prompt.encode() in answer.raw


def test_request_ids_differ_and_are_in_a_header(caller: Caller) -> None:
    answers = [caller.send(LIST), caller.send(LIST), caller.send(b"{"), caller.send(b"{")]

    assert len({answer.body["request_id"] for answer in answers}) == 4
    assert all(answer.headers["X-Request-Id"] == answer.body["request_id"] for answer in answers)


def test_connection_is_kept(caller: Caller) -> None:
    caller.send(LIST)
    kept = caller.connection.sock
    assert kept is not None

    caller.send(b"{")
    caller.send(LIST, headers={})
    caller.send(LIST)

    assert caller.connection.sock is kept


def test_requests_are_recorded_without_the_key(
    sandbox: Sandbox, caller: Caller, clock: FakeClock
) -> None:
    caller.call(DESIGN, "list", page_size=3)
    clock.advance(timedelta(seconds=5))
    caller.send(
        b"not json",
        path=PATH + "?a=b",
        headers={"Authorization": "Bearer wrong-key", "X-DashScope-WorkSpace": "ws-1"},
    )
    caller.send(b'{"input": [], "model": 7}', headers={})

    first, second, third = sandbox.requests
    assert (first.method, first.path) == ("POST", PATH)
    assert first.body == {"model": DESIGN, "input": {"action": "list", "page_size": 3}}
    assert (first.model, first.action) == (DESIGN, "list")
    assert first.headers["authorization"] == first.headers["Authorization"] == "right"
    assert second.headers["Authorization"] == "wrong"
    assert second.headers["x-dashscope-workspace"] == "ws-1"
    assert (second.path, second.body, second.model, second.action) == (
        PATH + "?a=b",
        None,
        None,
        None,
    )
    assert second.at - first.at == timedelta(seconds=5)
    assert "Authorization" not in third.headers
    assert (third.model, third.action) == (None, None)
    assert "sandbox-key" not in repr(sandbox.requests)
    assert "wrong-key" not in repr(sandbox.requests)

    sandbox.clear_requests()
    assert sandbox.requests == ()


def test_only_the_newest_requests_are_kept() -> None:
    with Sandbox.start(keep_requests=3) as sandbox:
        caller = Caller(sandbox)
        for index in range(5):
            caller.call(DESIGN, "list", page_index=index)
        caller.close()
        kept = [request.body["input"]["page_index"] for request in sandbox.requests]

    assert kept == [2, 3, 4]


def test_fifty_clients_at_once(sandbox: Sandbox) -> None:
    barrier = Barrier(50)

    def work(number: int) -> list[int]:
        caller = Caller(sandbox)
        barrier.wait(30)
        made = caller.call(COSY, "create_voice", COSY_DESIGN, prefix=f"c{number}")
        statuses = [made.status]
        voice_id = made.output["voice_id"]
        statuses.append(caller.call(COSY, "query_voice", voice_id=voice_id).status)
        statuses.append(caller.call(COSY, "list_voice", page_size=100).status)
        if number % 2:
            statuses.append(caller.call(COSY, "delete_voice", voice_id=voice_id).status)
        caller.close()
        return statuses

    with ThreadPoolExecutor(50) as pool:
        statuses = {status for answers in pool.map(work, range(50)) for status in answers}

    assert statuses == {200}
    assert {voice.name for voice in sandbox.voices()} == {f"c{n}" for n in range(0, 50, 2)}
    assert len(sandbox.requests) == 50 * 3 + 25


def test_failure_of_the_sandbox_itself_is_an_internal_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(seconds: float) -> None:
        raise ZeroDivisionError

    with Sandbox.start(create_time=timedelta(1), sleep=broken) as sandbox:
        caller = Caller(sandbox)
        answer = caller.call(DESIGN, "create", QWEN_DESIGN)
        assert caller.send(LIST).status == 200
        caller.close()

    assert answer.refusal == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text
