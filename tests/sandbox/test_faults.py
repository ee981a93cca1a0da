"""What a client meets when the sandbox has been told to misbehave."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from voicereg.sandbox import RETRY_AFTER_SECONDS, FaultKind, Sandbox

from .talk import FAMILIES, ID_FIELDS, Client, listed
from .wire import PATH

ACTIONS = ("create", "list", "query", "delete")
LISTING_LIES = (FaultKind.EMPTY_PAGE, FaultKind.FIRST_PAGE, FaultKind.WRONG_TOTAL)
EVERYWHERE = tuple(kind for kind in FaultKind if kind not in (*LISTING_LIES, FaultKind.QUOTA_FULL))

both = pytest.mark.parametrize("family", FAMILIES)
any_action = pytest.mark.parametrize("action", ACTIONS)
either_time = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


def _one_voice(sandbox: Sandbox, family: str) -> str:
    """Make the one voice there is, designed and with everything."""
    model = {"cosyvoice": "cosyvoice-v3-plus", "qwen-tts": "qwen3-tts-vd-2026-01-26"}[family]
    voice = sandbox.add_voice(
        family=family,
        origin="designed",
        target_model=model,
        name="narrator",
        prompt="A calm old narrator.",
    )
    return voice.voice_id


def _voices_then(action: str, done: bool) -> int:
    """How many voices there are after an action on the only one, done or not."""
    return 1 + {"create": 1, "delete": -1}.get(action, 0) * done


@contextmanager
def _nobody_answers(sandbox: Sandbox, ask: Callable[[], httpx.Response]) -> Iterator[None]:
    """Ask from another thread, and go on once the request is held."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        assert sandbox.wait_for_held()
        assert not asked.done()
        yield
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            asked.result(30)


# --- the answer is lost or replaced ---------------------------------------------------------


@both
@any_action
@either_time
def test_reset(sandbox: Sandbox, client: Client, family: str, action: str, after: bool) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.RESET, after=after)

    with pytest.raises(httpx.ReadError, match="reset"):
        client.act(family, action, voice_id)

    assert len(sandbox.voices()) == _voices_then(action, after)
    assert len(sandbox.requests) == 1
    assert client.list(family).status_code == 200


def test_reset_is_one_and_there_is_no_byte_before_it(sandbox: Sandbox) -> None:
    sandbox.misbehave("*", "reset")
    url = httpx.URL(sandbox.base_url)
    body = b'{"model": "qwen-voice-design", "input": {"action": "list"}}'
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.api_key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@both
@any_action
@either_time
def test_timeout(sandbox: Sandbox, client: Client, family: str, action: str, after: bool) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.TIMEOUT, after=after)

    with _nobody_answers(sandbox, lambda: client.act(family, action, voice_id)):
        assert len(sandbox.voices()) == _voices_then(action, after)
        sandbox.release_held()

    assert client.list(family).status_code == 200


def test_timeout_as_a_client_sees_it(sandbox: Sandbox) -> None:
    sandbox.misbehave("list", FaultKind.TIMEOUT)
    impatient = Client(sandbox, timeout=0.05)
    with impatient.http, pytest.raises(httpx.ReadTimeout):
        impatient.list("qwen-tts")

    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("end", [Sandbox.stop, Sandbox.go_offline])
def test_nobody_is_held_beyond_the_end(
    sandbox: Sandbox, client: Client, end: Callable[[Sandbox], None]
) -> None:
    sandbox.misbehave("list", FaultKind.TIMEOUT)

    with _nobody_answers(sandbox, lambda: client.list("qwen-tts")):
        end(sandbox)


def test_many_are_held_and_let_go_together(sandbox: Sandbox) -> None:
    sandbox.misbehave("create", "timeout", times=None)
    client = Client(sandbox)
    with client.http, ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(client.create, "qwen-tts") for _ in range(20)]
        assert sandbox.wait_for_held(20)
        sandbox.release_held()
        for one in asked:
            assert isinstance(one.exception(30), httpx.RemoteProtocolError)
    assert not sandbox.wait_for_held(1, 0)


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry_after"),
    [
        (FaultKind.RATE_LIMIT, 429, "Throttling.RateQuota", None),
        (
            FaultKind.RATE_LIMIT_RETRY_AFTER,
            429,
            "Throttling.RateQuota",
            str(RETRY_AFTER_SECONDS),
        ),
        (FaultKind.INTERNAL_ERROR, 500, "InternalError", None),
        (FaultKind.UNAVAILABLE, 503, "ServiceUnavailable", None),
        (FaultKind.ERROR_200, 200, "InternalError", None),
    ],
)
@both
@any_action
@either_time
def test_error_instead(
    sandbox: Sandbox,
    client: Client,
    family: str,
    action: str,
    after: bool,
    kind: FaultKind,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, kind, after=after)

    response = client.act(family, action, voice_id)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert set(response.json()) == {"code", "message", "request_id"}
    assert response.headers.get("Retry-After") == retry_after
    assert response.headers["X-Request-Id"] == response.json()["request_id"]
    assert len(sandbox.voices()) == _voices_then(action, after)


