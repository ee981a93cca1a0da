"""Moving a sandbox's clock over HTTP: what is answered, what is refused, and who may not."""

from __future__ import annotations

from typing import Any

import pytest

from voicereg.sandbox import Sandbox

from .speech import qwen_voice, speak_once
from .wire import CLOCK, Caller, FakeClock, move_clock


def test_shown_and_moved(ageing: Sandbox, ageing_caller: Caller) -> None:
    idle, used = qwen_voice(ageing), qwen_voice(ageing)

    def shown() -> Any:
        answer = ageing_caller.send(b"", path=CLOCK, method="GET", headers={})
        assert answer.status == 200
        return answer.body

    assert shown() == {"now": "2026-11-23T20:30:15Z", "offset_seconds": 0}
    moved = move_clock(ageing_caller, advance_days=364, advance_seconds=86_399.5)
    there = {"now": "2027-11-23T20:30:14.500000Z", "offset_seconds": 31_535_999.5}
    assert (moved.status, moved.body) == (200, there | {"deleted": []})
    assert shown() == there
    speak_once(ageing_caller, used)

    moved = move_clock(ageing_caller, advance_seconds=0.5)

    there = {"now": "2027-11-23T20:30:15Z", "offset_seconds": 31_536_000}
    assert moved.body == there | {"deleted": [idle.voice_id]}
    assert shown() == there
    assert move_clock(ageing_caller, advance_days=365).body["deleted"] == [used.voice_id]
    assert move_clock(ageing_caller, advance_days=365).body["deleted"] == []


def test_it_is_no_request_to_the_provider(ageing: Sandbox, ageing_caller: Caller) -> None:
    ageing.misbehave("*", "500")
    assert move_clock(ageing_caller, advance_days=0.5).status == 200

    assert ageing.requests == ()
    assert len(ageing.faults) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "the body is not valid JSON"),
        ("[]", "the body must be a JSON object"),
        ("{}", "advance_days or advance_seconds is required"),
        ('{"days": 1}', "unknown field 'days': one of advance_days, advance_seconds"),
        ('{"advance_days": 1, "to": 2}', "unknown field 'to': one of advance_days,"),
        ('{"advance_days": "1"}', "advance_days must be a number"),
        ('{"advance_days": true}', "advance_days must be a number"),
        ('{"advance_days": null}', "advance_days must be a number"),
        ('{"advance_days": 0}', "advance_days must be above 0, and 36525 at most"),
        ('{"advance_days": -1}', "advance_days must be above 0"),
        ('{"advance_days": NaN}', "advance_days must be above 0"),
        ('{"advance_days": Infinity}', "advance_days must be above 0"),
        ('{"advance_days": 1e999}', "advance_days must be above 0"),
        (f'{{"advance_days": 1{"0" * 1000}}}', "advance_days must be above 0"),
        ('{"advance_days": 36526}', "advance_days must be above 0, and 36525 at most"),
        ('{"advance_days": 1, "advance_seconds": 0}', "advance_seconds must be above 0"),
        ('{"advance_seconds": 3155760001}', "advance_seconds must be above 0, and 3155760000 at"),
        ('{"advance_seconds": 1e-9}', "the clock moves forward only"),
        ('{"advance_days": 36525, "advance_seconds": 1}', "the clock can be moved by 36525 days"),
    ],
)
def test_wrong_moves(
    ageing: Sandbox, ageing_caller: Caller, clock: FakeClock, body: str, error: str
) -> None:
    answer = ageing_caller.send(body.encode(), path=CLOCK, headers={})

    assert (answer.status, list(answer.body)) == (400, ["error"])
    assert answer.body["error"].startswith(error)
    assert ageing.now() == clock.now


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://attacker.example"}, {"Origin": "null"}, {"Host": "attacker.example"}],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_web_pages_are_refused(
    sandbox: Sandbox, caller: Caller, clock: FakeClock, method: str, headers: dict[str, str]
) -> None:
    answer = caller.send(b'{"advance_days": 1}', path=CLOCK, method=method, headers=headers)

    assert (answer.status, list(answer.body)) == (403, ["error"])
    assert sandbox.now() == clock.now


def test_other_methods_and_paths(caller: Caller) -> None:
    answer = caller.send(b"{}", path=CLOCK, method="PUT", headers={})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
    assert caller.send(b"{}", path=CLOCK + "/", headers={}).status == 404
