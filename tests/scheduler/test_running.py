"""A scheduler as the settings describe it: its accounts, who is told, and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.housekeeping import support
from tests.housekeeping.support import House
from tests.registry.support import add_account
from tests.scheduler.support import HOUR, due_rounds, said, schedule
from voicereg import HeartbeatFailed, InvalidInput, Registry
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.notify.heartbeat import beat
from voicereg.scheduler import run_forever, running
from voicereg.settings import ScheduleSettings
from voicereg.tables import leases, step_states

sandbox = support.sandbox
house = support.house

SECRET = "tr0ub4dor"


@pytest.fixture
def backend() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


class Listener:
    """Whoever waits for heartbeats."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = _answer(200)
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.asked.append(self.path)
                listener.answer(self)

            def log_message(self, *given: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ping/{SECRET}"


def _answer(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def _nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(f"{SECRET} is no status line\r\n\r\n".encode())


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    thread = Thread(target=listener.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield listener
    listener.server.shutdown()
    thread.join()
    listener.server.server_close()


def run(
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    *turns: Callable[[], object],
    all_accounts: bool = False,
    environment: dict[str, str] | None = None,
) -> None:
    """Run the scheduler: something is done before each turn, and Ctrl-C comes after the last."""

    def in_turn(tick: Callable[[], object]) -> None:
        for turn in turns or (lambda: None,):
            turn()
            tick()
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "serve", in_turn)
    with pytest.raises(KeyboardInterrupt):
        run_forever(registry, all_accounts=all_accounts, environment=environment or {})


def open_with(house: House, **changed: Any) -> Registry:
    options: dict[str, Any] = {"jitter": 0 * HOUR} | changed
    return house.open(house.settings(schedule=schedule(**options)))


# --- rounds -------------------------------------------------------------------------------------


def test_its_end_lets_another_lead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = open_with(house)
    held: list[Any] = []

    run(registry, monkeypatch, lambda: None, lambda: held.extend(house.rows(leases)))

    assert [row["name"] for row in held] == [LEADER_LEASE]
    assert house.rows(leases) == []
    assert len(due_rounds(house)) == 1


def test_ctrl_c_in_the_middle_of_a_round_leaves_no_lease(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    registry = open_with(house)
    monkeypatch.setattr(Registry, "sync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_forever(registry, all_accounts=False, environment={})

    assert house.rows(leases) == []
    assert len(due_rounds(house, finished=False)) == 1


def test_a_schedule_that_is_none_is_refused_before_anything_runs(house: House) -> None:
    registry = open_with(house, expression="0 0 30 2 *")

    with pytest.raises(InvalidInput, match=r"schedule\.round: no such time ever comes"):
        run_forever(registry, all_accounts=False)

    assert house.rows(leases) == []


@pytest.mark.parametrize("all_accounts", [True, False])
def test_accounts_that_are_added_later_are_looked_after_where_all_are(
    house: House, monkeypatch: pytest.MonkeyPatch, all_accounts: bool
) -> None:
    registry = open_with(house)

    def add() -> None:
        add_account(registry, "studio", api_key_env=DEFAULT_KEY_VARIABLE)
        house.clock.advance(24 * HOUR)

    run(registry, monkeypatch, lambda: None, add, all_accounts=all_accounts)

    synced = {row["account"] for row in house.rows(step_states) if row["name"] == "sync"}
    assert synced == ({"default", "studio"} if all_accounts else {"default"})


# --- the heartbeat ------------------------------------------------------------------------------


def test_a_heartbeat_comes_after_each_good_round_and_after_no_other(
    house: House, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_with(house, heartbeat="env:BEAT")
    asked: list[int] = []

    def next_round() -> None:
        asked.append(len(listener.asked))
        house.clock.advance(6 * HOUR)

    def bad_round() -> None:
        next_round()
        house.sandbox.misbehave("list", "500", times=None)

    def good_again() -> None:
        next_round()
        house.sandbox.clear_faults()

    run(
        registry,
        monkeypatch,
        lambda: None,
        next_round,
        bad_round,
        good_again,
        lambda: asked.append(len(listener.asked)),
        environment={"BEAT": listener.url},
    )

    assert asked == [1, 2, 2, 3]
    assert set(listener.asked) == {f"/ping/{SECRET}"}
    assert len(due_rounds(house)) == 4


FAILURES: dict[str, tuple[Callable[[BaseHTTPRequestHandler], None] | None, str | None, str]] = {
    "HTTP 500": (_answer(500), None, "it answered HTTP 500"),
    "HTTP 404": (_answer(404), None, "it answered HTTP 404"),
    "to a file": (_answer(302, Location=f"file:///etc/{SECRET}"), None, "HTTP 302"),
    "to FTP": (_answer(302, Location=f"ftp://127.0.0.1:1/{SECRET}"), None, "HTTP 302"),
    "to data": (_answer(307, Location=f"data:,{SECRET}"), None, "HTTP 307"),
    "to itself": (_answer(302, Location=f"/ping/{SECRET}"), None, "HTTP 302"),
    "no HTTP": (_nonsense, None, "BadStatusLine"),
    "refused": (None, f"http://127.0.0.1:1/{SECRET}", "ConnectionRefusedError"),
    "unset": (None, "env:BEAT", "BEAT is not set"),
    "file": (None, f"file:///etc/{SECRET}", "neither http nor https"),
    "ftp": (None, f"ftp://127.0.0.1:1/{SECRET}", "neither http nor https"),
    "no URL": (None, SECRET, "neither http nor https"),
    "no host": (None, f"http:///{SECRET}", "names no host"),
    "a space": (None, f"http://127.0.0.1:1/{SECRET} {SECRET}", "InvalidURL"),
    "no port": (None, f"http://127.0.0.1:{SECRET}/", "InvalidURL"),
    "a bracket": (None, f"http://[{SECRET}/", "its URL is none"),
    "odd characters": (None, f"http://{SECRET}\u2100host/", "its URL is none"),
    "not ASCII": (None, f"http://127.0.0.1:1/{SECRET}\u00e9", "UnicodeEncodeError"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_heartbeat_that_fails_shows_no_secret(
    house: House,
    listener: Listener,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    answer, url, why = FAILURES[case]
    listener.answer = answer or listener.answer
    registry = open_with(house, heartbeat=url or listener.url)

    run(registry, monkeypatch)

    (warning,) = [text for text in said(caplog) if "heartbeat" in text]
    assert warning.startswith("the heartbeat was not taken: ")
    assert "channel" not in warning
    assert why in warning
    assert SECRET not in caplog.text
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
    assert len(due_rounds(house)) == 1


def test_a_redirect_to_another_page_is_followed(listener: Listener) -> None:
    def once(handler: BaseHTTPRequestHandler) -> None:
        listener.answer = _answer(200)
        _answer(302, Location="/other")(handler)

    listener.answer = once
    beat(listener.url, environment={})

    assert listener.asked == [f"/ping/{SECRET}", "/other"]


def test_no_more_than_a_few_redirects_are_followed(listener: Listener) -> None:
    """Each to another page, so that it goes round in no circle."""

    def further(handler: BaseHTTPRequestHandler) -> None:
        _answer(302, Location=f"/{len(listener.asked)}")(handler)

    listener.answer = further
    with pytest.raises(HeartbeatFailed, match="HTTP 302"):
        beat(listener.url, environment={})

    assert listener.asked == [f"/ping/{SECRET}", "/1", "/2", "/3"]


def test_a_url_out_of_a_file_of_variables_may_end_with_a_line(listener: Listener) -> None:
    beat("env:BEAT", environment={"BEAT": f"{listener.url}\n"})

    assert listener.asked == [f"/ping/{SECRET}"]


def test_a_variable_that_is_unset_says_what_to_do() -> None:
    with pytest.raises(HeartbeatFailed) as failed:
        beat("env:BEAT", environment={})

    assert failed.value.advice == "put its URL into BEAT"


def test_the_settings_show_no_heartbeat() -> None:
    assert SECRET not in repr(ScheduleSettings(heartbeat=f"https://{SECRET}"))
