"""Qwen-TTS's realtime WebSocket, event by event, against the provider's public reference."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from voicereg.sandbox import Sandbox
from voicereg.sandbox.manner import Manner
from voicereg.sandbox.speaking import speech_file

from .speech import REALTIME_MODEL, qwen_voice, realtime, realtime_voice, use

PCM = Manner("pcm", 24000)


def _without_id(event: dict[str, Any]) -> dict[str, Any]:
    assert event.pop("event_id").startswith("event_")
    return event


def _audio(events: list[Any]) -> bytes:
    return b"".join(
        base64.b64decode(event["delta"], validate=True)
        for event in events
        if event["type"] == "response.audio.delta"
    )


def test_every_event_of_a_session(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        created = _without_id(session.receive())
        session_id = created["session"].pop("id")
        assert session_id.startswith("sess_")
        settings = {
            "object": "realtime.session",
            "mode": "server_commit",
            "model": REALTIME_MODEL,
            "voice": "",
            "response_format": "pcm",
            "sample_rate": 24000,
        }
        assert created == {"type": "session.created", "session": settings}

        session.update(voice.voice_id, language_type="English")
        assert _without_id(session.receive()) == {
            "type": "session.updated",
            "session": settings
            | {
                "id": session_id,
                "voice": voice.voice_id,
                "mode": "commit",
                "language_type": "English",
            },
        }

        session.append("Good evening. ")
        session.append("Good night.")
        session.event("input_text_buffer.commit")
        assert _without_id(session.receive()) == {
            "type": "input_text_buffer.committed",
            "item_id": "",
        }
        events = [_without_id(event) for event in session.until("response.done")]
        response_id = events[0]["response"]["id"]
        item_id = events[1]["item"]["id"]
        response = {
            "id": response_id,
            "object": "realtime.response",
            "conversation_id": "",
            "status": "in_progress",
            "modalities": ["text", "audio"],
            "voice": voice.voice_id,
            "output": [],
        }
        item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        part = {"type": "audio", "text": ""}
        of_item = {"response_id": response_id, "output_index": 0}
        place = {**of_item, "item_id": item_id, "content_index": 0}
        done = item | {"status": "completed", "content": [part]}
        deltas = [event for event in events if event["type"] == "response.audio.delta"]
        assert len(deltas) >= 3
        assert events == [
            {"type": "response.created", "response": response},
            {"type": "response.output_item.added", **of_item, "item": item},
            {"type": "response.content_part.added", **place, "part": part},
            *({"type": "response.audio.delta", **place, "delta": one["delta"]} for one in deltas),
            {"type": "response.audio.done", **place},
            {"type": "response.content_part.done", **place, "part": part},
            {"type": "response.output_item.done", **of_item, "item": done},
            {
                "type": "response.done",
                "response": response
                | {"status": "completed", "output": [done], "usage": {"characters": 25}},
            },
        ]
        assert _audio(deltas) == speech_file(voice.voice_id, "Good evening. Good night.", PCM)

        session.event("session.finish")
        assert _without_id(session.receive()) == {"type": "session.finished"}
        with pytest.raises(ConnectionClosed) as caught:
            session.receive()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1000

    assert use(sandbox, voice) == 1
    assert [one.action for one in sandbox.requests] == [
        None,
        "session.update",
        "input_text_buffer.append",
        "input_text_buffer.append",
        "input_text_buffer.commit",
        "session.finish",
    ]
    assert sandbox.requests[0].path == f"/api-ws/v1/realtime?model={REALTIME_MODEL}"


def test_the_server_commits(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        session.update(voice.voice_id, "server_commit")
        session.append("Good evening. And ")
        first = session.until("response.done")
        session.append("good night")
        session.event("session.finish")
        second = session.until("session.finished")

    assert _audio(first) == speech_file(voice.voice_id, "Good evening.", PCM)
    assert _audio(second) == speech_file(voice.voice_id, " And good night", PCM)
    assert use(sandbox, voice) == 1  # one session is one use


def test_text_left_at_the_end_is_spoken(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        session.update(voice.voice_id, "commit")
        session.append("Good evening.")
        session.event("session.finish")
        assert _audio(session.until("session.finished"))


def test_a_cleared_buffer(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        session.update(voice.voice_id)
        session.append("Good evening.")
        session.event("input_text_buffer.clear")
        assert session.until("input_text_buffer.cleared")
        session.event("response.cancel")
        session.event("input_text_buffer.commit")
        assert session.refusal() == "invalid_value"
        session.append("Good night.")  # the session is none the worse for it
        session.event("input_text_buffer.commit")
        assert _audio(session.until("response.done"))
        session.event("session.finish")
        assert not _audio(session.until("session.finished"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"voice_id": "Cherry"}, "BadRequest.VoiceNotFound"),
        ({"voice_id": ""}, "invalid_value"),
        ({"mode": "mine"}, "invalid_value"),
        ({"response_format": "mp3"}, "invalid_value"),
        ({"sample_rate": 16000}, "invalid_value"),
        ({"language_type": "Klingon"}, "invalid_value"),
        ({"speech_rate": 3}, "invalid_value"),
    ],
)
def test_refused_sessions(sandbox: Sandbox, fields: dict[str, Any], code: str) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        if fields.get("voice_id") == "":
            session.event("session.update", session={"mode": "commit"})
        else:
            session.update(**{"voice_id": voice.voice_id, **fields})
        assert session.refusal() == code
        session.append("Good evening.")
        assert session.refusal() == "invalid_value"
        session.event("session.finish")
        assert len(session.until("session.finished")) == 1
    assert use(sandbox, voice) == 0


@pytest.mark.parametrize("model", ["qwen3-tts-vd-2026-01-26", "qwen3-tts-vd-realtime-2025-12-16"])
def test_a_voice_of_another_model(sandbox: Sandbox, model: str) -> None:
    with realtime(sandbox) as session:
        session.update(qwen_voice(sandbox, model).voice_id)
        assert session.refusal() == "BadRequest.VoiceModelMismatch"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("", "invalid_value"),
        ("qwen3-tts-vd-realtime-1999-01-01", "Model.NotExist"),
        ("qwen3-tts-vd-2026-01-26", "invalid_value"),
        ("cosyvoice-v3-plus", "invalid_value"),
        ("qwen-audio-3.0-realtime-plus", "invalid_value"),
    ],
)
def test_models_that_do_not_speak_here(sandbox: Sandbox, model: str, code: str) -> None:
    with realtime(sandbox, model) as session:
        assert session.refusal() == code
        with pytest.raises(ConnectionClosed) as caught:
            session.receive()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008


def test_a_dialogue_model_is_refused_with_a_word(sandbox: Sandbox) -> None:
    with realtime(sandbox, "qwen-audio-3.0-realtime-plus") as session:
        assert "dialogue" in session.receive()["error"]["message"]


def test_a_voice_that_goes_in_the_middle(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        session.update(voice.voice_id)
        session.until("session.updated")
        sandbox.remove_voice(voice.voice_id)
        session.append("Good evening.")
        session.event("input_text_buffer.commit")
        assert session.refusal() == "BadRequest.VoiceNotFound"


def test_an_update_that_comes_too_late(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    with realtime(sandbox) as session:
        session.update(voice.voice_id)
        session.append("Good evening.")
        session.update(voice.voice_id)
        error = session.until("error")[-1]["error"]
    assert error == {
        "code": "invalid_value",
        "message": "Session update error: session already started or finished or failed.",
    }


def test_mistakes(sandbox: Sandbox) -> None:
    voice = realtime_voice(sandbox)
    for mistake in ("{", "[]", "{}", '{"type": "sing"}', '{"type": 7}'):
        with realtime(sandbox) as session:
            session.connection.send(mistake)
            assert session.refusal() == "invalid_value"
    with realtime(sandbox) as session:
        session.append("Text before there is a voice.")
        assert session.refusal() == "invalid_value"
    with realtime(sandbox) as session:
        session.update(voice.voice_id)
        session.append("Good evening [inspect]")
        assert session.refusal() == "DataInspectionFailed"
