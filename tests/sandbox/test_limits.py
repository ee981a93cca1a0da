"""Each documented limit: met exactly, and passed by one."""

from __future__ import annotations

from typing import Any

import pytest

from voicereg.sandbox import Sandbox, TargetModel

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
)

REFUSED = (400, "InvalidParameter")

COSY_ALLOWED = [
    {"voice_prompt": "p"},
    {"voice_prompt": "p" * 500},
    {"voice_prompt": "声" * 500},
    {"preview_text": "t"},
    {"preview_text": "文" * 200},
    {"preview_text": "12:30 — 😀"},
    {"voice_prompt": "An α of a voice"},
    {"prefix": "a"},
    {"prefix": "aB3456789Z"},
    {"language_hints": ["en"]},
    {"language_hints": ["en", "xx"]},
    {"language_hints": []},
    {"language_hints": None},
]
COSY_REFUSED = [
    {"voice_prompt": None},
    {"voice_prompt": ""},
    {"voice_prompt": 5},
    {"voice_prompt": "p" * 501},
    {"voice_prompt": "Спокойный голос"},
    {"voice_prompt": "half a pair \ud83d"},
    {"preview_text": None},
    {"preview_text": ""},
    {"preview_text": "t" * 201},
    {"preview_text": "안녕하세요"},
    {"prefix": None},
    {"prefix": ""},
    {"prefix": "a" * 11},
    {"prefix": "a_b"},
    {"prefix": "a-b"},
    {"prefix": "声音"},
    {"prefix": "abc\n"},
    {"language_hints": ["fr"]},
    {"language_hints": "en"},
    {"language_hints": [7]},
    {"target_model": None},
    {"target_model": ["cosyvoice-v3.5-plus"]},
    {"target_model": "cosyvoice-v2"},
    {"target_model": "qwen-audio-3.0-realtime-plus"},
    {"target_model": "qwen3-tts-vd-2026-01-26"},
]
QWEN_ALLOWED: list[dict[str, Any]] = [
    {"voice_prompt": "p" * 2048},
    {"preview_text": "t" * 1024},
    {"preview_text": "Привет"},
    {"preview_text": "안녕하세요"},
    {"preview_text": "こんにちは"},
    {"preferred_name": "a"},
    {"preferred_name": "aB_456789012345Z"},
    *({"language": code} for code in ("zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru")),
    {"language": None},
]
QWEN_REFUSED = [
    {"voice_prompt": None},
    {"voice_prompt": ""},
    {"voice_prompt": "p" * 2049},
    {"voice_prompt": "Спокойный голос"},
    {"preview_text": ""},
    {"preview_text": "t" * 1025},
    {"preview_text": "مرحبا"},
    {"preferred_name": None},
    {"preferred_name": ""},
    {"preferred_name": "a" * 17},
    {"preferred_name": "a-b"},
    {"preferred_name": "é"},
    {"language": "th"},
    {"language": ["zh"]},
    {"target_model": "qwen3-tts-vc-2026-01-22"},
    {"target_model": "cosyvoice-v3.5-plus"},
]


@pytest.mark.parametrize("change", COSY_ALLOWED)
def test_cosyvoice_design_within_limits(caller: Caller, change: dict[str, Any]) -> None:
    assert caller.call(COSY, "create_voice", {**COSY_DESIGN, **change}).output["voice_id"]


@pytest.mark.parametrize("change", COSY_REFUSED)
def test_cosyvoice_design_beyond_limits(
    sandbox: Sandbox, caller: Caller, change: dict[str, Any]
) -> None:
    answer = caller.call(COSY, "create_voice", {**COSY_DESIGN, **change})

    assert answer.refusal == REFUSED
    assert set(answer.body) == {"code", "message", "request_id"}
    assert sandbox.voices() == ()


@pytest.mark.parametrize("change", QWEN_ALLOWED)
def test_qwen_design_within_limits(caller: Caller, change: dict[str, Any]) -> None:
    assert caller.call(DESIGN, "create", {**QWEN_DESIGN, **change}).output["voice"]


@pytest.mark.parametrize("change", QWEN_REFUSED)
def test_qwen_design_beyond_limits(
    sandbox: Sandbox, caller: Caller, change: dict[str, Any]
) -> None:
    assert caller.call(DESIGN, "create", {**QWEN_DESIGN, **change}).refusal == REFUSED
    assert sandbox.voices() == ()


@pytest.mark.parametrize(
    "change",
    [
        {"audio": None},
        {"audio": {}},
        {"audio": {"data": ""}},
        {"audio": {"data": 5}},
        {"audio": "https://recordings.example/one.wav"},
        {"preferred_name": "a" * 17},
        {"target_model": "qwen3-tts-vd-2026-01-26"},
    ],
)
def test_qwen_clone_beyond_limits(caller: Caller, change: dict[str, Any]) -> None:
    assert caller.call(CLONE, "create", {**QWEN_CLONE, **change}).refusal == REFUSED


