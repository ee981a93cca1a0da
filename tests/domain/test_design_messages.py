"""What a refused design says: everything at once, with its place, and not too much of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import InvalidInput
from voicereg.domain.errors import Problem

from .asking import COSY, QWEN, ask, refusal, refusals

HUGE = "x" * 100_000


@pytest.mark.parametrize(
    ("model", "region"), [("cosyvoice-v2", "ap-southeast-1"), ("qwen3-tts-vc-1", "eu-1")]
)
def test_every_broken_rule_is_named_at_once(model: str, region: str) -> None:
    problems = refusals(
        model,
        region=region,
        prompt="",
        preview_text="п" * 1025 + "ש",
        name="not a name",
        language="xx",
        sample_rate=1,
        response_format="flac",
    )
    named = {problem.where for problem in problems}
    assert named == {
        "model",
        "region",
        "prompt",
        "preview-text",
        "name",
        "language",
        "sample-rate",
        "response-format",
    }


def test_a_text_can_break_two_rules_at_once() -> None:
    problems = refusals(prompt="п" * 501)
    assert [problem.where for problem in problems] == ["prompt", "prompt"]
    assert "at most 500" in problems[0].rule
    assert "character 1 " in problems[1].rule


def test_the_message_holds_each_problem() -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(prompt="", name="a b")
    assert str(caught.value) == "; ".join(str(problem) for problem in caught.value.problems)
    assert "prompt: it is empty" in str(caught.value)
    assert "(given: a b)" in str(caught.value)


@pytest.mark.parametrize("unchecked", [False, True])
@pytest.mark.parametrize("model", [COSY, QWEN])
@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": HUGE},
        {"preview_text": HUGE},
        {"name": HUGE},
        {"language": HUGE},
        {"response_format": HUGE},
        {"target_model": "cosyvoice-" + HUGE},
        {"target_model": "cosyvoice-v2-" + HUGE},
        {"target_model": "qwen3-tts-vc-" + HUGE},
        {"target_model": HUGE},
        {"target_model": HUGE, "family": "cosyvoice"},
        {"family": HUGE},
        {"sample_rate": 10**4000},
    ],
    ids=lambda changes: "-".join(f"{k}-{str(v)[:8]}" for k, v in changes.items()),
)
def test_a_huge_value_makes_no_huge_message(
    model: str, changes: dict[str, Any], unchecked: bool
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(model, unchecked=unchecked, **changes)
    assert 0 < len(str(caught.value)) <= 400


@pytest.mark.parametrize("region", [HUGE, "r" * 61])
def test_a_huge_region_makes_no_huge_message(region: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(region=region)
    assert 0 < len(str(caught.value)) <= 400


@pytest.mark.parametrize("model", ["cosyvoice-" + HUGE, "qwen3-tts-" + HUGE])
def test_a_huge_model_of_another_family_makes_no_huge_message(model: str) -> None:
    stated = "qwen-tts" if model.startswith("cosyvoice") else "cosyvoice"
    with pytest.raises(InvalidInput) as caught:
        ask(model, family=stated)
    assert caught.value.problems[0].where == "family"
    assert len(str(caught.value)) <= 400


UNTRUE_NOW = [
    {"prompt": "п" * 3000},
    {"prompt": ""},
    {"prompt": "bell\x07"},
    {"preview_text": "ש" * 10_000},
    {"name": "a name with spaces"},
    {"language": "nl"},
    {"sample_rate": 44100},
    {"response_format": "flac"},
    {"region": "eu-central-1"},
]


@pytest.mark.parametrize("model", [COSY, QWEN, "cosyvoice-v2", "qwen3-tts-vc-2026-01-22"])
@pytest.mark.parametrize("changes", UNTRUE_NOW, ids=lambda changes: next(iter(changes)))
def test_unchecked_leaves_the_rules_to_the_provider(model: str, changes: dict[str, Any]) -> None:
    assert refusals(model, **changes)
    request = ask(model, unchecked=True, **changes)
    assert request.target_model == model
    for field, value in changes.items():
        if field != "region":
            assert getattr(request, field) == value


STORED = {
    "target_model": "model",
    "prompt": "prompt",
    "preview_text": "preview-text",
    "name": "name",
    "language": "language",
    "response_format": "response-format",
}


@pytest.mark.parametrize("unchecked", [False, True])
@pytest.mark.parametrize(
    ("bad", "said"), [("\x00", "NUL"), ("\ud800", "surrogate"), (chr(0xDFFF), "surrogate")]
)
@pytest.mark.parametrize(("field", "option"), STORED.items())
def test_what_no_database_keeps_is_refused_even_unchecked(
    field: str, option: str, bad: str, said: str, unchecked: bool
) -> None:
    changes: dict[str, Any] = {field: f"cosyvoice-{bad}", "unchecked": unchecked}
    problem = refusal(**changes)
    assert problem.where == option
    assert said in problem.rule
    assert bad not in problem.rule


@pytest.mark.parametrize(("field", "option"), STORED.items())
def test_ten_thousand_characters_are_kept_and_not_one_more(field: str, option: str) -> None:
    longest = "cosyvoice-".ljust(10_000, "x")
    taken: dict[str, Any] = {field: longest}
    passed: dict[str, Any] = {field: longest + "x"}
    assert getattr(ask(unchecked=True, **taken), field) == longest
    problem = refusal(unchecked=True, **passed)
    assert problem.where == option
    assert "10001 characters" in problem.rule


@pytest.mark.parametrize("rate", [1, 44100, 2**31 - 1])
def test_unchecked_takes_a_sample_rate_that_can_be_kept(rate: int) -> None:
    assert ask(sample_rate=rate, unchecked=True).sample_rate == rate


@pytest.mark.parametrize("rate", [-1, 0, 2**31, 2**63])
@pytest.mark.parametrize("unchecked", [False, True])
def test_a_sample_rate_that_no_database_keeps_is_refused(rate: int, unchecked: bool) -> None:
    assert refusal(sample_rate=rate, unchecked=unchecked).where == "sample-rate"


@settings(deadline=None)
@given(prompt=st.text(), preview=st.text(), name=st.text(), model=st.sampled_from([COSY, QWEN]))
def test_any_texts_are_taken_as_they_are_or_refused_by_name(
    prompt: str, preview: str, name: str, model: str
) -> None:
    given_texts = {"prompt": prompt, "preview-text": preview, "name": name}
    problems: tuple[Problem, ...] = ()
    try:
        request = ask(model, prompt=prompt, preview_text=preview, name=name)
    except InvalidInput as refused:
        problems = refused.problems
    else:
        assert (request.prompt, request.preview_text, request.name) == (prompt, preview, name)
    assert all(given_texts[problem.where] == problem.value for problem in problems)


@settings(deadline=None)
@given(st.text())
def test_a_design_that_is_taken_can_be_written_as_utf8(text: str) -> None:
    for unchecked in (False, True):
        try:
            kept = ask(QWEN, prompt=text, preview_text=text, unchecked=unchecked).prompt
        except InvalidInput:
            continue
        assert kept.encode().decode() == text
        assert "\x00" not in kept
