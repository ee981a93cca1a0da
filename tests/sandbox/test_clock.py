"""Moving a sandbox's clock, from Python and over HTTP, and what a year does to its voices."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import urlsplit

import pytest

from voicereg.sandbox import Sandbox, SandboxVoice

from .speech import cosy_voice, qwen_voice, speak_once
from .talk import Client, listed
from .wire import COSY, COSY_DESIGN, DESIGN, QWEN_DESIGN, Caller, FakeClock, move_clock

DAY = timedelta(days=1)
YEAR = 365 * DAY
CENTURY_DAYS = 36_525


def _move_in_python(sandbox: Sandbox, caller: Caller, by: timedelta) -> datetime:
    return sandbox.advance(by)


def _move_over_http(sandbox: Sandbox, caller: Caller, by: timedelta) -> datetime:
    answer = move_clock(caller, advance_seconds=by.total_seconds())
    assert answer.status == 200, answer.raw
    return datetime.fromisoformat(answer.body["now"])


Move = Callable[[Sandbox, Caller, timedelta], datetime]
each_way = pytest.mark.parametrize("move", [_move_in_python, _move_over_http])


def _fetch(caller: Caller, url: str) -> int:
    parts = urlsplit(url)
    return caller.send(b"", path=f"{parts.path}?{parts.query}", method="GET", headers={}).status


def _ids(voices: tuple[SandboxVoice, ...]) -> set[str]:
    return {voice.voice_id for voice in voices}


# --- a year ---------------------------------------------------------------------------------


@each_way
def test_a_year_takes_the_idle_and_leaves_the_used(
    ageing: Sandbox, ageing_caller: Caller, move: Move
) -> None:
    used, idle, other = qwen_voice(ageing), qwen_voice(ageing), cosy_voice(ageing)

    move(ageing, ageing_caller, YEAR - DAY)
    assert _ids(ageing.voices()) == _ids((used, idle, other))
    assert speak_once(ageing_caller, used).status == 200
    move(ageing, ageing_caller, DAY)

    (left,) = ageing.voices()
    assert left.voice_id == used.voice_id
    assert left.last_used_at == used.created_at + YEAR - DAY
    refused = speak_once(ageing_caller, idle)
    assert refused.refusal == (400, "BadRequest.VoiceNotFound")
    client = Client(ageing)
    with client.http:
        assert listed(client.list("cosyvoice"), "cosyvoice") == []
        assert listed(client.list("qwen-tts"), "qwen-tts") == [used.voice_id]


def test_one_that_is_used_every_month_lives_for_years(
    ageing: Sandbox, ageing_caller: Caller
) -> None:
    voice = qwen_voice(ageing)

    for _ in range(36):
        ageing.advance(30 * DAY)
        assert speak_once(ageing_caller, voice).status == 200

    (left,) = ageing.voices()
    assert (left.uses, left.last_used_at) == (36, ageing.now())


def test_a_voice_made_later_has_its_own_year(ageing: Sandbox, ageing_caller: Caller) -> None:
    ageing.advance(YEAR)
    voice_id = ageing_caller.call(DESIGN, "create", QWEN_DESIGN).output["voice"]

    ageing.advance(YEAR - timedelta(microseconds=1))
    assert _ids(ageing.voices()) == {voice_id}
    ageing.advance(timedelta(microseconds=1))
    assert ageing.voices() == ()


def test_lost_voices_make_room(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock, limits={"qwen-tts": 1}, delete_idle_after=YEAR) as sandbox:
        caller = Caller(sandbox)
        assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 200
        full = caller.call(DESIGN, "create", QWEN_DESIGN)
        assert full.refusal == (400, "Throttling.AllocationQuota")

        sandbox.advance(YEAR)

        assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 200
        caller.close()


def test_nothing_goes_unless_it_is_to(sandbox: Sandbox, caller: Caller) -> None:
    voice = qwen_voice(sandbox)

    assert move_clock(caller, advance_days=3650).body["deleted"] == []

    assert _ids(sandbox.voices()) == {voice.voice_id}
    assert _ids(sandbox.delete_idle()) == {voice.voice_id}


# --- what else goes by the clock --------------------------------------------------------------


@each_way
def test_reviews_end(ageing: Sandbox, ageing_caller: Caller, move: Move) -> None:
    made = [
        ageing_caller.call(COSY, "create_voice", COSY_DESIGN, voice_prompt=prompt)
        for prompt in ("A calm voice.", "A voice to [reject].")
    ]

    def statuses() -> list[str]:
        return [
            ageing_caller.call(COSY, "query_voice", voice_id=one.output["voice_id"]).output[
                "status"
            ]
            for one in made
        ]

    assert statuses() == ["DEPLOYING", "DEPLOYING"]
    move(ageing, ageing_caller, DAY)
    assert statuses() == ["DEPLOYING", "DEPLOYING"]
    move(ageing, ageing_caller, DAY)
    assert statuses() == ["OK", "UNDEPLOYED"]


@each_way
def test_links_expire(ageing: Sandbox, ageing_caller: Caller, move: Move) -> None:
    voice = qwen_voice(ageing)
    move(ageing, ageing_caller, 100 * DAY)
    audio = speak_once(ageing_caller, voice).output["audio"]
    assert audio["expires_at"] == int((ageing.now() + DAY).timestamp())

    move(ageing, ageing_caller, DAY - timedelta(minutes=1))
    assert _fetch(ageing_caller, audio["url"]) == 200
    move(ageing, ageing_caller, timedelta(minutes=1))
    assert _fetch(ageing_caller, audio["url"]) == 403
    assert ageing.downloads[-1].at == ageing.now()


def test_times_are_those_of_the_moved_clock(
    sandbox: Sandbox, caller: Caller, clock: FakeClock
) -> None:
    sandbox.advance(YEAR)

    caller.call(DESIGN, "create", QWEN_DESIGN)
    (item,) = caller.call(DESIGN, "list").output["voice_list"]

    assert item["gmt_create"] == "2027-11-24 04:30:15"  # in Beijing
    assert sandbox.voices()[0].created_at == clock.now + YEAR
    assert {request.at for request in sandbox.requests} == {clock.now + YEAR}


def test_a_create_under_way_is_of_the_time_at_which_it_ends(clock: FakeClock) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        sandbox.advance(timedelta(seconds=seconds))

    with Sandbox.start(
        clock=clock, sleep=sleep, create_time=timedelta(seconds=20), delete_idle_after=YEAR
    ) as sandbox:
        caller = Caller(sandbox)
        caller.call(DESIGN, "create", QWEN_DESIGN)
        caller.close()

    assert slept == [20]
    assert sandbox.voices()[0].created_at == clock.now + timedelta(seconds=20)


def test_the_clock_is_moved_in_the_middle_of_a_request(
    ageing: Sandbox, ageing_caller: Caller
) -> None:
    ageing.on_action("list", lambda sandbox: sandbox.advance(YEAR), when="before")
    qwen_voice(ageing)

    assert ageing_caller.call(DESIGN, "list").output["voice_list"] == []


# --- the clock itself -------------------------------------------------------------------------


def test_it_is_ahead_of_the_clock_beneath(sandbox: Sandbox, clock: FakeClock) -> None:
    start = clock.now
    assert sandbox.now() == start

    assert sandbox.advance(DAY) == sandbox.now() == start + DAY
    clock.advance(timedelta(hours=1))
    assert sandbox.now() == start + DAY + timedelta(hours=1)
    assert sandbox.advance(DAY) == start + 2 * DAY + timedelta(hours=1)


def test_it_goes_on_by_itself() -> None:
    with Sandbox() as sandbox:
        before = datetime.now(UTC)
        moved = sandbox.advance(YEAR)
        after = datetime.now(UTC)

        assert before + YEAR <= moved <= after + YEAR
        assert moved <= sandbox.now()


@pytest.mark.parametrize("by", [timedelta(0), -timedelta(microseconds=1), timedelta.min])
def test_it_goes_forward_only(ageing: Sandbox, clock: FakeClock, by: timedelta) -> None:
    with pytest.raises(ValueError, match="forward only"):
        ageing.advance(by)
    assert ageing.now() == clock.now


def test_it_goes_a_century_at_most(sandbox: Sandbox, clock: FakeClock) -> None:
    for by in (timedelta.max, CENTURY_DAYS * DAY + timedelta(microseconds=1)):
        with pytest.raises(ValueError, match="36525 days in all"):
            sandbox.advance(by)
    assert sandbox.now() == clock.now

    sandbox.advance(DAY)
    sandbox.advance((CENTURY_DAYS - 1) * DAY)
    with pytest.raises(ValueError, match="36525 days in all"):
        sandbox.advance(timedelta(microseconds=1))
    assert sandbox.now() == clock.now + CENTURY_DAYS * DAY


# --- at once ------------------------------------------------------------------------------------


def test_many_move_it_at_once(ageing: Sandbox, clock: FakeClock) -> None:
    ageing.fill("qwen-tts", 200)
    barrier = Barrier(8)

    def move(_: int) -> list[datetime]:
        barrier.wait(30)
        return [ageing.advance(DAY) for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(move, range(8)))

    assert all(times == sorted(times) for times in shown)
    # Each move is seen by nobody else, and none is lost.
    assert {time for times in shown for time in times} == {
        clock.now + days * DAY for days in range(1, 401)
    }
    assert ageing.now() == clock.now + 400 * DAY
    assert ageing.voices() == ()


def test_each_lost_voice_is_told_of_once(ageing: Sandbox) -> None:
    # Of each of 100 days, one voice; moved by a day 100 times, while others look and use.
    old = [
        qwen_voice(ageing, created_at=ageing.now() - (YEAR - days * DAY)) for days in range(1, 101)
    ]
    kept = qwen_voice(ageing)
    barrier = Barrier(6)

    def move() -> list[str]:
        caller = Caller(ageing)
        barrier.wait(30)
        deleted = [move_clock(caller, advance_days=1).body["deleted"] for _ in range(25)]
        caller.close()
        return [voice_id for ids in deleted for voice_id in ids]

    def look() -> list[str]:
        caller = Caller(ageing)
        barrier.wait(30)
        for _ in range(25):
            assert caller.call(DESIGN, "list").status == 200
            assert speak_once(caller, kept).status == 200
        caller.close()
        return []

    with ThreadPoolExecutor(6) as pool:
        under_way = [pool.submit(work) for work in (move, look, move, look, move, move)]
        told = [voice_id for one in under_way for voice_id in one.result(30)]

    assert sorted(told) == sorted(voice.voice_id for voice in old)
    (left,) = ageing.voices()
    assert (left.voice_id, left.uses) == (kept.voice_id, 50)
