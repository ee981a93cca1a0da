"""What the sandbox knows of a voice's use, and what becomes of voices that nobody uses."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from voicereg.sandbox import Sandbox, SandboxVoice

from .speech import GENERATION, QWEN_MODEL, cosy_voice, inference, qwen_voice
from .wire import Caller, FakeClock

YEAR = timedelta(days=365)


def _now(sandbox: Sandbox, voice: SandboxVoice) -> SandboxVoice:
    return next(one for one in sandbox.voices() if one.voice_id == voice.voice_id)


def _speak(sandbox: Sandbox, voice: SandboxVoice) -> None:
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, "Good evening.")
        tasks.heard()


def test_uses_are_counted(sandbox: Sandbox, clock: FakeClock) -> None:
    voice = cosy_voice(sandbox)
    assert (_now(sandbox, voice).uses, _now(sandbox, voice).last_used_at) == (0, None)

    for day in (1, 2):
        clock.advance(timedelta(days=1))
        _speak(sandbox, voice)
        used = _now(sandbox, voice)
        assert (used.uses, used.last_used_at) == (day, clock.now)
        assert used.last_active_at == clock.now
        assert used.modified_at == voice.modified_at


def test_failures_are_no_uses(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, "Good evening [inspect]")
        assert tasks.refusal() == "DataInspectionFailed"
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id)
        tasks.go_on("Good evening.")
        tasks.receive()  # and away, in the middle
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id)
        tasks.command("finish-task", "t1", {"input": {"directive": "cancel"}})
        tasks.heard()

    assert _now(sandbox, voice).uses == 0


def test_idle_voices_go_when_they_are_told_to(sandbox: Sandbox, clock: FakeClock) -> None:
    old, used, young = cosy_voice(sandbox), cosy_voice(sandbox), qwen_voice(sandbox)
    clock.advance(YEAR - timedelta(seconds=1))
    _speak(sandbox, used)
    sandbox.remove_voice(young.voice_id)
    young = qwen_voice(sandbox)

    assert sandbox.delete_idle() == ()
    clock.advance(timedelta(seconds=1))
    assert [voice.voice_id for voice in sandbox.delete_idle()] == [old.voice_id]
    assert {voice.voice_id for voice in sandbox.voices()} == {used.voice_id, young.voice_id}
    gone = sandbox.delete_idle(older_than=timedelta(seconds=1))
    assert {voice.voice_id for voice in gone} == {used.voice_id, young.voice_id}


def test_nothing_goes_by_itself_unless_wanted(sandbox: Sandbox, clock: FakeClock) -> None:
    voice = cosy_voice(sandbox)
    clock.advance(10 * YEAR)

    assert _now(sandbox, voice)


def test_idle_voices_go_by_themselves(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock, delete_idle_after=YEAR, limits={"qwen-tts": 1}) as sandbox:
        caller = Caller(sandbox)
        voice = qwen_voice(sandbox)
        body = {"model": QWEN_MODEL, "input": {"text": "Hello.", "voice": voice.voice_id}}

        def speak() -> int:
            return caller.send(json.dumps(body).encode(), path=GENERATION).status

        clock.advance(YEAR - timedelta(days=1))
        assert speak() == 200
        clock.advance(YEAR - timedelta(days=1))
        assert speak() == 200
        clock.advance(YEAR)
        assert speak() == 400
        assert sandbox.voices() == ()
        listed = caller.call("qwen-voice-design", "list").output
        assert (listed["voice_list"], listed["total_count"]) == ([], 0)
        caller.close()


def test_a_time_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Sandbox(delete_idle_after=timedelta(0))
