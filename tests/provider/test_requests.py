"""What goes over the wire: the documented requests, field for field."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from voicereg import __version__
from voicereg.domain.designs import DesignRequest, design_request
from voicereg.domain.families import Family
from voicereg.domain.voices import Origin

from .support import KEY, Script, client_of, created, design, ok

ANNOUNCER = (
    "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady "
    "speaking speed and clear articulation, is suitable for news broadcasting or documentary "
    "commentary."
)
NEWS = "Dear listeners, hello everyone. Welcome to the evening news."
AUDIOBOOK = "Welcome to our audiobook. Let me take you on a journey through the wonders of nature."


def sent_by_create(request: DesignRequest) -> Any:
    script = Script(ok(created(request.family)))
    with client_of(script) as client:
        client.create(request)
    (body,) = script.bodies
    return body


def test_documented_cosyvoice_example() -> None:
    body = sent_by_create(
        design_request(
            target_model="cosyvoice-v3.5-plus",
            prompt=ANNOUNCER,
            preview_text=NEWS,
            name="announcer",
        )
    )
    assert body == {
        "model": "voice-enrollment",
        "input": {
            "action": "create_voice",
            "target_model": "cosyvoice-v3.5-plus",
            "voice_prompt": ANNOUNCER,
            "preview_text": NEWS,
            "prefix": "announcer",
        },
        "parameters": {"sample_rate": 24000, "response_format": "wav"},
    }


def test_documented_qwen_example() -> None:
    body = sent_by_create(
        design_request(
            target_model="qwen3-tts-vd-2026-01-26",
            prompt=ANNOUNCER,
            preview_text=AUDIOBOOK,
            name="narrator",
            language="en",
        )
    )
    assert body == {
        "model": "qwen-voice-design",
        "input": {
            "action": "create",
            "target_model": "qwen3-tts-vd-2026-01-26",
            "voice_prompt": ANNOUNCER,
            "preview_text": AUDIOBOOK,
            "preferred_name": "narrator",
            "language": "en",
        },
        "parameters": {"sample_rate": 24000, "response_format": "wav"},
    }


def test_cosyvoice_language_is_a_list_of_hints() -> None:
    fields = sent_by_create(design(Family.COSYVOICE, language="en"))["input"]
    assert fields["language_hints"] == ["en"]
    assert "language" not in fields


def test_no_language_is_sent_where_none_was_given() -> None:
    fields = sent_by_create(design(Family.QWEN_TTS))["input"]
    assert {"language", "language_hints"}.isdisjoint(fields)


@pytest.mark.parametrize("family", list(Family))
def test_audio_parameters_are_passed_on(family: Family) -> None:
    body = sent_by_create(design(family, sample_rate=48000, response_format="mp3"))
    assert body["parameters"] == {"sample_rate": 48000, "response_format": "mp3"}


@pytest.mark.parametrize("family", list(Family))
def test_text_arrives_as_it_was_written(family: Family) -> None:
    fields = sent_by_create(design(family, prompt="沉稳的\n男声 \U0001f399 “稳”"))["input"]
    assert fields["voice_prompt"] == "沉稳的\n男声 \U0001f399 “稳”"


@pytest.mark.parametrize(
    ("family", "origin", "model", "fields"),
    [
        (
            Family.COSYVOICE,
            Origin.DESIGNED,
            "voice-enrollment",
            {"action": "delete_voice", "voice_id": "v-1"},
        ),
        (
            Family.COSYVOICE,
            Origin.CLONED,
            "voice-enrollment",
            {"action": "delete_voice", "voice_id": "v-1"},
        ),
        (
            Family.QWEN_TTS,
            Origin.DESIGNED,
            "qwen-voice-design",
            {"action": "delete", "voice": "v-1"},
        ),
        (
            Family.QWEN_TTS,
            Origin.CLONED,
            "qwen-voice-enrollment",
            {"action": "delete", "voice": "v-1"},
        ),
    ],
)
def test_delete_requests(
    family: Family, origin: Origin, model: str, fields: dict[str, str]
) -> None:
    script = Script(ok({}))
    with client_of(script) as client:
        assert client.delete(family, "v-1", origin) is True
    assert script.bodies == [{"model": model, "input": fields}]


@pytest.mark.parametrize(
    ("family", "origin", "model", "fields"),
    [
        (
            Family.COSYVOICE,
            Origin.CLONED,
            "voice-enrollment",
            {"action": "query_voice", "voice_id": "v-1"},
        ),
        (
            Family.QWEN_TTS,
            Origin.DESIGNED,
            "qwen-voice-design",
            {"action": "query", "voice": "v-1"},
        ),
    ],
)
def test_query_requests(family: Family, origin: Origin, model: str, fields: dict[str, str]) -> None:
    script = Script(ok({}))
    with client_of(script) as client:
        client.query(family, "v-1", origin)
    assert script.bodies == [{"model": model, "input": fields}]


@pytest.mark.parametrize(
    ("family", "asked"),
    [
        (Family.COSYVOICE, [("voice-enrollment", "list_voice")]),
        (Family.QWEN_TTS, [("qwen-voice-design", "list"), ("qwen-voice-enrollment", "list")]),
    ],
)
def test_listing_requests(family: Family, asked: list[tuple[str, str]]) -> None:
    script = Script(*(ok({"voice_list": []}) for _ in asked))
    with client_of(script) as client:
        client.listings(family)
    assert [(body["model"], body["input"]["action"]) for body in script.bodies] == asked
    for body in script.bodies:
        assert body["input"]["page_index"] == 0
        assert 0 < body["input"]["page_size"] <= 1000


def one_request(workspace: str | None) -> httpx.Request:
    script = Script(ok(created()))
    with client_of(script, workspace=workspace) as client:
        client.create(design())
    (request,) = script.requests
    return request


def test_path_and_headers() -> None:
    request = one_request(workspace="ws-1")
    assert request.method == "POST"
    assert str(request.url) == ("https://voices.example/api/v1/services/audio/tts/customization")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["User-Agent"].startswith(f"voicereg/{__version__} ")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-DashScope-WorkSpace"] == "ws-1"


def test_no_workspace_header_without_a_workspace() -> None:
    assert "X-DashScope-WorkSpace" not in one_request(workspace=None).headers


@pytest.mark.parametrize("family", list(Family))
def test_what_the_answer_to_a_create_tells(family: Family) -> None:
    output = created(family, brand_new_field={"x": 1})
    with client_of(Script(ok(output, request_id="req-7"))) as client:
        voice = client.create(design(family))
    assert voice.voice_id == output.get("voice_id", output.get("voice"))
    assert voice.target_model == design(family).target_model
    assert voice.request_id == "req-7"
    assert voice.preview_problem is None
    assert voice.preview is not None
    assert (voice.preview.sample_rate, voice.preview.response_format) == (24000, "wav")


@pytest.mark.parametrize("said", [None, "", 5, ["cosyvoice-v3-plus"], "a\x00b"])
def test_the_model_asked_for_stands_where_the_answer_names_none(said: object) -> None:
    with client_of(Script(ok(created(target_model=said)))) as client:
        assert client.create(design()).target_model == "cosyvoice-v3.5-plus"


def test_the_answers_own_model_is_believed() -> None:
    with client_of(Script(ok(created(target_model="cosyvoice-v9")))) as client:
        assert client.create(design()).target_model == "cosyvoice-v9"
