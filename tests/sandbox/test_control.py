"""Telling a sandbox to misbehave over HTTP, and who may not."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from voicereg.sandbox import FaultKind, Sandbox

from .talk import Client
from .wire import PATH

FAULTS = "/sandbox/faults"
OFFLINE = "/sandbox/offline"
SPELT_OUT = {
    "action": "create",
    "kind": "reset",
    "times": None,
    "after": True,
    "family": "cosyvoice",
    "skip": 2,
}


def test_a_fault_is_set_shown_met_and_gone(sandbox: Sandbox, client: Client) -> None:
    answer = client.http.post(FAULTS, json={"action": "list_voice", "kind": "503"})

    left = {
        "action": "list",
        "kind": "503",
        "times": 1,
        "after": False,
        "family": None,
        "skip": 0,
    }
    assert (answer.status_code, answer.json()) == (201, left)
    assert client.http.get(FAULTS).json() == [left]
    assert client.list("qwen-tts").status_code == 503
    assert client.http.get(FAULTS).json() == []
    assert client.list("qwen-tts").status_code == 200


def test_everything_that_can_be_said(sandbox: Sandbox, client: Client) -> None:
    assert client.http.post(FAULTS, json=SPELT_OUT).json() == SPELT_OUT

    (fault,) = sandbox.faults
    assert (fault.action, fault.kind, fault.family) == ("create", FaultKind.RESET, "cosyvoice")
    assert (fault.times, fault.after, fault.skip) == (None, True, 2)


def test_clearing(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("*", "500", times=None)

    answer = client.http.delete(FAULTS)

    assert (answer.status_code, answer.json()) == (200, [])
    assert sandbox.faults == ()


def test_it_is_neither_recorded_nor_met_by_faults(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("*", "500")
    client.http.get(FAULTS)
    client.http.get("/sandbox/nothing")
    client.http.post(FAULTS, content=b"{")

    assert sandbox.requests == ()
    assert client.list("qwen-tts").status_code == 500
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"action": None}, "action must be a string"),
        (
            {"action": "sing"},
            "unknown action 'sing': one of create, list, query, delete, synthesize, *",
        ),
        ({"kind": 500}, "kind must be a string"),
        ({"kind": "flood"}, "unknown kind 'flood': one of reset, timeout, 429,"),
        ({"kind": "empty-page"}, "'empty-page' is for list only, not for create"),
        ({"times": 0}, "times cannot be below 1"),
        ({"times": "*"}, "times must be an integer or null"),
        ({"times": True}, "times must be an integer or null"),
        ({"times": 1.5}, "times must be an integer or null"),
        ({"after": 1}, "after must be true or false"),
        ({"family": "piano"}, "unknown family 'piano'"),
        ({"family": []}, "family must be a string or null"),
        ({"skip": -1}, "skip cannot be below 0"),
        ({"skip": None}, "skip must be an integer"),
        ({"time": 3}, "unknown field 'time': one of action, kind,"),
    ],
)
def test_bad_faults(sandbox: Sandbox, client: Client, changed: dict[str, Any], error: str) -> None:
    answer = client.http.post(FAULTS, json={**SPELT_OUT, **changed})

    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith(error)
    assert sandbox.faults == ()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "the body is not valid JSON"),
        (b"{", "the body is not valid JSON"),
        (b"\xff", "the body is not valid JSON"),
        (b"[" * 100_000, "the body is not valid JSON"),
        (b"[]", "the body must be a JSON object"),
        (b'{"kind": "500"}', "action is required"),
        (b'{"action": "list"}', "kind is required"),
        (b'{"action": "\\ud800", "kind": "500"}', "unknown action "),
    ],
)
def test_bad_bodies(client: Client, body: bytes, error: str) -> None:
    answer = client.http.post(FAULTS, content=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


def test_a_body_of_no_length(sandbox: Sandbox, client: Client) -> None:
    answer = client.http.post(FAULTS, content=iter([json.dumps(SPELT_OUT).encode()]))

    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert sandbox.faults == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Host": "attacker.example"},
        {"Host": "attacker.example:80"},
        {"Host": "localhost.attacker.example"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "192.0.2.1"},
        {"Host": ""},
    ],
)
def test_web_pages_are_refused(sandbox: Sandbox, client: Client, headers: dict[str, str]) -> None:
    sandbox.misbehave("*", "503", skip=9)
    for method, path in (
        ("POST", FAULTS),
        ("GET", FAULTS),
        ("DELETE", FAULTS),
        ("OPTIONS", FAULTS),
        ("POST", OFFLINE),
    ):
        answer = client.http.request(method, path, content=json.dumps(SPELT_OUT), headers=headers)
        assert (answer.status_code, list(answer.json())) == (403, ["error"])
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert len(sandbox.faults) == 1


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.2:1", "[::1]", "[::1]:8"])
def test_loopback_by_whatever_name(client: Client, host: str) -> None:
    assert client.http.get(FAULTS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/sandbox/", "/sandbox/fault", FAULTS + "/", FAULTS + "/1"])
def test_unknown_paths(client: Client, path: str) -> None:
    answer = client.http.get(path)
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_other_methods(client: Client) -> None:
    answer = client.http.put(FAULTS)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST, DELETE")
    assert client.http.get(OFFLINE).headers["Allow"] == "POST"


def test_the_path_as_the_provider_has_it_is_not_this(sandbox: Sandbox, client: Client) -> None:
    for path in ("/api/v1/sandbox/faults", "/sandbox", PATH + "/sandbox/faults"):
        assert client.http.get(path).json()["code"] == "NotFound"


def _told_to_be_offline(sandbox: Sandbox, seconds: float) -> threading.Thread:
    """Tell it, and return the thread that brings it back."""
    waiting: list[threading.Thread] = []
    shut = threading.Event()
    shut_for = sandbox._door.shut_for

    def watched(seconds: float) -> threading.Thread:
        waiting.append(shut_for(seconds))
        shut.set()
        return waiting[0]

    client = Client(sandbox)
    with client.http, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox._door, "shut_for", watched)
        answer = client.http.post(OFFLINE, json={"seconds": seconds})
        assert (answer.status_code, answer.json()) == (202, {"seconds": seconds})
        assert shut.wait(10)
    return waiting[0]


def test_offline_and_back_by_itself(sandbox: Sandbox, client: Client) -> None:
    client.list("qwen-tts")

    waiting = _told_to_be_offline(sandbox, 0.01)

    waiting.join(10)
    assert not waiting.is_alive()
    assert client.list("qwen-tts").status_code == 200


def test_back_online_before_its_time(sandbox: Sandbox, client: Client) -> None:
    waiting = _told_to_be_offline(sandbox, 3600)
    with pytest.raises(httpx.ConnectError):
        client.list("qwen-tts")
    assert waiting.is_alive()

    sandbox.go_online()

    waiting.join(10)
    assert not waiting.is_alive()
    assert client.list("qwen-tts").status_code == 200


def test_stopped_before_its_time(sandbox: Sandbox) -> None:
    waiting = _told_to_be_offline(sandbox, 3600)

    sandbox.stop()

    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{}", "seconds is required"),
        (b'{"seconds": "1"}', "seconds must be a number"),
        (b'{"seconds": true}', "seconds must be a number"),
        (b'{"seconds": 0}', "seconds must be above 0"),
        (b'{"seconds": -1}', "seconds must be above 0"),
        (b'{"seconds": NaN}', "seconds must be above 0"),
        (b'{"seconds": Infinity}', "seconds must be above 0"),
        (b'{"seconds": 3601}', "seconds must be above 0, and 3600 at most"),
        (b'{"seconds": 1, "more": 2}', "unknown field 'more'"),
    ],
)
def test_bad_offline(client: Client, body: bytes, error: str) -> None:
    answer = client.http.post(OFFLINE, content=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert client.list("qwen-tts").status_code == 200
