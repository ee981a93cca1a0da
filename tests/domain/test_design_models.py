"""Which models can be designed for, and how a model or a word tells the family."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import Family, InvalidInput
from voicereg.domain.families import parse_family
from voicereg.domain.rules import family_of_model

from .asking import COSY, QWEN, ask, refusal

COSY_MODELS = [
    "cosyvoice-v3.5-plus",
    "cosyvoice-v3.5-flash",
    "cosyvoice-v3-plus",
    "cosyvoice-v3-flash",
    "qwen-audio-3.0-tts-plus",
    "qwen-audio-3.0-tts-flash",
    "qwen-audio-3.1-tts-flash",
]
QWEN_MODELS = [
    "qwen3-tts-vd-2026-01-26",
    "qwen3-tts-vd-realtime-2026-01-15",
    "qwen3-tts-vd-realtime-2025-12-16",
]
NEW_MODELS = [
    ("cosyvoice-v4-plus", Family.COSYVOICE),
    ("cosyvoice-v10", Family.COSYVOICE),
    ("cosyvoice-v20-flash", Family.COSYVOICE),
    ("qwen-audio-4.0-tts-plus", Family.COSYVOICE),
    ("qwen3-tts-vd-2027-05-01", Family.QWEN_TTS),
    ("qwen4-tts-vd-2028-01-01", Family.QWEN_TTS),
    ("qwen3.5-tts-vd-2027-01-01", Family.QWEN_TTS),
]
CLONE_ONLY = [
    "cosyvoice-v1",
    "cosyvoice-v2",
    "cosyvoice-v2-0620",
    "qwen-audio-3.0-realtime-plus",
    "qwen-audio-turbo-realtime-latest",
    "qwen3-tts-vc-2026-01-22",
    "qwen3-tts-vc-realtime-2026-01-15",
    "qwen3-tts-vc-realtime-2025-11-27",
]
STRANGERS = ["", "sambert-v1", "COSYVOICE-v3", "my-cosyvoice-v3", "qwen-max", "qwen3-asr", "\n"]


@pytest.mark.parametrize(
    ("model", "family"),
    [(model, Family.COSYVOICE) for model in COSY_MODELS]
    + [(model, Family.QWEN_TTS) for model in QWEN_MODELS]
    + NEW_MODELS,
)
def test_a_documented_or_a_new_model_tells_its_family(model: str, family: Family) -> None:
    request = ask(model)
    assert request.family is family
    assert request.target_model == model


@pytest.mark.parametrize("model", CLONE_ONLY)
def test_a_model_for_clones_only_is_refused(model: str) -> None:
    problem = refusal(model)
    assert (problem.where, problem.value) == ("model", model)
    assert "cloned voices only" in problem.rule
    assert family_of_model(model) is not None


@pytest.mark.parametrize(("model", "instead"), [("cosyvoice-v2", COSY), (CLONE_ONLY[-1], QWEN)])
def test_the_refusal_names_models_that_would_do(model: str, instead: str) -> None:
    assert instead in refusal(model).rule


@pytest.mark.parametrize("unchecked", [False, True])
@pytest.mark.parametrize("model", STRANGERS)
def test_an_unknown_model_asks_for_the_family(model: str, unchecked: bool) -> None:
    problem = refusal(model, unchecked=unchecked)
    assert (problem.where, problem.value) == ("model", model)
    assert "--family" in problem.rule


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts", Family.COSYVOICE, Family.QWEN_TTS])
def test_a_stated_family_is_enough_for_an_unknown_model(family: Family | str) -> None:
    assert ask("voices-of-tomorrow", family=family).family is Family(family)


@pytest.mark.parametrize(
    ("family", "longest"), [("cosyvoice", 500), ("qwen-tts", 2048)], ids=["cosyvoice", "qwen-tts"]
)
def test_a_stated_family_brings_its_rules(family: str, longest: int) -> None:
    assert ask("voices-of-tomorrow", family=family, prompt="p" * longest)
    problem = refusal("voices-of-tomorrow", family=family, prompt="p" * (longest + 1))
    assert problem.where == "prompt"


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts"])
@pytest.mark.parametrize("unchecked", [False, True])
def test_a_family_that_is_stated_needs_a_model_all_the_same(family: str, unchecked: bool) -> None:
    problem = refusal("", family=family, unchecked=unchecked)
    assert (problem.where, problem.rule) == ("model", "it is empty")


@pytest.mark.parametrize(
    ("model", "family"), [(COSY, "cosyvoice"), (QWEN, Family.QWEN_TTS), (COSY, Family.COSYVOICE)]
)
def test_the_family_may_be_stated_where_the_model_tells_it(
    model: str, family: Family | str
) -> None:
    assert ask(model, family=family) == ask(model)


@pytest.mark.parametrize(
    ("model", "stated", "known"), [(COSY, "qwen-tts", "cosyvoice"), (QWEN, "cosyvoice", "qwen-tts")]
)
def test_a_family_that_the_model_contradicts_is_refused(
    model: str, stated: str, known: str
) -> None:
    problem = refusal(model, family=stated)
    assert (problem.where, problem.value) == ("family", stated)
    assert model in problem.rule
    assert known in problem.rule


def test_unchecked_believes_the_user_about_the_family() -> None:
    assert ask(COSY, family="qwen-tts", unchecked=True).family is Family.QWEN_TTS


@pytest.mark.parametrize("unchecked", [False, True])
@pytest.mark.parametrize("family", ["", "qwen", "CosyVoice", "cosyvoice "])
def test_an_unknown_family_is_refused(family: str, unchecked: bool) -> None:
    problem = refusal(COSY, family=family, unchecked=unchecked)
    assert (problem.where, problem.value) == ("family", family)
    assert "cosyvoice, qwen-tts" in problem.rule


@pytest.mark.parametrize("family", list(Family))
def test_a_family_is_read_from_its_name_or_itself(family: Family) -> None:
    assert parse_family(family) is family
    assert parse_family(family.value) is family


@settings(deadline=None)
@given(st.text())
def test_any_word_is_a_family_or_refused(word: str) -> None:
    if word in list(Family):
        assert parse_family(word).value == word
    else:
        with pytest.raises(InvalidInput, match="family: it must be one of"):
            parse_family(word)


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_asked_for_its_family(model: str) -> None:
    family = family_of_model(model)
    if family is Family.COSYVOICE:
        assert model.startswith(("cosyvoice-", "qwen-audio-"))
    elif family is Family.QWEN_TTS:
        assert model.startswith("qwen")
        assert "-tts-" in model


@settings(deadline=None)
@given(
    st.sampled_from(
        [("cosyvoice-", Family.COSYVOICE), ("qwen-audio-", Family.COSYVOICE)]
        + [(f"qwen{n}-tts-", Family.QWEN_TTS) for n in ("", "3", "4", "12", "3.5")]
    ),
    st.text(),
)
def test_only_the_beginning_of_a_name_tells(beginning: tuple[str, Family], rest: str) -> None:
    prefix, family = beginning
    assert family_of_model(prefix + rest) is family


@pytest.mark.parametrize("model", STRANGERS)
def test_other_names_tell_no_family(model: str) -> None:
    assert family_of_model(model) is None