@pytest.mark.parametrize("change", [{"prefix": "a" * 11}, {"url": 5}, {"language_hints": "th"}])
def test_cosyvoice_clone_beyond_limits(caller: Caller, change: dict[str, Any]) -> None:
    assert caller.call(COSY, "create_voice", {**COSY_CLONE, **change}).refusal == REFUSED


@pytest.mark.parametrize(
    ("kind", "rates", "formats"),
    [
        ("cosyvoice design", {16000, 24000, 48000}, {"pcm", "wav", "mp3"}),
        ("qwen design", {8000, 16000, 24000, 48000}, {"pcm", "wav", "mp3", "opus"}),
    ],
)
def test_sample_rates_and_formats(
    caller: Caller, kind: str, rates: set[int], formats: set[str]
) -> None:
    model, action, fields = CREATES[kind]

    def taken(**parameters: Any) -> bool:
        answer = caller.call(model, action, fields, parameters)
        assert answer.status == 200 or answer.refusal == REFUSED
        return answer.status == 200

    assert {
        rate for rate in (8000, 16000, 22050, 24000, 44100, 48000) if taken(sample_rate=rate)
    } == rates
    tried = ("pcm", "wav", "mp3", "opus", "flac", "WAV", "")
    assert {name for name in tried if taken(response_format=name)} == formats
    assert not taken(sample_rate="24000")
    assert not taken(sample_rate=24000.0)
    assert not taken(sample_rate=True)
    assert not taken(response_format=1)
    assert taken(sample_rate=None, response_format=None)


@pytest.mark.parametrize("kind", CREATES)
def test_unknown_target_model(caller: Caller, kind: str) -> None:
    model, action, fields = CREATES[kind]

    answer = caller.call(model, action, {**fields, "target_model": "cosyvoice-v9"})

    assert answer.refusal == (404, "Model.NotExist")


@pytest.mark.parametrize(
    ("region", "refused"),
    [
        ("cn-beijing", set()),
        ("ap-southeast-1", {"cosyvoice design"}),
        ("us-east-1", {"cosyvoice design", "qwen design"}),
    ],
)
def test_regions(region: str, refused: set[str]) -> None:
    with Sandbox.start(region=region) as sandbox:
        caller = Caller(sandbox)
        answers = {kind: caller.call(*create) for kind, create in CREATES.items()}
        caller.close()

    assert {kind for kind, answer in answers.items() if answer.status != 200} == refused
    assert all(answers[kind].refusal == REFUSED for kind in refused)


def test_model_that_is_new() -> None:
    new = TargetModel("cosyvoice-v9-plus", "cosyvoice", designs=True, clones=False)
    with Sandbox.start(extra_models=[new]) as sandbox:
        caller = Caller(sandbox)
        designed = caller.call(COSY, "create_voice", COSY_DESIGN, target_model=new.name)
        cloned = caller.call(COSY, "create_voice", COSY_CLONE, target_model=new.name)
        caller.close()

    assert designed.output["voice_id"].startswith("cosyvoice-v9-plus-vd-narrator-")
    assert cloned.refusal == REFUSED


@pytest.mark.parametrize(
    ("model", "action"), [(COSY, "list_voice"), (DESIGN, "list"), (CLONE, "list")]
)
@pytest.mark.parametrize(
    "paging",
    [
        {"page_index": -1},
        {"page_index": "0"},
        {"page_index": 0.0},
        {"page_index": True},
        {"page_size": 0},
        {"page_size": -1},
        {"page_size": "10"},
    ],
)
def test_bad_paging(caller: Caller, model: str, action: str, paging: dict[str, Any]) -> None:
    assert caller.call(model, action, paging).refusal == REFUSED


@pytest.mark.parametrize("model", [DESIGN, CLONE])
def test_last_page_of_qwen(caller: Caller, model: str) -> None:
    assert caller.call(model, "list", page_index=200).output["voice_list"] == []
    assert caller.call(model, "list", page_index=201).refusal == REFUSED


def test_prefix_of_a_listing_must_be_text(caller: Caller) -> None:
    assert caller.call(COSY, "list_voice", prefix=5).refusal == REFUSED


def test_page_cap_is_silent() -> None:
    with Sandbox.start(page_cap=4) as sandbox:
        sandbox.fill("cosyvoice", 6)
        sandbox.fill("qwen-tts", 12)
        caller = Caller(sandbox)
        cosy = [
            caller.call(COSY, "list_voice", page_size=100, page_index=index).output["voice_list"]
            for index in range(3)
        ]
        qwen = [
            caller.call(DESIGN, "list", page_size=100, page_index=index).output
            for index in range(3)
        ]
        small = caller.call(DESIGN, "list", page_size=3).output["voice_list"]
        caller.close()

    assert [len(page) for page in cosy] == [4, 2, 0]
    assert len({voice["voice_id"] for page in cosy for voice in page}) == 6
    assert [len(page["voice_list"]) for page in qwen] == [4, 2, 0]
    assert {(page["page_size"], page["total_count"]) for page in qwen} == {(100, 6)}
    assert len(small) == 3
