"""What the management model ``voice-enrollment`` answers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from voicereg.sandbox import Sandbox

from .wire import COSY, COSY_CLONE, COSY_DESIGN, Caller, FakeClock


def test_design_answers_as_documented(sandbox: Sandbox, caller: Caller, clock: FakeClock) -> None:
    answer = caller.call(COSY, "create_voice", COSY_DESIGN)

    assert set(answer.body) == {"output", "usage", "request_id"}
    assert answer.body["usage"] == {"count": 1}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.body["request_id"])
    assert set(answer.output) == {"voice_id", "target_model", "preview_audio"}
    assert re.fullmatch(r"cosyvoice-v3\.5-plus-vd-narrator-[0-9a-f]{32}", answer.output["voice_id"])
    assert answer.output["target_model"] == "cosyvoice-v3.5-plus"
    assert answer.output["preview_audio"]["sample_rate"] == 24000
    assert answer.output["preview_audio"]["response_format"] == "wav"
    (voice,) = sandbox.voices()
    assert voice.voice_id == answer.output["voice_id"]
    assert (voice.family, voice.origin, voice.status) == ("cosyvoice", "designed", "OK")
    assert (voice.name, voice.language) == ("narrator", "zh")
    assert voice.prompt == COSY_DESIGN["voice_prompt"]
    assert voice.preview_text == COSY_DESIGN["preview_text"]
    assert voice.created_at == clock.now


def test_clone_answers_only_its_id(sandbox: Sandbox, caller: Caller) -> None:
    output = caller.call(COSY, "create_voice", COSY_CLONE).output

    assert set(output) == {"voice_id"}
    assert re.fullmatch(r"cosyvoice-v2-copy1-[0-9a-f]{32}", output["voice_id"])
    assert sandbox.voices()[0].origin == "cloned"


def test_voices_for_qwen_audio_are_of_this_family(sandbox: Sandbox, caller: Caller) -> None:
    caller.call(COSY, "create_voice", COSY_DESIGN, target_model="qwen-audio-3.0-tts-plus")
    caller.call(COSY, "create_voice", COSY_CLONE, target_model="qwen-audio-3.0-realtime-plus")

    assert [voice.family for voice in sandbox.voices()] == ["cosyvoice", "cosyvoice"]


def test_listing_shows_designs_and_clones_without_model_or_total(caller: Caller) -> None:
    clone = caller.call(COSY, "create_voice", COSY_CLONE).output["voice_id"]
    design = caller.call(COSY, "create_voice", COSY_DESIGN).output["voice_id"]

    output = caller.call(COSY, "list_voice").output

    assert output == {
        "voice_list": [
            {
                "voice_id": design,
                "gmt_create": "2026-11-24 04:30:15",
                "gmt_modified": "2026-11-24 04:30:15",
                "status": "OK",
                "voice_prompt": COSY_DESIGN["voice_prompt"],
                "preview_text": COSY_DESIGN["preview_text"],
            },
            {
                "voice_id": clone,
                "gmt_create": "2026-11-24 04:30:15",
                "gmt_modified": "2026-11-24 04:30:15",
                "status": "OK",
            },
        ]
    }


def test_listing_by_prefix(caller: Caller) -> None:
    for prefix in ("alto", "alto2", "bass"):
        caller.call(COSY, "create_voice", COSY_DESIGN, prefix=prefix)

    def ids(prefix: str | None) -> list[str]:
        voices = caller.call(COSY, "list_voice", prefix=prefix).output["voice_list"]
        return [voice["voice_id"].split("-")[-2] for voice in voices]

    assert ids("alto") == ["alto2", "alto"]
    assert ids("bass") == ["bass"]
    assert ids("tenor") == []
    assert ids("") == ids(None) == ["bass", "alto2", "alto"]


def test_pages_end_with_an_empty_one(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.fill("cosyvoice", 23)
    sandbox.fill("qwen-tts", 5)

    pages = [
        [
            voice["voice_id"]
            for voice in caller.call(COSY, "list_voice", page_index=index).output["voice_list"]
        ]
        for index in range(4)
    ]

    assert [len(page) for page in pages] == [10, 10, 3, 0]
    newest_first = [voice.voice_id for voice in reversed(sandbox.voices("cosyvoice"))]
    assert [voice_id for page in pages for voice_id in page] == newest_first
    assert caller.call(COSY, "list_voice", page_index=10**30).output == {"voice_list": []}


def test_listing_is_by_age_not_by_arrival(
    sandbox: Sandbox, caller: Caller, clock: FakeClock
) -> None:
    caller.call(COSY, "create_voice", COSY_DESIGN)
    old = sandbox.add_voice(
        family="cosyvoice",
        origin="designed",
        target_model="cosyvoice-v3-plus",
        name="old",
        created_at=clock.now - timedelta(days=300),
    )

    voices = caller.call(COSY, "list_voice").output["voice_list"]

    assert voices[-1] == {
        "voice_id": old.voice_id,
        "gmt_create": "2026-01-28 04:30:15",
        "gmt_modified": "2026-01-28 04:30:15",
        "status": "OK",
    }


def test_query_of_a_design(caller: Caller) -> None:
    voice_id = caller.call(COSY, "create_voice", COSY_DESIGN).output["voice_id"]

    assert caller.call(COSY, "query_voice", voice_id=voice_id).output == {
        "voice_id": voice_id,
        "target_model": "cosyvoice-v3.5-plus",
        "status": "OK",
        "gmt_create": "2026-11-24 04:30:15",
        "gmt_modified": "2026-11-24 04:30:15",
        "voice_prompt": COSY_DESIGN["voice_prompt"],
        "preview_text": COSY_DESIGN["preview_text"],
    }


def test_update_changes_a_clone_and_when_it_was_modified(caller: Caller, clock: FakeClock) -> None:
    voice_id = caller.call(COSY, "create_voice", COSY_CLONE).output["voice_id"]
    clock.advance(timedelta(minutes=1))
    url = "https://recordings.example/two.wav"

    assert caller.call(COSY, "update_voice", voice_id=voice_id, url=url).output == {}

    assert caller.call(COSY, "query_voice", voice_id=voice_id).output == {
        "voice_id": voice_id,
        "target_model": "cosyvoice-v2",
        "status": "OK",
        "gmt_create": "2026-11-24 04:30:15",
        "gmt_modified": "2026-11-24 04:31:15",
        "resource_link": url,
    }


def test_update_of_a_design_or_without_url_is_refused(caller: Caller) -> None:
    design = caller.call(COSY, "create_voice", COSY_DESIGN).output["voice_id"]
    clone = caller.call(COSY, "create_voice", COSY_CLONE).output["voice_id"]

    for voice_id, url in ((design, "https://recordings.example/two.wav"), (clone, "")):
        answer = caller.call(COSY, "update_voice", voice_id=voice_id, url=url)
        assert answer.refusal == (400, "InvalidParameter")


def test_delete_takes_the_voice_away(sandbox: Sandbox, caller: Caller) -> None:
    voice_id = caller.call(COSY, "create_voice", COSY_DESIGN).output["voice_id"]

    assert caller.call(COSY, "delete_voice", voice_id=voice_id).output == {}

    assert sandbox.voices() == ()
    assert caller.call(COSY, "list_voice").output == {"voice_list": []}


@pytest.mark.parametrize("action", ["query_voice", "update_voice", "delete_voice"])
def test_unknown_voice(sandbox: Sandbox, caller: Caller, action: str) -> None:
    other_family = sandbox.add_voice(
        family="qwen-tts", origin="cloned", target_model="qwen3-tts-vc-2026-01-22", name="a"
    )

    for voice_id in ("cosyvoice-v2-gone", other_family.voice_id):
        answer = caller.call(COSY, action, voice_id=voice_id, url="https://recordings.example/a")
        assert answer.refusal == (400, "BadRequest.ResourceNotExist")
    assert len(sandbox.voices()) == 1


def test_prompt_and_url_together_are_refused(sandbox: Sandbox, caller: Caller) -> None:
    answer = caller.call(COSY, "create_voice", COSY_DESIGN, url=COSY_CLONE["url"])

    assert answer.refusal == (400, "InvalidParameter")
    assert sandbox.voices() == ()
