"""What is read from an item of a listing, and from the answer to a query."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from voicereg.domain.errors import InvalidInput
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import VoiceGone
from voicereg.domain.remote import RemoteVoice, ReviewStatus
from voicereg.domain.states import State
from voicereg.domain.voices import Origin

from .support import Script, client_of, ok, refusal

DESIGN = "cosyvoice-v3.5-plus-vd-announcer-0a1b2c"
QWEN_DESIGN = "qwen-tts-vd-narrator-voice-20251201102800-a1b2"


def as_json(output: object) -> httpx.Response:
    """Lone surrogates and all."""
    return httpx.Response(200, content=json.dumps({"output": output}).encode())


def cosyvoice_item(**fields: Any) -> RemoteVoice:
    script = Script(as_json({"voice_list": [fields]}), ok({"voice_list": []}))
    with client_of(script) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert listing.complete, listing.problem
    (voice,) = listing.voices
    return voice


def qwen_item(origin: Origin, **fields: Any) -> RemoteVoice:
    pages = [as_json({"voice_list": [fields]}), ok({"voice_list": []})]
    empty = [ok({"voice_list": []})]
    script = Script(*(pages + empty if origin is Origin.DESIGNED else empty + pages))
    with client_of(script) as client:
        listings = client.listings(Family.QWEN_TTS)
    assert all(listing.complete for listing in listings)
    (voice,) = [voice for listing in listings for voice in listing.voices]
    return voice


def test_a_cosyvoice_design() -> None:
    voice = cosyvoice_item(
        voice_id=DESIGN,
        gmt_create="2025-12-10 14:54:09",
        gmt_modified="2025-12-11 00:00:00",
        status="OK",
        voice_prompt="沉稳的男声",
        preview_text="大家好",
        brand_new_field=[1],
    )
    assert voice == RemoteVoice(
        voice_id=DESIGN,
        family=Family.COSYVOICE,
        origin=Origin.DESIGNED,
        target_model="cosyvoice-v3.5-plus",
        status=ReviewStatus.OK,
        prompt="沉稳的男声",
        preview_text="大家好",
        language=None,
        created_at=datetime(2025, 12, 10, 6, 54, 9, tzinfo=UTC),
        created_at_latest=datetime(2025, 12, 10, 14, 54, 9, tzinfo=UTC),
        name="announcer",
    )


def test_a_cosyvoice_clone_names_no_model() -> None:
    voice = cosyvoice_item(voice_id="cosyvoice-v2-anna-77", status="OK")
    assert voice.origin is Origin.CLONED
    assert voice.target_model is None
    assert voice.prompt is None


@pytest.mark.parametrize(
    ("voice_id", "model"),
    [
        ("qwen-audio-3.0-tts-plus-vd-a-1", "qwen-audio-3.0-tts-plus"),
        ("cosyvoice-v99-ultra-vd-a-1", "cosyvoice-v99-ultra"),
        ("cosyvoice-v3-flash-vd-a-vd-b", "cosyvoice-v3-flash"),
    ],
)
def test_the_model_is_the_beginning_of_a_designs_id(voice_id: str, model: str) -> None:
    voice = cosyvoice_item(voice_id=voice_id)
    assert voice.origin is Origin.DESIGNED
    assert voice.target_model == model


def test_a_prompt_makes_a_design_whatever_its_id() -> None:
    voice = cosyvoice_item(voice_id="renamed-1", voice_prompt="A calm voice.")
    assert voice.origin is Origin.DESIGNED
    assert voice.target_model is None


def test_an_items_own_model_outweighs_its_id() -> None:
    assert cosyvoice_item(voice_id=DESIGN, target_model="cosyvoice-v9").target_model == (
        "cosyvoice-v9"
    )


@pytest.mark.parametrize("origin", list(Origin))
def test_a_qwen_voice(origin: Origin) -> None:
    voice = qwen_item(
        origin,
        voice=QWEN_DESIGN,
        target_model="qwen3-tts-vd-2026-01-26",
        language="en",
        voice_prompt="A calm voice.",
        preview_text="Good evening.",
        gmt_create="2025-12-01 10:28:00",
        status="OK",
        brand_new_field={},
    )
    assert voice == RemoteVoice(
        voice_id=QWEN_DESIGN,
        family=Family.QWEN_TTS,
        origin=origin,
        target_model="qwen3-tts-vd-2026-01-26",
        status=None,
        prompt="A calm voice.",
        preview_text="Good evening.",
        language="en",
        created_at=datetime(2025, 12, 1, 2, 28, tzinfo=UTC),
        created_at_latest=datetime(2025, 12, 1, 10, 28, tzinfo=UTC),
        name="narrator" if origin is Origin.DESIGNED else None,  # the id's beginning is a design's
    )


@pytest.mark.parametrize("origin", list(Origin))
def test_a_qwen_voice_of_which_only_the_id_is_told(origin: Origin) -> None:
    voice = qwen_item(origin, voice="qwen-tts-vc-x-1")
    told = (voice.target_model, voice.prompt, voice.preview_text, voice.language, voice.created_at)
    assert told == (None,) * 5


@pytest.mark.parametrize(
    ("said", "status", "state"),
    [
        ("DEPLOYING", ReviewStatus.DEPLOYING, State.PENDING),
        ("OK", ReviewStatus.OK, State.ACTIVE),
        ("UNDEPLOYED", ReviewStatus.UNDEPLOYED, State.REJECTED),
    ],
)
def test_the_review(said: str, status: ReviewStatus, state: State) -> None:
    voice = cosyvoice_item(voice_id=DESIGN, status=said)
    assert voice.status is status
    assert voice.status is not None
    assert voice.status.state is state


@pytest.mark.parametrize("said", ["PAUSED", "ok", "", None, 1, True, [], ["OK"], {"is": "OK"}])
def test_a_status_that_is_not_documented(said: object) -> None:
    assert cosyvoice_item(voice_id=DESIGN, status=said).status is None


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "yesterday",
        "2025-13-40 99:99:99",
        "0001-01-01 00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-00-00 00:00:00",
        1765378449,
        1765378449000,
        ["2025-12-10 14:54:09"],
        {},
        "9" * 5000,
    ],
)
@pytest.mark.parametrize("family", list(Family))
def test_a_malformed_time_is_no_time(said: object, family: Family) -> None:
    voice = (
        cosyvoice_item(voice_id=DESIGN, gmt_create=said)
        if family is Family.COSYVOICE
        else qwen_item(Origin.DESIGNED, voice=QWEN_DESIGN, gmt_create=said)
    )
    assert voice.created_at is None
    assert voice.created_at_latest is None


@pytest.mark.parametrize("said", ["2025-12-10T14:54:09+08:00", "2025-12-10T06:54:09Z"])
def test_a_time_with_a_zone_has_one_reading(said: str) -> None:
    voice = cosyvoice_item(voice_id=DESIGN, gmt_create=said)
    assert (
        voice.created_at == voice.created_at_latest == datetime(2025, 12, 10, 6, 54, 9, tzinfo=UTC)
    )


@pytest.mark.parametrize("field", ["voice_prompt", "preview_text", "target_model"])
@pytest.mark.parametrize("wild", [5, [], {}, None, "", "nul \x00", "half \ud800 pair"])
def test_a_wild_text_can_be_stored(field: str, wild: object) -> None:
    voice = cosyvoice_item(voice_id=DESIGN, **{field: wild})
    for text in (voice.prompt, voice.preview_text, voice.target_model):
        assert text is None or (text and "\x00" not in text and text.encode())


def queried(family: Family, origin: Origin, output: object, voice_id: str) -> RemoteVoice:
    with client_of(Script(as_json(output))) as client:
        return client.query(family, voice_id, origin)


def test_a_query_of_a_cosyvoice_design() -> None:
    voice = queried(
        Family.COSYVOICE,
        Origin.DESIGNED,
        {
            "voice_id": DESIGN,
            "target_model": "cosyvoice-v3.5-plus",
            "status": "DEPLOYING",
            "gmt_create": "2025-12-10 14:54:09",
            "voice_prompt": "A calm voice.",
            "preview_text": "Good evening.",
        },
        DESIGN,
    )
    assert voice.voice_id == DESIGN
    assert voice.status is ReviewStatus.DEPLOYING
    assert voice.prompt == "A calm voice."
    assert voice.created_at == datetime(2025, 12, 10, 6, 54, 9, tzinfo=UTC)


def test_a_query_tells_the_model_of_a_cosyvoice_clone() -> None:
    voice = queried(
        Family.COSYVOICE,
        Origin.CLONED,
        {"target_model": "cosyvoice-v2", "status": "OK", "resource_link": "https://x.example/a"},
        "cosyvoice-v2-anna-77",
    )
    assert voice.origin is Origin.CLONED
    assert voice.target_model == "cosyvoice-v2"


def test_a_query_of_a_qwen_design_may_leave_out_the_prompt() -> None:
    voice = queried(
        Family.QWEN_TTS,
        Origin.DESIGNED,
        {"voice": QWEN_DESIGN, "target_model": "qwen3-tts-vd-2026-01-26", "language": "zh"},
        QWEN_DESIGN,
    )
    assert voice.voice_id == QWEN_DESIGN
    assert (voice.prompt, voice.preview_text, voice.language) == (None, None, "zh")


@pytest.mark.parametrize("said", [[], {"is": "OK"}])
def test_a_query_with_a_wild_status(said: object) -> None:
    voice = queried(Family.COSYVOICE, Origin.DESIGNED, {"status": said}, DESIGN)
    assert voice.status is None


@pytest.mark.parametrize(
    ("family", "status", "code"),
    [
        (Family.COSYVOICE, 400, "BadRequest.ResourceNotExist"),
        (Family.COSYVOICE, 416, "BadRequest.ResourceNotExist"),
        (Family.COSYVOICE, 400, "InvalidParameter.ResourceNotExist"),
        (Family.QWEN_TTS, 400, "VoiceNotFound"),
        (Family.QWEN_TTS, 404, "VoiceNotFound"),
        (Family.QWEN_TTS, 400, "BadRequest.VoiceNotFound"),
        (Family.QWEN_TTS, 200, "VoiceNotFound"),
    ],
)
def test_a_query_of_a_voice_that_is_gone(family: Family, status: int, code: str) -> None:
    script = Script(refusal(status, code))
    with client_of(script) as client, pytest.raises(VoiceGone) as caught:
        client.query(family, "v-1", Origin.DESIGNED)
    assert caught.value.code == code


def test_clones_of_qwen_cannot_be_queried() -> None:
    script = Script()
    with client_of(script) as client, pytest.raises(InvalidInput, match="no query"):
        client.query(Family.QWEN_TTS, "qwen-tts-vc-a-1", Origin.CLONED)
    assert script.requests == []
