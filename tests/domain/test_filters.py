"""Which voices are meant, as a user says it and as the registry takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from voicereg import Family, InvalidInput, Origin, SortField, State
from voicereg.domain.filters import FilterOptions, VoiceFilter, sort_field, voice_filter

from .making import MADE_AT


def test_what_is_left_out_narrows_nothing() -> None:
    assert voice_filter(MADE_AT) == VoiceFilter()


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"family": "qwen-tts"}, VoiceFilter(family=Family.QWEN_TTS)),
        ({"family": Family.COSYVOICE}, VoiceFilter(family=Family.COSYVOICE)),
        ({"family": None}, VoiceFilter()),
        ({"target_model": "cosyvoice-v3-plus"}, VoiceFilter(target_model="cosyvoice-v3-plus")),
        (
            {"states": ["lost", State.ACTIVE, "active"]},
            VoiceFilter(states=frozenset({State.LOST, State.ACTIVE})),
        ),
        ({"states": []}, VoiceFilter(states=frozenset())),
        ({"states": None}, VoiceFilter()),
        ({"with_gone": True}, VoiceFilter(with_gone=True)),
        (
            {"tags": {"use": "news", "any": None}},
            VoiceFilter(tags=(("use", "news"), ("any", None))),
        ),
        ({"tags": None}, VoiceFilter()),
        ({"owner": "radio"}, VoiceFilter(owner="radio")),
        ({"origin": "cloned"}, VoiceFilter(origin=Origin.CLONED)),
        ({"pinned": False}, VoiceFilter(pinned=False)),
        ({"search": "calm"}, VoiceFilter(search="calm")),
        (
            {"unused_for": timedelta(days=300)},
            VoiceFilter(idle_since=MADE_AT - timedelta(days=300)),
        ),
        ({"unused_for": timedelta(0)}, VoiceFilter(idle_since=MADE_AT)),
    ],
)
def test_each_option_is_one_field(options: FilterOptions, meant: VoiceFilter) -> None:
    assert voice_filter(MADE_AT, **options) == meant


@pytest.mark.parametrize(
    ("options", "where", "value", "known"),
    [
        ({"family": "qwen"}, "family", "qwen", "cosyvoice, qwen-tts"),
        ({"states": ["active", "gone"]}, "state", "gone", "creating, unresolved, pending"),
        ({"states": [""]}, "state", "", "creating, unresolved, pending"),
        ({"origin": "Designed"}, "origin", "Designed", "designed, cloned"),
    ],
)
def test_a_word_that_there_is_not_is_refused_with_those_there_are(
    options: FilterOptions, where: str, value: str, known: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        voice_filter(MADE_AT, **options)
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == (where, value)
    assert f"it must be one of {known}" in problem.rule


@pytest.mark.parametrize("unused_for", [timedelta.max, timedelta(days=2026 * 366)])
def test_an_age_before_the_beginning_of_time_is_refused(unused_for: timedelta) -> None:
    with pytest.raises(InvalidInput) as caught:
        voice_filter(MADE_AT, unused_for=unused_for)
    assert [problem.where for problem in caught.value.problems] == ["unused-for"]


@pytest.mark.parametrize("field", list(SortField))
def test_a_sort_field_is_read_from_its_name_or_itself(field: SortField) -> None:
    assert sort_field(field) is field
    assert sort_field(field.value) is field


@pytest.mark.parametrize("value", ["", "Name", "voice_id"])
def test_another_sort_field_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sort_field(value)
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("sort", value)
    assert "created, deadline, used" in problem.rule