@both
@any_action
@either_time
def test_html_page(sandbox: Sandbox, client: Client, family: str, action: str, after: bool) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.HTML, after=after)

    response = client.act(family, action, voice_id)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<html>" in response.text
    assert len(sandbox.voices()) == _voices_then(action, after)


@both
@either_time
def test_quota_full(sandbox: Sandbox, client: Client, family: str, after: bool) -> None:
    sandbox.misbehave("*", FaultKind.QUOTA_FULL, after=after)
    assert client.list(family).status_code == 200

    response = client.create(family)

    assert response.status_code == 400
    assert response.json()["code"] == "Throttling.AllocationQuota"
    assert len(sandbox.voices()) == after
    assert client.create(family).status_code == 200


# --- the answer is spoilt -------------------------------------------------------------------


@both
@any_action
@either_time
def test_cut_json(sandbox: Sandbox, client: Client, family: str, action: str, after: bool) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.CUT_JSON, after=after)

    response = client.act(family, action, voice_id)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.text.startswith('{"output": {')
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert len(sandbox.voices()) == _voices_then(action, after)


def test_cut_refusal(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("query", FaultKind.CUT_JSON)

    response = client.query("qwen-tts", "nobody")

    assert response.status_code == 400
    assert response.text.startswith('{"code": "VoiceNotFound"')
    assert not response.text.endswith("}")


@both
@any_action
@either_time
def test_missing_field(
    sandbox: Sandbox, client: Client, family: str, action: str, after: bool
) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.MISSING_FIELD, after=after)

    body = client.act(family, action, voice_id).json()

    assert body["usage"] == {"count": 1}
    if action == "delete":
        assert "output" not in body
    elif action == "query":
        assert body["output"] == {}
    else:
        assert {"voice", "voice_id", "voice_list"}.isdisjoint(body["output"])
    if action == "create":
        assert body["output"]["target_model"]
    assert len(sandbox.voices()) == _voices_then(action, after)


@both
@any_action
@either_time
def test_wrong_type(
    sandbox: Sandbox, client: Client, family: str, action: str, after: bool
) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave(action, FaultKind.WRONG_TYPE, after=after)

    output = client.act(family, action, voice_id).json()["output"]

    if action == "create":
        assert isinstance(output[ID_FIELDS[family]], int)
    elif action == "list":
        assert output["voice_list"]["0"][ID_FIELDS[family]] == voice_id
    else:
        assert isinstance(output, list)
    assert len(sandbox.voices()) == _voices_then(action, after)


@pytest.mark.parametrize("kind", [FaultKind.MISSING_FIELD, FaultKind.WRONG_TYPE])
def test_a_refusal_has_nothing_to_spoil(sandbox: Sandbox, client: Client, kind: FaultKind) -> None:
    sandbox.misbehave("delete", kind, after=True)

    response = client.delete("qwen-tts", "nobody")

    assert (response.status_code, response.json()["code"]) == (400, "BadRequest.VoiceNotFound")
    assert sandbox.faults == ()


# --- listings that lie ----------------------------------------------------------------------


@both
@either_time
def test_empty_page(sandbox: Sandbox, client: Client, family: str, after: bool) -> None:
    sandbox.fill(family, 3)
    right = client.list(family).json()["output"]
    sandbox.misbehave("*", FaultKind.EMPTY_PAGE, after=after)

    output = client.list(family).json()["output"]

    assert right["voice_list"]
    assert output["voice_list"] == []
    assert output.get("total_count") == (0 if family == "qwen-tts" else None)
    assert client.list(family).json()["output"] == right


@both
@either_time
def test_first_page(sandbox: Sandbox, client: Client, family: str, after: bool) -> None:
    for _ in range(5):
        _one_voice(sandbox, family)
    first, third = (client.list(family, page, 2) for page in (0, 2))
    sandbox.misbehave("list", FaultKind.FIRST_PAGE, after=after)

    lie = client.list(family, 2, 2)

    assert len(listed(third, family)) == 1
    assert lie.json()["output"] == first.json()["output"]
    assert sandbox.requests[-1].body["input"]["page_index"] == 2


@both
def test_wrong_total(sandbox: Sandbox, client: Client, family: str) -> None:
    voice_id = _one_voice(sandbox, family)
    sandbox.misbehave("list", FaultKind.WRONG_TOTAL)

    response = client.list(family)

    assert listed(response, family) == [voice_id]
    assert response.json()["output"].get("total_count") == (8 if family == "qwen-tts" else None)
    assert sandbox.faults == ()


