"""CosyVoice's WebSocket, frame by frame, against the provider's public reference."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from voicereg.sandbox import Sandbox
from voicereg.sandbox.manner import Manner
from voicereg.sandbox.speaking import speech_file

from .readers import mp3_frames, ogg_pages
from .speech import COSY_MODEL, Tasks, cosy_voice, inference, qwen_voice, use

PCM = Manner("pcm", 16000)


def _header(event: str, task_id: str = "t1") -> dict[str, Any]:
    return {"task_id": task_id, "event": event, "attributes": {}}


def test_every_frame_of_a_task(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id)
        assert tasks.receive() == {"header": _header("task-started"), "payload": {}}

        tasks.go_on("Good evening, dear listeners. And")
        sentence = {"index": 0, "words": []}
        text = "Good evening, dear listeners."
        assert tasks.receive() == {
            "header": _header("result-generated"),
            "payload": {
                "output": {"sentence": sentence, "type": "sentence-begin", "original_text": text}
            },
        }
        audio = b""
        for _ in range(3):
            assert tasks.receive() == {
                "header": _header("result-generated"),
                "payload": {"output": {"sentence": sentence, "type": "sentence-synthesis"}},
            }
            piece = tasks.receive()
            assert isinstance(piece, bytes)
            audio += piece
        assert audio == speech_file(voice.voice_id, text, PCM)
        assert tasks.receive() == {
            "header": _header("result-generated"),
            "payload": {
                "output": {"sentence": sentence, "type": "sentence-end", "original_text": text},
                "usage": {"characters": len(text)},
            },
        }

        tasks.go_on(" welcome. ")
        tasks.finish()
        *_, finished = tasks.heard()[0]
        assert finished["header"].pop("attributes")["request_uuid"]
        assert finished == {
            "header": {"task_id": "t1", "event": "task-finished"},
            "payload": {"usage": {"characters": len(text) + len(" And welcome.")}},
        }


def test_what_is_recorded(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, "早上好")
        tasks.heard()

    opening, run, go_on, finish = sandbox.requests
    assert (opening.method, opening.path, opening.body) == ("GET", "/api-ws/v1/inference", None)
    assert opening.headers["authorization"] == "right"
    assert {one.method for one in (run, go_on, finish)} == {"MESSAGE"}
    assert (run.action, run.model, run.path) == ("run-task", COSY_MODEL, opening.path)
    assert go_on.raw == (
        '{"header": {"action": "continue-task", "task_id": "t1", "streaming": "duplex"},'
        ' "payload": {"input": {"text": "早上好"}}}'.encode()
    )
    assert (finish.action, finish.model) == ("finish-task", None)


@pytest.mark.parametrize("name", ["pcm", "wav", "mp3", "opus"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_formats(sandbox: Sandbox, name: str, rate: int) -> None:
    voice = cosy_voice(sandbox)
    texts = ("Good evening. How are", " you? ", "晚上好！And so on, and so on")
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, *texts, format=name, sample_rate=rate)
        events, audio = tasks.heard()

    samples = speech_file(voice.voice_id, "".join(texts), Manner("pcm", rate))
    seconds = len(samples) / 2 / rate
    assert [event["header"]["event"] for event in events].count("result-generated") > 6
    if name == "pcm":
        assert audio == samples
    elif name == "wav":
        with wave.open(io.BytesIO(audio)) as sound:
            assert sound.readframes(sound.getnframes()) == samples
        assert len(audio) == 44 + len(samples)
    elif name == "mp3":
        frames = mp3_frames(audio)
        assert 0 <= sum(frame.samples for frame in frames) / rate - seconds < 1152 / rate
    else:
        *pages, last = ogg_pages(audio)
        assert {page.flags for page in pages[1:]} == {0}
        assert (pages[0].flags, last.flags) == (2, 4)
        assert abs((last.granule - 312) / 48000 - seconds) < 0.001
        assert [page.sequence for page in (*pages, last)] == list(range(len(pages) + 1))


def test_a_wav_file_waits_for_the_end_of_the_text(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id, format="wav")
        tasks.go_on("Good evening. ")
        tasks.go_on("Good night.")
        tasks.finish()
        _, audio = tasks.heard()

    assert audio == speech_file(voice.voice_id, "Good evening. Good night.", Manner("wav", 16000))


def test_speech_as_it_is_wanted(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    sounds = []
    for given in ({}, {"rate": 2.0}, {"pitch": 0.5}, {"volume": 0}, {"rate": 2, "pitch": 1}):
        with inference(sandbox) as tasks:
            tasks.say(voice.voice_id, "Good evening.", **given)
            sounds.append(tasks.heard()[1])

    usual, fast, low, silent, as_fast = sounds
    assert len(usual) == len(low) == len(silent) == 2 * len(fast)
    assert fast == as_fast
    assert usual != low
    assert not any(silent)


def test_several_tasks_on_one_connection(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    other = cosy_voice(sandbox, "cosyvoice-v3-plus")
    with inference(sandbox) as tasks:
        tasks.say(voice.voice_id, "One.", task_id="one")
        tasks.say(other.voice_id, "Two.", task_id="two", model="cosyvoice-v3-plus")
        assert {event["header"]["task_id"] for event in tasks.heard()[0]} == {"one"}
        assert {event["header"]["task_id"] for event in tasks.heard()[0]} == {"two"}

    assert (use(sandbox, voice), use(sandbox, other)) == (1, 1)


def test_much_text_before_anything_is_read(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        texts = ["A sentence of no great length. " * 30] * 20
        tasks.say(voice.voice_id, *texts)
        events, audio = tasks.heard()

    assert events[-1]["payload"]["usage"]["characters"] == len("".join(texts).rstrip())
    assert len(audio) > 10_000_000


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"voice": "longxiaochun"}, "BadRequest.VoiceNotFound"),
        ({"voice": None}, "InvalidParameter"),
        ({"model": "cosyvoice-v3-plus"}, "BadRequest.VoiceModelMismatch"),
        ({"model": "cosyvoice-v99"}, "Model.NotExist"),
        ({"model": "qwen3-tts-vd-2026-01-26"}, "InvalidParameter"),
        ({"model": "qwen-audio-3.0-realtime-plus"}, "InvalidParameter"),
        ({"format": "flac"}, "InvalidParameter"),
        ({"sample_rate": 11025}, "InvalidParameter"),
        ({"sample_rate": "16000"}, "InvalidParameter"),
        ({"volume": 101}, "InvalidParameter"),
        ({"rate": 0.4}, "InvalidParameter"),
        ({"pitch": 2.1}, "InvalidParameter"),
        ({"rate": True}, "InvalidParameter"),
        ({"text_type": "Markdown"}, "InvalidParameter"),
    ],
)
def test_refused_tasks(sandbox: Sandbox, parameters: dict[str, Any], code: str) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        given = dict(parameters)
        tasks.run(given.pop("voice", voice.voice_id), **given)
        assert tasks.refusal() == code
        with pytest.raises(ConnectionClosed):
            tasks.receive()  # nothing more can be done with it

    assert use(sandbox, voice) == 0


def test_what_a_failure_looks_like(sandbox: Sandbox) -> None:
    with inference(sandbox) as tasks:
        tasks.run("nobody")
        assert tasks.receive() == {
            "header": {
                **_header("task-failed"),
                "error_code": "BadRequest.VoiceNotFound",
                "error_message": "Voice 'nobody' not found.",
            },
            "payload": {},
        }


@pytest.mark.parametrize("status", ["DEPLOYING", "UNDEPLOYED"])
def test_a_voice_that_is_not_ready(sandbox: Sandbox, status: str) -> None:
    voice = cosy_voice(sandbox, status=status)
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id)
        assert tasks.refusal() == "InvalidParameter"


def test_a_voice_of_the_other_family(sandbox: Sandbox) -> None:
    with inference(sandbox) as tasks:
        tasks.run(qwen_voice(sandbox).voice_id)
        assert tasks.refusal() == "BadRequest.VoiceNotFound"


def test_a_text_that_may_not_be_spoken(sandbox: Sandbox) -> None:
    with inference(sandbox) as tasks:
        tasks.say(cosy_voice(sandbox).voice_id, "Good evening [inspect]")
        assert tasks.refusal() == "DataInspectionFailed"


def test_a_voice_that_goes_in_the_middle(sandbox: Sandbox) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        tasks.run(voice.voice_id)
        assert tasks.receive()["header"]["event"] == "task-started"
        sandbox.remove_voice(voice.voice_id)
        tasks.go_on("Good evening.")
        assert tasks.refusal() == "BadRequest.VoiceNotFound"


Step = Callable[[Tasks, str], object]


def _command(action: str, payload: dict[str, Any], task_id: str = "t1") -> Step:
    return lambda tasks, voice: tasks.command(action, task_id, payload)


def _run(task_id: str = "t1") -> Step:
    return lambda tasks, voice: tasks.run(voice, task_id=task_id)


def _say(*texts: str) -> Step:
    return lambda tasks, voice: tasks.say(voice, *texts)


def _send(content: Any) -> Step:
    return lambda tasks, voice: tasks.send(content)


MISTAKES: dict[str, list[Step]] = {
    "no JSON": [lambda tasks, voice: tasks.connection.send("{")],
    "no object": [_send([])],
    "binary": [lambda tasks, voice: tasks.connection.send(b"{}")],
    "no header": [_send({})],
    "no task id": [_command("run-task", {}, "")],
    "unknown action": [_command("sing-task", {})],
    "not duplex": [
        _send({"header": {"action": "run-task", "task_id": "t1", "streaming": "out"}}),
    ],
    "another function": [
        _command("run-task", {"task_group": "audio", "task": "asr", "function": "recognition"})
    ],
    "text before the task": [lambda tasks, voice: tasks.go_on("Good evening.")],
    "an end before the task": [lambda tasks, voice: tasks.finish()],
    "no text at all": [_say()],
    "blank text": [_say(" ", "\n")],
    "text that is none": [_run(), _command("continue-task", {"input": {"text": 7}})],
    "too long a text": [_say("a" * 20_001)],
    "too long a task": [_say(*["a" * 20_000] * 11)],
    "another task's text": [_run(), lambda tasks, voice: tasks.go_on("A", "t2")],
    "two tasks at once": [_run(), _run("t2")],
    "a task id again": [_say("One."), lambda tasks, voice: tasks.heard(), _run()],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(sandbox: Sandbox, name: str) -> None:
    voice = cosy_voice(sandbox)
    with inference(sandbox) as tasks:
        for step in MISTAKES[name]:
            step(tasks, voice.voice_id)
        assert tasks.refusal() == "InvalidParameter"


def test_invalid_text_ends_the_connection(sandbox: Sandbox) -> None:
    with inference(sandbox) as tasks:
        tasks.connection.send(b"\xff", text=True)
        with pytest.raises(ConnectionClosed) as caught:
            tasks.receive()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1007


@pytest.mark.parametrize("path", ["/inference", "/realtime?model=qwen3-tts-vd-realtime-2026-01-15"])
@pytest.mark.parametrize("key", [None, "Bearer another-key", "sandbox-key", "Basic sandbox-key"])
def test_a_wrong_key(sandbox: Sandbox, path: str, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(sandbox.websocket_base_url + path, additional_headers=headers, proxy=None),
    ):
        pass

    response = caught.value.response
    assert response.status_code == 401
    assert b'"code": "InvalidApiKey"' in (response.body or b"")
    assert b"another-key" not in (response.body or b"")
    assert sandbox.requests[0].headers.get("Authorization") in (None, "wrong")


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
def test_a_right_key_in_any_case(sandbox: Sandbox, scheme: str) -> None:
    with connect(
        sandbox.websocket_base_url + "/inference",
        additional_headers={"Authorization": f"{scheme} {sandbox.api_key}"},
        proxy=None,
    ) as connection:
        connection.ping().wait(10)
