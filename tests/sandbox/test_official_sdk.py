"""The provider's own SDK, pointed at the sandbox, notices no difference."""

from __future__ import annotations

import base64
import contextlib
import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dashscope
import pytest
from dashscope.api_entities.http_request import close_shared_sync_session
from dashscope.audio.tts_v2.enrollment import VoiceEnrollmentException, VoiceEnrollmentService
from dashscope.v2 import errors

from voicereg.sandbox import Sandbox

CLONE_URL = "https://recordings.example/one.wav"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in ("API_KEY", "BASE_URL", "HTTP_BASE_URL", "WORKSPACE", "REGION", "PROTOCOL"):
        monkeypatch.delenv(f"DASHSCOPE_{name}", raising=False)
    monkeypatch.setenv("DASHSCOPE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def _audio(sandbox: Sandbox, key: str) -> Iterator[Any]:
    with dashscope.Client(api_key=key, base_url=sandbox.base_url, max_retries=0) as client:
        with pytest.warns(FutureWarning, match="preview"):
            audio = client.audio
        yield audio


@pytest.fixture
def audio(sandbox: Sandbox) -> Iterator[Any]:
    with _audio(sandbox, sandbox.api_key) as made:
        yield made


@pytest.fixture
def service(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[VoiceEnrollmentService]:
    """The class of the SDK's first generation, which has one base URL for all."""
    monkeypatch.setattr(dashscope, "base_http_api_url", sandbox.base_url)
    yield VoiceEnrollmentService(api_key=sandbox.api_key)
    close_shared_sync_session()


def _design(audio: Any, name: str = "narrator") -> Any:
    return audio.voice_design.create(
        target_model="qwen3-tts-vd-2026-01-26",
        voice_prompt="A calm old narrator.",
        preview_text="Good evening.",
        preferred_name=name,
        language="en",
        parameters={"sample_rate": 16000, "response_format": "wav"},
    )


def test_voice_design_from_create_to_delete(sandbox: Sandbox, audio: Any) -> None:
    made = _design(audio)

    assert made.voice.startswith("qwen-tts-vd-narrator-voice-")
    assert made.target_model == "qwen3-tts-vd-2026-01-26"
    assert made.status_code == 200
    with wave.open(io.BytesIO(base64.b64decode(made.preview_audio["data"]))) as sound:
        assert sound.getframerate() == 16000
    listed = audio.voice_design.list()
    assert [item["voice"] for item in listed.voices] == [made.voice]
    assert listed.total_count == 1
    assert audio.voice_design.get(made.voice).language == "en"
    assert not audio.voice_design.delete(made.voice).is_error
    assert sandbox.voices() == ()


def test_cloned_voice_from_create_to_delete(sandbox: Sandbox, audio: Any) -> None:
    made = audio.voices.create(target_model="cosyvoice-v2", prefix="copy", url=CLONE_URL)

    assert made.voice_id.startswith("cosyvoice-v2-copy-")
    assert [item["voice_id"] for item in audio.voices.list(prefix="copy").voices] == [made.voice_id]
    assert audio.voices.list(prefix="other").voices == []
    found = audio.voices.get(made.voice_id)
    assert (found.status, found.resource_link) == ("OK", CLONE_URL)
    audio.voices.update(made.voice_id, url=CLONE_URL + "?again")
    assert audio.voices.get(made.voice_id).resource_link == CLONE_URL + "?again"
    audio.voices.delete(made.voice_id)
    assert sandbox.voices() == ()


def test_cosyvoice_design_through_extra_input(sandbox: Sandbox, audio: Any) -> None:
    made = audio.voices.create(
        target_model="cosyvoice-v3.5-plus",
        prefix="narrator",
        url="",
        extra_input={"voice_prompt": "A calm old narrator.", "preview_text": "Good evening."},
        language_hints=["en"],
    )

    assert made.voice_id.startswith("cosyvoice-v3.5-plus-vd-narrator-")
    assert base64.b64decode(made.preview_audio["data"]).startswith(b"RIFF")
    (voice,) = sandbox.voices("cosyvoice")
    assert (voice.origin, voice.prompt, voice.language) == (
        "designed",
        "A calm old narrator.",
        "en",
    )
    found = audio.voices.get(made.voice_id)
    assert found.voice_prompt == "A calm old narrator."
    assert found.target_model == "cosyvoice-v3.5-plus"


def test_one_point_x_service(sandbox: Sandbox, service: VoiceEnrollmentService) -> None:
    voice_id = service.create_voice("cosyvoice-v2", "copy", CLONE_URL)

    assert service.get_last_request_id()
    assert [item["voice_id"] for item in service.list_voices(prefix="copy")] == [voice_id]
    assert service.query_voice(voice_id)["status"] == "OK"
    service.update_voice(voice_id, CLONE_URL + "?again")
    assert sandbox.voices()[0].resource_link == CLONE_URL + "?again"
    service.delete_voice(voice_id)
    assert service.list_voices() == []
    with pytest.raises(VoiceEnrollmentException, match=r"BadRequest\.ResourceNotExist"):
        service.query_voice(voice_id)


def test_one_point_x_service_designs(service: VoiceEnrollmentService) -> None:
    voice_id = service.create_voice(
        "cosyvoice-v3-flash", "n1", "", voice_prompt="A calm voice.", preview_text="Hello."
    )

    assert voice_id.startswith("cosyvoice-v3-flash-vd-n1-")


def test_wrong_key(sandbox: Sandbox) -> None:
    with (
        _audio(sandbox, "another-key") as audio,
        pytest.raises(errors.AuthenticationError) as caught,
    ):
        audio.voices.list()

    assert (caught.value.status_code, caught.value.code) == (401, "InvalidApiKey")
    assert caught.value.request_id


def test_full_quota(sandbox: Sandbox, audio: Any) -> None:
    sandbox.set_limit("qwen-tts", 1)
    _design(audio, "one")

    with pytest.raises(errors.DashScopeError) as caught:
        _design(audio, "two")

    assert (caught.value.status_code, caught.value.code) == (400, "Throttling.AllocationQuota")
    assert [voice.name for voice in sandbox.voices()] == ["one"]


def test_voice_that_is_gone(audio: Any) -> None:
    calls: list[tuple[Callable[[str], Any], str]] = [
        (audio.voice_design.get, "VoiceNotFound"),
        (audio.voice_design.delete, "BadRequest.VoiceNotFound"),
        (audio.voices.get, "BadRequest.ResourceNotExist"),
        (audio.voices.delete, "BadRequest.ResourceNotExist"),
    ]
    for call, code in calls:
        with pytest.raises(errors.BadRequestError) as caught:
            call("cosyvoice-v2-gone")
        assert (caught.value.status_code, caught.value.code) == (400, code)