# --- which requests -------------------------------------------------------------------------


def _statuses(client: Client, count: int, family: str = "qwen-tts") -> list[int]:
    return [client.list(family).status_code for _ in range(count)]


def test_times_and_skip(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("list", "503", times=2, skip=1)
    sandbox.misbehave("list", "429", skip=1)
    sandbox.misbehave("list", "500")

    assert _statuses(client, 7) == [200, 503, 503, 200, 429, 500, 200]
    assert len(sandbox.requests) == 7


def test_until_told_otherwise(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("list", "503", times=None, skip=1)
    sandbox.misbehave("*", "500", times=None)
    assert _statuses(client, 5) == [200, 503, 503, 503, 503]
    assert client.query("qwen-tts", "nobody").status_code == 500

    sandbox.clear_faults()

    assert sandbox.faults == ()
    assert _statuses(client, 2) == [200, 200]


def test_faults_say_what_is_left(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("list_voice", "503", times=2, skip=1, family="cosyvoice")
    sandbox.misbehave("*", FaultKind.RESET, times=None, after=True)

    def left() -> list[tuple[Any, ...]]:
        return [
            (fault.action, fault.kind, fault.after, fault.family, fault.times, fault.skip)
            for fault in sandbox.faults
        ]

    always = ("*", FaultKind.RESET, True, None, None, 0)
    assert left() == [("list", FaultKind.UNAVAILABLE, False, "cosyvoice", 2, 1), always]
    seen = []
    for _ in range(3):
        client.list("cosyvoice")
        seen.append([entry[4:] for entry in left()])
    assert seen == [[(2, 0), (None, 0)], [(1, 0), (None, 0)], [(None, 0)]]
    with pytest.raises(AttributeError):
        sandbox.faults[0].times = 3  # type: ignore[misc]


@both
def test_only_its_family(sandbox: Sandbox, client: Client, family: str) -> None:
    sandbox.misbehave("list", "503", family=family)
    other = next(one for one in FAMILIES if one != family)

    assert _statuses(client, 2, other) == [200, 200]
    assert _statuses(client, 2, family) == [503, 200]


def test_only_its_action(sandbox: Sandbox, client: Client) -> None:
    voice_id = _one_voice(sandbox, "cosyvoice")
    sandbox.misbehave("delete_voice", "503")

    statuses = [client.act("cosyvoice", action, voice_id).status_code for action in ACTIONS]

    assert statuses == [200, 200, 200, 503]


def test_clones_and_updates_can_go_wrong_too(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("*", "missing-field", times=None)
    update = client.ask("cosyvoice", "update", {"voice_id": "x", "url": "y"}).json()
    assert "output" not in update
    assert len(sandbox.faults) == 1


def test_what_is_no_request_of_the_provider_meets_no_fault(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.misbehave("*", "500")

    refused = [
        client.http.post(PATH, content=b"{}").status_code,
        client.ask("qwen-tts", "*").status_code,
        client.ask("qwen-tts", "list_voice").status_code,
        client.ask("qwen-tts", "dance").status_code,
        client.http.get("/").status_code,
    ]

    assert refused == [401, 400, 400, 400, 404]
    assert _statuses(client, 2) == [500, 200]


def test_each_fault_is_met_once_however_many_ask(sandbox: Sandbox) -> None:
    sandbox.misbehave("create", "500", times=10)
    sandbox.misbehave("create", "error-200", times=10, after=True)
    client = Client(sandbox)
    with client.http, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(client.create, ["qwen-tts"] * 50))

    assert [answer.status_code for answer in answers].count(500) == 10
    assert sum("output" in answer.json() for answer in answers) == 30
    assert len(sandbox.voices()) == 40
    assert sandbox.faults == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"action": "sing"},
            r"unknown action 'sing': one of create, list, query, delete, synthesize, \*",
        ),
        ({"action": ""}, "unknown action"),
        ({"kind": "flood"}, "unknown kind 'flood': one of reset, timeout, 429, "),
        ({"family": "piano"}, "unknown family 'piano'"),
        ({"times": 0}, "times cannot be below 1"),
        ({"skip": -1}, "skip cannot be below 0"),
        ({"kind": "empty-page"}, "'empty-page' is for list only, not for create"),
        ({"kind": "quota-full", "action": "delete"}, "'quota-full' is for create only"),
    ],
)
def test_bad_arguments(sandbox: Sandbox, given: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"action": "create", "kind": "500", **given}
    with pytest.raises(ValueError, match=message):
        sandbox.misbehave(**arguments)
    assert sandbox.faults == ()


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_every_kind_has_a_name_and_can_befall_everything(sandbox: Sandbox, kind: FaultKind) -> None:
    for action in (*ACTIONS, "*"):
        sandbox.misbehave(action, kind.value)
    assert {fault.kind for fault in sandbox.faults} == {kind}
