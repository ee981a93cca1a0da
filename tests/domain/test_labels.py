"""What the registry adds to a voice: tags, owner, note."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import InvalidInput
from voicereg.domain.designs import Labels, checked_labels, checked_text
from voicereg.domain.errors import Problem


def refused(labels: Labels) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        checked_labels(labels)
    return caught.value.problems


@pytest.mark.parametrize(
    "labels",
    [
        Labels(),
        Labels(tags={"a": ""}),
        Labels(tags={"k" * 100: "v" * 1000}),
        Labels(tags={"项目": "客服", "two words": "a = b", "😀": " spaces kept "}),
        Labels(owner="o" * 200),
        Labels(note="n" * 10_000),
        Labels(note="two\nlines", owner="团队", pinned=True),
    ],
)
def test_labels_within_the_limits_are_kept_as_given(labels: Labels) -> None:
    assert checked_labels(labels) == labels


@pytest.mark.parametrize(
    ("labels", "where", "said"),
    [
        (Labels(tags={"k" * 101: "v"}), "tag", "101 characters; at most 100 "),
        (Labels(tags={"k": "v" * 1001}), "tag", "1001 characters; at most 1000 "),
        (Labels(owner="o" * 201), "owner", "201 characters; at most 200 "),
        (Labels(note="n" * 10_001), "note", "10001 characters; at most 10000 "),
        (Labels(tags={"": "v"}), "tag", "not empty"),
        (Labels(tags={" ": "v"}), "tag", "not empty"),
        (Labels(tags={" k": "v"}), "tag", "no space around it"),
        (Labels(tags={"k\n": "v"}), "tag", "no space around it"),
        (Labels(tags={"a=b": "v"}), "tag", "no = in it"),
        (Labels(tags={"k\x00": "v"}), "tag", "NUL"),
        (Labels(tags={"k": "v\x00"}), "tag", "NUL"),
        (Labels(tags={"k": "\ud83d"}), "tag", "surrogate"),
        (Labels(owner="\x00"), "owner", "NUL"),
        (Labels(note="\udc00"), "note", "surrogate"),
    ],
)
def test_labels_that_could_not_be_found_again_are_refused(
    labels: Labels, where: str, said: str
) -> None:
    problems = refused(labels)
    assert [problem.where for problem in problems] == [where]
    assert said in problems[0].rule


def test_every_problem_is_named_at_once() -> None:
    problems = refused(Labels(tags={"a=b": "v", "k": "\x00"}, owner="o" * 201, note="n" * 10_001))
    assert sorted(problem.where for problem in problems) == ["note", "owner", "tag", "tag"]


@pytest.mark.parametrize(
    "labels",
    [
        Labels(tags={"k" * 100_000: "v"}),
        Labels(tags={"k": "v" * 100_000}),
        Labels(note="n" * 10**6),
    ],
    ids=["key", "value", "note"],
)
def test_a_huge_label_makes_no_huge_message(labels: Labels) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_labels(labels)
    assert len(str(caught.value)) <= 300


def test_an_empty_owner_or_note_is_none() -> None:
    checked = checked_labels(Labels(tags={"k": "v"}, owner="", note="", pinned=True))
    assert checked == Labels(tags={"k": "v"}, owner=None, note=None, pinned=True)


UTF8 = st.text(st.characters(codec="utf-8"), max_size=50)


@settings(deadline=None)
@given(st.dictionaries(UTF8, UTF8, max_size=3), UTF8, UTF8)
def test_any_labels_are_kept_or_refused(tags: dict[str, str], owner: str, note: str) -> None:
    texts = [*tags, *tags.values(), owner, note]
    wrong_keys = [key for key in tags if not key or key != key.strip() or "=" in key]
    if wrong_keys or any("\x00" in text for text in texts):
        assert refused(Labels(tags=tags, owner=owner, note=note))
    else:
        checked = checked_labels(Labels(tags=tags, owner=owner, note=note))
        assert (checked.tags, checked.owner, checked.note) == (tags, owner or None, note or None)


@pytest.mark.parametrize(("text", "longest"), [("", 0), ("", 5), ("声声声", 3), ("😀", 1)])
def test_a_text_that_fits_has_no_problem(text: str, longest: int) -> None:
    assert checked_text(text, "note", longest=longest) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("声声声声", "it has 4 characters; at most 3 are kept"),
        ("\x00" * 9, "it holds a NUL character"),
        ("\ud800\udc00", "it is not valid Unicode (half of a surrogate pair)"),
    ],
)
def test_a_text_that_does_not_fit_has_one_problem(text: str, rule: str) -> None:
    assert checked_text(text, "note", longest=3) == [Problem("note", text, rule)]
