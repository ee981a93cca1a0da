"""Each documented limit of a design: met exactly, and passed by one."""

from __future__ import annotations

import pytest

from voicereg import Family

from .asking import COSY, QWEN, ask, refusal

TEXT_LIMITS = [
    (COSY, "prompt", "prompt", 500),
    (COSY, "preview_text", "preview-text", 200),
    (QWEN, "prompt", "prompt", 2048),
    (QWEN, "preview_text", "preview-text", 1024),
]
CHARACTERS = ["p", "声", "é", "Ａ", "😀", "𠀀"]


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize(("model", "field", "option", "longest"), TEXT_LIMITS)
def test_a_text_may_be_as_long_as_the_limit(
    model: str, field: str, option: str, longest: int, character: str
) -> None:
    text = character * longest
    assert getattr(ask(model, **{field: text}), field) == text


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize(("model", "field", "option", "longest"), TEXT_LIMITS)
def test_a_text_one_character_longer_is_refused(
    model: str, field: str, option: str, longest: int, character: str
) -> None:
    problem = refusal(model, **{field: character * (longest + 1)})
    assert problem.where == option
    assert f"{longest + 1} characters" in problem.rule
    assert f"at most {longest} " in problem.rule


@pytest.mark.parametrize(("model", "field", "option", "longest"), TEXT_LIMITS)
def test_a_text_of_one_character_is_enough(
    model: str, field: str, option: str, longest: int
) -> None:
    assert getattr(ask(model, **{field: "p"}), field) == "p"


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000"])
@pytest.mark.parametrize(("model", "field", "option", "longest"), TEXT_LIMITS)
def test_a_text_without_a_word_is_refused(
    model: str, field: str, option: str, longest: int, text: str
) -> None:
    problem = refusal(model, **{field: text})
    assert (problem.where, problem.rule) == (option, "it is empty")


@pytest.mark.parametrize("field", ["prompt", "preview_text"])
def test_a_text_is_kept_as_it_was_given(field: str) -> None:
    text = " two lines\r\n\tand a space "
    assert getattr(ask(**{field: text}), field) == text


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (COSY, "a"),
        (COSY, "7"),
        (COSY, "aB3456789Z"),
        (QWEN, "a"),
        (QWEN, "_"),
        (QWEN, "aB3_567890abcdeZ"),
    ],
)
def test_a_name_within_the_limits_is_taken(model: str, name: str) -> None:
    assert ask(model, name=name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a-b", "é", "名", "Ａ", "１", "٣", "a\n", "😀", "a.b"])
@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (COSY, "1 to 10 letters and digits"),
        (QWEN, "1 to 16 letters, digits and underscores"),
    ],
)
def test_a_name_of_other_characters_is_refused(model: str, rule: str, name: str) -> None:
    problem = refusal(model, name=name)
    assert problem.where == "name"
    assert rule in problem.rule


@pytest.mark.parametrize(("model", "name"), [(COSY, "a" * 11), (QWEN, "a" * 17), (COSY, "a_b")])
def test_a_name_past_the_limit_of_its_family_is_refused(model: str, name: str) -> None:
    assert refusal(model, name=name).where == "name"


@pytest.mark.parametrize(
    ("model", "rate"),
    [(COSY, rate) for rate in (16000, 24000, 48000)]
    + [(QWEN, rate) for rate in (8000, 16000, 24000, 48000)],
)
def test_a_documented_sample_rate_is_taken(model: str, rate: int) -> None:
    assert ask(model, sample_rate=rate).sample_rate == rate


@pytest.mark.parametrize(
    ("model", "rate"),
    [(COSY, 8000), (COSY, 15999), (COSY, 24001), (COSY, 44100), (QWEN, 7999), (QWEN, 22050)],
)
def test_another_sample_rate_is_refused(model: str, rate: int) -> None:
    problem = refusal(model, sample_rate=rate)
    assert (problem.where, problem.value) == ("sample-rate", str(rate))
    assert "16000, 24000, 48000" in problem.rule


@pytest.mark.parametrize(
    ("model", "name"),
    [(COSY, name) for name in ("pcm", "wav", "mp3")]
    + [(QWEN, name) for name in ("pcm", "wav", "mp3", "opus")],
)
def test_a_documented_format_is_taken(model: str, name: str) -> None:
    assert ask(model, response_format=name).response_format == name


@pytest.mark.parametrize(
    ("model", "name"), [(COSY, "opus"), (COSY, "WAV"), (COSY, ""), (QWEN, "flac"), (QWEN, "ogg")]
)
def test_another_format_is_refused(model: str, name: str) -> None:
    problem = refusal(model, response_format=name)
    assert problem.where == "response-format"
    assert "mp3" in problem.rule


QWEN_LANGUAGES = ("zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru")


@pytest.mark.parametrize(
    ("model", "code"),
    [(COSY, "zh"), (COSY, "en")] + [(QWEN, code) for code in QWEN_LANGUAGES],
)
def test_a_documented_language_is_taken(model: str, code: str) -> None:
    assert ask(model, language=code).language == code


@pytest.mark.parametrize(
    ("model", "code"),
    [(COSY, code) for code in QWEN_LANGUAGES[2:]]
    + [(QWEN, "nl"), (QWEN, "EN"), (QWEN, "en-US"), (COSY, ""), (QWEN, "Chinese")],
)
def test_another_language_is_refused(model: str, code: str) -> None:
    problem = refusal(model, language=code)
    assert (problem.where, problem.value) == ("language", code)
    assert "en" in problem.rule
    assert "zh" in problem.rule


@pytest.mark.parametrize("model", [COSY, QWEN])
def test_what_is_not_said_is_the_documented_default(model: str) -> None:
    request = ask(model)
    assert request.language is None
    assert request.sample_rate == 24000
    assert request.response_format == "wav"


@pytest.mark.parametrize(
    ("model", "region"),
    [(COSY, "cn-beijing"), (QWEN, "cn-beijing"), (QWEN, "ap-southeast-1")],
)
def test_a_region_with_design_is_taken(model: str, region: str) -> None:
    assert ask(model, region=region).target_model == model


@pytest.mark.parametrize(
    ("model", "region", "family"),
    [
        (COSY, "ap-southeast-1", Family.COSYVOICE),
        ("qwen-audio-3.1-tts-flash", "ap-southeast-1", Family.COSYVOICE),
        (COSY, "eu-central-1", Family.COSYVOICE),
        (QWEN, "eu-central-1", Family.QWEN_TTS),
    ],
)
def test_a_region_without_design_is_refused(model: str, region: str, family: Family) -> None:
    problem = refusal(model, region=region)
    assert (problem.where, problem.value) == ("region", region)
    assert problem.rule.startswith(family.value)
    assert "cn-beijing" in problem.rule
