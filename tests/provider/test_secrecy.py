"""The key is in its header, and nowhere else; no proxy is asked for this very machine."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from voicereg.domain.errors import InvalidInput, VoiceregError
from voicereg.domain.families import Family
from voicereg.domain.voices import Origin
from voicereg.provider.client import ProviderClient

from .loopback import answer, closed_port, hang_up, serving
from .support import KEY, Always, Reply, Waits, client_of, created, design, refusal, remote_endpoint

SECRET = KEY


def everything_told_by(error: BaseException) -> str:
    """The text of an error, of what caused it, and of its traceback."""
    told = [str(error), repr(error), repr(vars(error)), str(getattr(error, "advice", ""))]
    told += traceback.format_exception(error)
    if error.__cause__ is not None:
        told.append(everything_told_by(error.__cause__))
    if error.__context__ is not None:
        told.append(everything_told_by(error.__context__))
    return "\n".join(told)


FAILURES: list[Callable[[], Reply]] = [
    lambda: httpx.ConnectError("refused"),
    lambda: httpx.ReadTimeout("slow"),
    lambda: httpx.RemoteProtocolError("nonsense"),
    lambda: refusal(401, "InvalidApiKey", "Invalid API-key provided."),
    lambda: refusal(401, "InvalidApiKey", f"Incorrect API key provided: {SECRET}."),
    lambda: refusal(429, "Throttling"),
    lambda: refusal(500, "InternalError"),
    lambda: httpx.Response(200, content=b"<html>"),
    lambda: httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_no_error_and_no_log_record_tells_the_key(
    failure: Callable[[], Reply], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = Always(failure())
    with client_of(script) as client:
        with pytest.raises(VoiceregError) as creating:
            client.create(design())
        with pytest.raises(VoiceregError) as deleting:
            client.delete(Family.COSYVOICE, "v-1", Origin.DESIGNED)
        (listing,) = client.listings(Family.COSYVOICE)
        assert SECRET not in repr(client)
    assert all(SECRET in request.headers["Authorization"] for request in script.requests)
    told = everything_told_by(creating.value) + everything_told_by(deleting.value)
    assert SECRET not in told + repr(listing)
    assert caplog.records
    for record in caplog.records:
        assert SECRET not in record.getMessage() + repr(record.__dict__)


def test_a_real_exchange_logged_in_full_tells_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    content = json.dumps({"output": created()}).encode()
    with serving(answer(content)) as server:
        with ProviderClient(remote_endpoint(base_url=server.base_url), KEY) as client:
            client.create(design())
        ((headers, _),) = server.received
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert {record.name.split(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}
    for record in caplog.records:
        assert SECRET not in record.getMessage() + repr(record.__dict__)


def test_a_real_connection_that_breaks_tells_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        serving(hang_up) as server,
        ProviderClient(remote_endpoint(base_url=server.base_url), KEY) as client,
        pytest.raises(VoiceregError) as caught,
    ):
        client.create(design())
    assert SECRET not in everything_told_by(caught.value)
    for record in caplog.records:
        assert SECRET not in record.getMessage() + repr(record.__dict__)


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f"{KEY}\r", f" {KEY}", f"{KEY}\x00", f"{KEY}é", f"{KEY}密", "", " "]
)
def test_a_key_that_is_no_header_is_refused_and_not_told(key: str) -> None:
    with serving(answer(b"{}")) as server:
        with pytest.raises(InvalidInput) as caught:
            ProviderClient(remote_endpoint(base_url=server.base_url), key).close()
        assert server.received == []
    assert SECRET not in everything_told_by(caught.value)
    assert "key" in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_is_not_sent_to_where_a_redirect_leads(status: int) -> None:
    with (
        serving(answer(b"{}")) as elsewhere,
        serving(answer(b"", status, {"Location": elsewhere.base_url})) as server,
    ):
        endpoint = remote_endpoint(base_url=server.base_url)
        with ProviderClient(endpoint, KEY, sleep=Waits()) as client:
            client.listings(Family.QWEN_TTS)
        assert len(server.received) >= 2
        assert elsewhere.received == []


def test_a_cookie_is_no_reason_to_tell_more() -> None:
    def with_cookie(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        answer(b'{"output": {}}', headers={"Set-Cookie": "session=1"})(handler, body)

    with serving(with_cookie) as server:
        with ProviderClient(remote_endpoint(base_url=server.base_url), KEY) as client:
            for _ in range(2):
                client.delete(Family.COSYVOICE, "v-1", Origin.DESIGNED)
        for headers, body in server.received:
            assert SECRET not in body.decode()
            assert [name for name, value in headers.items() if SECRET in value] == ["authorization"]


PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"]


def without_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [*PROXY_VARIABLES, "https_proxy", "NO_PROXY", "no_proxy"]:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    without_exceptions(monkeypatch)
    content = json.dumps({"output": created()}).encode()
    with serving(answer(b"{}", 502)) as proxy, serving(answer(content)) as server:
        for variable in PROXY_VARIABLES:
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.server_port}")
        base_url = server.base_url.replace("127.0.0.1", host)
        with ProviderClient(remote_endpoint(base_url=base_url), KEY) as client:
            client.create(design())
        assert proxy.received == []
        assert len(server.received) == 1


def test_a_proxy_is_asked_for_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    without_exceptions(monkeypatch)
    waits = Waits()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    with (
        ProviderClient(remote_endpoint(), KEY, sleep=waits) as client,
        pytest.raises(VoiceregError, match="nothing was sent"),
    ):
        client.create(design())
    assert len(waits.seconds) >= 1


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:1", "socks5h://somebody:hunter2@[bad"])
def test_a_proxy_that_is_none_is_said_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    without_exceptions(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(InvalidInput, match="proxy") as caught:
        ProviderClient(remote_endpoint(), KEY).close()
    assert "hunter2" not in everything_told_by(caught.value)
