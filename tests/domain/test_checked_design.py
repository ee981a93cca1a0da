"""A design and its labels, checked together as a user asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from voicereg import InvalidInput
from voicereg.domain.designs import Labels, checked_design

from .asking import COSY, QWEN, ask

ASKED: dict[str, Any] = {
    "target_model": COSY,
    "prompt": "A calm voice",
    "preview_text": "Good evening",
    "name": "calm",
}


def test_a_bare_design_has_no_labels() -> None:
    request, labels = checked_design("cn-beijing", **ASKED)
    assert request == ask()
    assert labels == Labels()


@pytest.mark.parametrize("left", ["tags", "owner", "note", "language", "sample_rate", "family"])
def test_none_is_the_same_as_nothing_said(left: str) -> None:
    asked = ASKED | {left: None}
    assert checked_design("cn-beijing", **asked) == checked_design("cn-beijing", **ASKED)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("language", "ru"),
        ("sample_rate", 8000),
        ("response_format", "opus"),
        ("prompt", "p" * 2048),
        ("name", "a_name"),
    ],
)
def test_each_option_reaches_the_design(option: str, value: Any) -> None:
    asked = ASKED | {"target_model": QWEN, option: value}
    request, _ = checked_design("ap-southeast-1", **asked)
    assert getattr(request, option) == value


def test_the_labels_are_kept() -> None:
    asked = ASKED | {"tags": {"use": "news"}, "owner": "radio", "note": "n", "pin": True}
    _, labels = checked_design("cn-beijing", **asked)
    assert labels == Labels(tags={"use": "news"}, owner="radio", note="n", pinned=True)


def test_a_design_that_was_taken_does_not_change_with_the_callers_tags() -> None:
    tags = {"use": "news"}
    _, labels = checked_design("cn-beijing", **ASKED, tags=tags)
    tags["use"] = "changed"
    assert labels.tags == {"use": "news"}


@pytest.mark.parametrize(
    ("region", "changes", "where"),
    [
        ("ap-southeast-1", {}, "region"),
        ("cn-beijing", {"name": "a b"}, "name"),
        ("cn-beijing", {"family": "qwen-tts"}, "family"),
        ("cn-beijing", {"owner": "\x00"}, "owner"),
        ("cn-beijing", {"tags": {"": "v"}}, "tag"),
    ],
)
def test_a_broken_rule_of_either_kind_is_named(
    region: str, changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_design(region, **(ASKED | changes))
    assert [problem.where for problem in caught.value.problems] == [where]


@pytest.mark.parametrize("label", [{"tags": {"k": "\x00"}}, {"owner": "o" * 201}])
def test_unchecked_frees_the_design_and_not_the_labels(label: dict[str, Any]) -> None:
    asked = ASKED | {"name": "a b", "unchecked": True}
    assert checked_design("eu-central-1", **asked)[0].name == "a b"
    with pytest.raises(InvalidInput, match=next(iter(label)).removesuffix("s")):
        checked_design("eu-central-1", **(asked | label))


def test_broken_rules_of_both_kinds_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_design("cn-beijing", **(ASKED | {"name": "a b", "owner": "o" * 201}))
    assert {problem.where for problem in caught.value.problems} == {"name", "owner"}
