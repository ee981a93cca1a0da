"""When warnings are due, and in what language."""

from __future__ import annotations

import pytest

from voicereg.domain.messages import Language

from .conftest import Write, loaded, refused


@pytest.mark.parametrize(
    ("marks", "kept"),
    [
        ("[60, 30, 14, 7, 3, 1]", (60, 30, 14, 7, 3, 1)),
        ("[1, 364, 7]", (364, 7, 1)),
        ("[10]", (10,)),
    ],
)
def test_marks_are_kept_from_large_to_small(
    write: Write, marks: str, kept: tuple[int, ...]
) -> None:
    assert loaded(write(f"[warn]\nmarks = {marks}")).warn.marks == kept


@pytest.mark.parametrize("mark", ["0", "-1", "365", "1.5", "7.0", "true", "'7'", "'7d'", "[7]"])
def test_a_mark_is_a_number_of_days_within_the_year(write: Write, mark: str) -> None:
    path = write(f"[warn]\nmarks = [30, {mark}]")

    (problem,) = refused(path)

    assert problem.where == f"{path}: warn.marks[2]"
    assert problem.rule == "it must be a whole number from 1 to 364"


def test_a_mark_is_named_once(write: Write) -> None:
    path = write("[warn]\nmarks = [30, 7, 30]")

    (problem,) = refused(path)

    assert (problem.where, problem.value) == (f"{path}: warn.marks", "30")
    assert problem.rule == "it must name each day once"


def test_no_marks_at_all_are_refused(write: Write) -> None:
    path = write("[warn]\nmarks = []")

    (problem,) = refused(path)

    assert problem.where == f"{path}: warn.marks"
    assert "at least one day" in problem.rule
    assert "nothing is ever warned of" in problem.rule


@pytest.mark.parametrize("marks", ["7", "'7'", "{ a = 7 }", "true"])
def test_marks_are_a_list(write: Write, marks: str) -> None:
    path = write(f"[warn]\nmarks = {marks}")

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (
        f"{path}: warn.marks",
        "it must be a list of days such as [30, 7, 1]",
    )


@pytest.mark.parametrize("language", Language)
def test_every_language_can_be_set(write: Write, language: Language) -> None:
    assert loaded(write(f"[warn]\nlanguage = '{language}'")).warn.language is language


@pytest.mark.parametrize("value", ["'fr'", "'EN'", "''", "1", "['en']", "{ a = 'en' }"])
def test_no_other_language_is_taken(write: Write, value: str) -> None:
    path = write(f"[warn]\nlanguage = {value}")

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (f"{path}: warn.language", "it must be one of en, zh")
