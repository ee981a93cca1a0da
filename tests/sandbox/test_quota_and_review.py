"""Quotas, content review, and how long things take."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest

from voicereg.sandbox import Sandbox

from .wire import (
    CLONE,
    COSY,
    COSY_CLONE,
    COSY_DESIGN,
    CREATES,
    DESIGN,
    QWEN_CLONE,
    QWEN_DESIGN,
    Caller,
    FakeClock,
)

FULL = (400, "Throttling.AllocationQuota")


def test_quota_is_a_thousand_of_each_family(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.fill("cosyvoice", 999)
    sandbox.fill("qwen-tts", 998)

    assert caller.call(COSY, "create_voice", COSY_DESIGN).status == 200
    assert caller.call(COSY, "create_voice", COSY_DESIGN).refusal == FULL
    assert caller.call(COSY, "create_voice", COSY_CLONE).refusal == FULL
    assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 200
    assert caller.call(CLONE, "create", QWEN_CLONE).status == 200
    assert caller.call(DESIGN, "create", QWEN_DESIGN).refusal == FULL
    assert caller.call(CLONE, "create", QWEN_CLONE).refusal == FULL
    assert len(sandbox.voices("cosyvoice")) == len(sandbox.voices("qwen-tts")) == 1000


def test_deleting_frees_a_slot_at_once() -> None:
    with Sandbox.start(limits={"qwen-tts": 1}) as sandbox:
        caller = Caller(sandbox)
        voice = caller.call(DESIGN, "create", QWEN_DESIGN).output["voice"]
        assert caller.call(DESIGN, "create", QWEN_DESIGN).refusal == FULL
        assert [kept.voice_id for kept in sandbox.voices()] == [voice]  # none was evicted

        assert caller.call(DESIGN, "delete", voice=voice).status == 200

        assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 200
        caller.close()


def test_limit_changes_while_running(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.fill("qwen-tts", 3)
    sandbox.set_limit("qwen-tts", 2)
    assert caller.call(DESIGN, "create", QWEN_DESIGN).refusal == FULL
    assert len(sandbox.voices()) == 3

    sandbox.set_limit("qwen-tts", 4)

    assert caller.call(DESIGN, "create", QWEN_DESIGN).status == 200
    assert caller.call(DESIGN, "create", QWEN_DESIGN).refusal == FULL


def test_voices_added_behind_the_back_pass_the_limit(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.set_limit("cosyvoice", 1)
    added = [
        sandbox.add_voice(
            family="cosyvoice", origin="cloned", target_model="cosyvoice-v1", name="x"
        )
        for _ in range(2)
    ]
    assert caller.call(COSY, "create_voice", COSY_DESIGN).refusal == FULL

    for voice in added:
        assert sandbox.remove_voice(voice.voice_id)

    assert not sandbox.remove_voice(added[0].voice_id)
    assert caller.call(COSY, "create_voice", COSY_DESIGN).status == 200


@pytest.mark.parametrize("kind", CREATES)
def test_sixteen_at_once_for_the_last_three_slots(sandbox: Sandbox, kind: str) -> None:
    family = "cosyvoice" if kind.startswith("cosyvoice") else "qwen-tts"
    sandbox.fill(family, 997)
    barrier = Barrier(16)

    def create(_: int) -> tuple[int, str]:
        caller = Caller(sandbox)
        barrier.wait(30)
        answer = caller.call(*CREATES[kind])
        caller.close()
        return answer.status, answer.body.get("code", "")

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(create, range(16)))

    assert outcomes == {(200, ""): 3, FULL: 13}
    assert len({voice.voice_id for voice in sandbox.voices(family)}) == 1000


def test_design_is_reviewed_for_a_while(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock, review_time=timedelta(seconds=90)) as sandbox:
        caller = Caller(sandbox)
        kept = caller.call(COSY, "create_voice", COSY_DESIGN).output["voice_id"]
        refused = caller.call(
            COSY, "create_voice", COSY_DESIGN, voice_prompt="A voice to [reject]."
        ).output["voice_id"]

        def statuses() -> list[str]:
            listed = {
                voice["voice_id"]: voice["status"]
                for voice in caller.call(COSY, "list_voice").output["voice_list"]
            }
            queried = {
                voice_id: caller.call(COSY, "query_voice", voice_id=voice_id).output["status"]
                for voice_id in (kept, refused)
            }
            assert listed == queried
            assert [voice.status for voice in sandbox.voices()] == list(queried.values())
            return list(queried.values())

        assert statuses() == ["DEPLOYING", "DEPLOYING"]
        clock.advance(timedelta(seconds=89, milliseconds=999))
        assert statuses() == ["DEPLOYING", "DEPLOYING"]
        clock.advance(timedelta(milliseconds=1))
        assert statuses() == ["OK", "UNDEPLOYED"]
        caller.close()


def test_review_takes_a_second_unless_said(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock) as sandbox:
        caller = Caller(sandbox)
        caller.call(COSY, "create_voice", COSY_DESIGN)
        caller.close()
        assert sandbox.voices()[0].status == "DEPLOYING"
        clock.advance(timedelta(seconds=1))
        assert sandbox.voices()[0].status == "OK"


def test_refused_voice_holds_its_slot(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.set_limit("cosyvoice", 1)
    caller.call(COSY, "create_voice", COSY_DESIGN, voice_prompt="[reject]")
    assert sandbox.voices()[0].status == "UNDEPLOYED"

    assert caller.call(COSY, "create_voice", COSY_DESIGN).refusal == FULL


def test_qwen_voices_have_no_status(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock, review_time=timedelta(days=1)) as sandbox:
        caller = Caller(sandbox)
        caller.call(DESIGN, "create", QWEN_DESIGN, voice_prompt="[reject]")
        (item,) = caller.call(DESIGN, "list").output["voice_list"]
        caller.close()
        assert "status" not in item
        assert sandbox.voices()[0].status == "OK"


@pytest.mark.parametrize("field", ["voice_prompt", "preview_text"])
@pytest.mark.parametrize("kind", ["cosyvoice design", "qwen design"])
def test_inspection_refuses_and_counts_nothing(
    sandbox: Sandbox, caller: Caller, kind: str, field: str
) -> None:
    model, action, fields = CREATES[kind]

    answer = caller.call(model, action, {**fields, field: "Say it [inspect] again."})

    assert answer.refusal == (400, "DataInspectionFailed")
    assert sandbox.voices() == ()


def test_markers_can_be_others(clock: FakeClock) -> None:
    with Sandbox.start(
        clock=clock, review_time=timedelta(0), reject_marker="bad", inspect_marker="worse"
    ) as sandbox:
        caller = Caller(sandbox)
        caller.call(COSY, "create_voice", COSY_DESIGN, voice_prompt="[reject] [inspect]")
        caller.call(COSY, "create_voice", COSY_DESIGN, voice_prompt="bad")
        refused = caller.call(COSY, "create_voice", COSY_DESIGN, voice_prompt="worse")
        caller.close()
        assert [voice.status for voice in sandbox.voices()] == ["OK", "UNDEPLOYED"]
    assert refused.refusal == (400, "DataInspectionFailed")


def test_create_takes_its_time_before_the_voice_is_there() -> None:
    asleep, wake = Event(), Event()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        asleep.set()
        assert wake.wait(30)

    with (
        Sandbox.start(create_time=timedelta(seconds=12), sleep=sleep) as sandbox,
        ThreadPoolExecutor(1) as pool,
    ):
        slow, other = Caller(sandbox), Caller(sandbox)
        under_way = pool.submit(slow.call, DESIGN, "create", QWEN_DESIGN)
        assert asleep.wait(30)
        # Nothing is there yet, and others are not kept waiting.
        assert other.call(DESIGN, "list").output["voice_list"] == []
        sandbox.set_limit("qwen-tts", 1)
        sandbox.fill("qwen-tts", 1)
        wake.set()
        answer = under_way.result(30)
        # Who is refused at once has not waited.
        assert other.call(DESIGN, "create", QWEN_DESIGN).refusal == FULL
        slow.close()
        other.close()

    assert answer.refusal == FULL  # the last slot went to another meanwhile
    assert slept == [12.0]
