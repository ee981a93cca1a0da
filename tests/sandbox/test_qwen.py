"""What the management models of Qwen-TTS answer."""

from __future__ import annotations

import re

import pytest

from voicereg.sandbox import Sandbox

from .wire import CLONE, DESIGN, QWEN_CLONE, QWEN_DESIGN, Caller


def test_design_answers_as_documented(sandbox: Sandbox, caller: Caller) -> None:
    answer = caller.call(DESIGN, "create", QWEN_DESIGN)

    assert answer.body["usage"] == {"count": 1}
    assert set(answer.output) == {"voice", "target_model", "preview_audio"}
    # The stamp is the provider's wall clock, eight hours ahead of the sandbox's.
    assert re.fullmatch(
        r"qwen-tts-vd-narrator_1-voice-20261124043015-[0-9a-f]{4}", answer.output["voice"]
    )
    assert answer.output["preview_audio"]["sample_rate"] == 24000
    (voice,) = sandbox.voices("qwen-tts")
    assert (voice.origin, voice.status, voice.language) == ("designed", "OK", "zh")
    assert voice.voice_id == answer.output["voice"]


def test_clone_answers_its_id_and_model(sandbox: Sandbox, caller: Caller) -> None:
    output = caller.call(CLONE, "create", QWEN_CLONE, text="Hello", language="th").output

    assert set(output) == {"voice", "target_model"}
    assert output["voice"].startswith("qwen-tts-vc-copy_1-voice-20261124043015-")
    (voice,) = sandbox.voices("qwen-tts")
    assert (voice.origin, voice.prompt, voice.language) == ("cloned", None, "th")


def test_designs_are_listed_with_a_total(caller: Caller) -> None:
    caller.call(CLONE, "create", QWEN_CLONE)
    voice = caller.call(DESIGN, "create", QWEN_DESIGN, language="ja").output["voice"]

    assert caller.call(DESIGN, "list").output == {
        "page_index": 0,
        "page_size": 10,
        "total_count": 1,
        "voice_list": [
            {
                "voice": voice,
                "target_model": "qwen3-tts-vd-2026-01-26",
                "gmt_create": "2026-11-24 04:30:15",
                "gmt_modified": "2026-11-24 04:30:15",
                "language": "ja",
                "voice_prompt": QWEN_DESIGN["voice_prompt"],
                "preview_text": QWEN_DESIGN["preview_text"],
            }
        ],
    }


def test_clones_are_listed_without_a_total(caller: Caller) -> None:
    caller.call(DESIGN, "create", QWEN_DESIGN)
    voice = caller.call(CLONE, "create", QWEN_CLONE).output["voice"]

    assert caller.call(CLONE, "list").output == {
        "page_index": 0,
        "page_size": 10,
        "voice_list": [
            {
                "voice": voice,
                "target_model": "qwen3-tts-vc-2026-01-22",
                "gmt_create": "2026-11-24 04:30:15",
                "gmt_modified": "2026-11-24 04:30:15",
            }
        ],
    }


@pytest.mark.parametrize(("model", "origin"), [(DESIGN, "designed"), (CLONE, "cloned")])
def test_pages_end_with_an_empty_one(
    sandbox: Sandbox, caller: Caller, model: str, origin: str
) -> None:
    sandbox.fill("qwen-tts", 14)
    sandbox.fill("cosyvoice", 3)

    pages = [caller.call(model, "list", page_index=index, page_size=3).output for index in range(4)]

    assert [len(page["voice_list"]) for page in pages] == [3, 3, 1, 0]
    assert [page["page_index"] for page in pages] == [0, 1, 2, 3]
    assert {page.get("total_count") for page in pages} == {7 if model == DESIGN else None}
    assert [item["voice"] for page in pages for item in page["voice_list"]] == [
        voice.voice_id for voice in reversed(sandbox.voices("qwen-tts")) if voice.origin == origin
    ]


def test_query_of_a_design_equals_its_item(caller: Caller) -> None:
    voice = caller.call(DESIGN, "create", QWEN_DESIGN).output["voice"]

    (item,) = caller.call(DESIGN, "list").output["voice_list"]
    assert caller.call(DESIGN, "query", voice=voice).output == item


@pytest.mark.parametrize(("model", "create"), [(DESIGN, QWEN_DESIGN), (CLONE, QWEN_CLONE)])
def test_delete_answers_the_id(
    sandbox: Sandbox, caller: Caller, model: str, create: dict[str, object]
) -> None:
    voice = caller.call(model, "create", create).output["voice"]

    assert caller.call(model, "delete", voice=voice).output == {"voice": voice}

    assert sandbox.voices() == ()


def test_unknown_voice_has_another_code_for_each_action(caller: Caller) -> None:
    gone = "qwen-tts-vd-gone"
    assert caller.call(DESIGN, "query", voice=gone).refusal == (400, "VoiceNotFound")
    assert caller.call(DESIGN, "delete", voice=gone).refusal == (400, "BadRequest.VoiceNotFound")
    assert caller.call(CLONE, "delete", voice=gone).refusal == (400, "BadRequest.VoiceNotFound")


def test_each_model_knows_only_its_own_kind(sandbox: Sandbox, caller: Caller) -> None:
    design = caller.call(DESIGN, "create", QWEN_DESIGN).output["voice"]
    clone = caller.call(CLONE, "create", QWEN_CLONE).output["voice"]

    assert caller.call(DESIGN, "query", voice=clone).refusal == (400, "VoiceNotFound")
    assert caller.call(DESIGN, "delete", voice=clone).refusal == (400, "BadRequest.VoiceNotFound")
    assert caller.call(CLONE, "delete", voice=design).refusal == (400, "BadRequest.VoiceNotFound")
    assert len(sandbox.voices()) == 2


def test_clones_have_no_query(caller: Caller) -> None:
    clone = caller.call(CLONE, "create", QWEN_CLONE).output["voice"]

    assert caller.call(CLONE, "query", voice=clone).refusal == (400, "InvalidParameter")
