"""What a channel is told: each mark once, the tightest alone, an all-clear, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.making import MADE_AT
from tests.domain.making import quota as make_quota
from tests.domain.making import voice as make_voice
from voicereg.domain import concerns as of
from voicereg.domain.concerns import ANNOUNCED, ANY_DAY, Concern, ConcernKind, Subject
from voicereg.domain.families import Family
from voicereg.domain.ledger import (
    Aftermath,
    Intent,
    Told,
    after_a_crash,
    after_delivery,
    make_plan,
)
from voicereg.domain.messages import News
from voicereg.domain.quotas import Quota
from voicereg.domain.routes import TagFilter, VoiceRule
from voicereg.domain.states import State
from voicereg.domain.voices import Voice

MARKS = (60, 30, 14, 7, 3, 1)
DEADLINE = MADE_AT + timedelta(days=365)
EVERYTHING = VoiceRule()
VOICE = make_voice()
SUBJECT = Subject(VOICE.account, ConcernKind.DEADLINE, VOICE.id)


def at(mark: int, voice: Voice = VOICE) -> Concern:
    return Concern(replace(SUBJECT, key=voice.id), mark, DEADLINE, (voice,))


def never(subject: Subject) -> Aftermath:
    raise AssertionError(subject)


def test_what_is_new_is_told() -> None:
    plan = make_plan([at(30)], {}, EVERYTHING, never)

    (item,) = plan.items
    assert (item.news, item.concern.mark, item.maybe_repeat) == (News.WARNING, 30, False)
    assert not plan.rearmed
    assert not plan.forgotten


def test_what_was_told_is_not_told_again() -> None:
    assert make_plan([at(30)], {SUBJECT: Told(SUBJECT, 30)}, EVERYTHING, never).is_empty


def test_a_tighter_mark_is_told() -> None:
    plan = make_plan([at(7)], {SUBJECT: Told(SUBJECT, 30)}, EVERYTHING, never)

    assert [item.concern.mark for item in plan.items] == [7]


def test_a_looser_one_arms_the_marks_again_without_a_word() -> None:
    plan = make_plan([at(60)], {SUBJECT: Told(SUBJECT, 7)}, EVERYTHING, never)

    assert plan.items == ()
    assert plan.rearmed == (Told(SUBJECT, 60),)


def test_what_has_passed_gets_an_all_clear() -> None:
    clear = Concern(SUBJECT, 0, DEADLINE + timedelta(days=300), (VOICE,))
    plan = make_plan([], {SUBJECT: Told(SUBJECT, 7)}, EVERYTHING, lambda subject: clear)

    (item,) = plan.items
    assert (item.news, item.concern, item.maybe_repeat) == (News.ALL_CLEAR, clear, False)


@pytest.mark.parametrize(
    ("aftermath", "forgotten"), [(Aftermath.FORGET, (SUBJECT,)), (Aftermath.WAIT, ())]
)
def test_what_ends_otherwise_is_not_told(
    aftermath: Aftermath, forgotten: tuple[Subject, ...]
) -> None:
    plan = make_plan([], {SUBJECT: Told(SUBJECT, 7)}, EVERYTHING, lambda subject: aftermath)

    assert plan.items == ()
    assert plan.forgotten == forgotten


def test_what_moves_to_another_team_is_no_all_clear() -> None:
    plan = make_plan([at(7)], {SUBJECT: Told(SUBJECT, 30)}, VoiceRule(owner="films"), never)

    assert plan.items == ()
    assert plan.forgotten == (SUBJECT,)


def test_after_a_crash_the_same_is_a_repeat_and_what_is_tighter_is_not() -> None:
    (unsure,) = after_a_crash({}, [Intent(SUBJECT, 30, News.WARNING)])

    (repeat,) = make_plan([at(30)], {SUBJECT: unsure}, EVERYTHING, never).items
    (tighter,) = make_plan([at(14)], {SUBJECT: unsure}, EVERYTHING, never).items
    assert (repeat.maybe_repeat, tighter.maybe_repeat) == (True, False)


def test_after_a_crash_there_is_an_all_clear_of_what_may_have_been_told() -> None:
    (unsure,) = after_a_crash({}, [Intent(SUBJECT, 30, News.WARNING)])

    (item,) = make_plan([], {SUBJECT: unsure}, EVERYTHING, lambda subject: at(0)).items
    assert (item.news, item.maybe_repeat) == (News.ALL_CLEAR, False)


def test_after_a_crash_an_all_clear_is_a_repeat_and_a_new_warning_is_not() -> None:
    told = {SUBJECT: Told(SUBJECT, 7)}
    (unsure,) = after_a_crash(told, [Intent(SUBJECT, 0, News.ALL_CLEAR)])

    (again,) = make_plan([], {SUBJECT: unsure}, EVERYTHING, lambda subject: at(0)).items
    (warned,) = make_plan([at(7)], {SUBJECT: unsure}, EVERYTHING, never).items
    assert (again.news, again.maybe_repeat) == (News.ALL_CLEAR, True)
    assert (warned.news, warned.maybe_repeat) == (News.WARNING, False)


def test_an_intent_survives_its_json() -> None:
    intent = Intent(SUBJECT, -739_000, News.ALL_CLEAR)

    assert Intent.from_dict(intent.as_dict()) == intent


@given(
    days=st.lists(st.integers(-5, 120), min_size=1, max_size=40),
    fails=st.sets(st.integers(0, 39)),
)
def test_over_any_history_each_mark_is_told_once_and_none_twice(
    days: list[int], fails: set[int]
) -> None:
    """A deadline so many days away, round by round; some deliveries fail."""
    told: dict[Subject, Told] = {}
    heard: list[int | None] = []
    """The mark that a reader thinks of, as the messages went; None: no danger."""
    for number, left in enumerate(days):
        mark = of.tightest_mark(timedelta(days=left), MARKS)
        concerns = [] if mark is None else [at(mark)]
        plan = make_plan(concerns, told, EVERYTHING, lambda subject: at(0))
        assert len(plan.items) <= 1
        before = told.get(SUBJECT)
        for item in plan.items:
            if item.news is News.WARNING:
                assert before is None or item.concern.grade < before.grade
            else:
                assert before is not None, "no all-clear without a warning"
        told |= {one.subject: one for one in plan.rearmed}
        if number not in fails:
            now_told, forgotten = after_delivery(map(Intent.of, plan.items))
            told |= {one.subject: one for one in now_told}
            for subject in forgotten:
                del told[subject]
            heard += [
                item.concern.mark if item.news is News.WARNING else None for item in plan.items
            ]
            # Whoever reads everything knows how things stand.
            assert (told[SUBJECT].grade if SUBJECT in told else None) == mark


@pytest.mark.parametrize(
    ("left", "mark"),
    [
        (timedelta(days=-3), ANY_DAY),
        (timedelta(0), ANY_DAY),
        (timedelta(microseconds=1), 1),
        (timedelta(days=1), 1),
        (timedelta(days=1, microseconds=1), 3),
        (timedelta(days=60), 60),
        (timedelta(days=60, microseconds=1), None),
    ],
)
def test_the_tightest_mark(left: timedelta, mark: int | None) -> None:
    assert of.tightest_mark(left, MARKS) == mark


@pytest.mark.parametrize(
    ("state", "is_warned_of"),
    [
        (State.ACTIVE, True),
        (State.PENDING, True),
        (State.MISSING, True),
        (State.REJECTED, False),
        (State.DELETING, False),
        (State.DELETED, False),
        (State.EXPIRED, False),
    ],
)
def test_whose_deadlines_are_warned_of(state: State, *, is_warned_of: bool) -> None:
    voice = make_voice(state=state)
    found = of.of_deadline(voice, voice.deadline_at - timedelta(days=5), MARKS)

    assert (found is not None) == is_warned_of


def test_a_failed_keep_alive_is_told_every_day_or_at_each_mark() -> None:
    days = [DEADLINE - timedelta(days=left) for left in (20, 19, 14, 13, 7, 1)]

    def grades(voice: Voice) -> list[int]:
        return [of.of_failed_keep_alive(voice, now, "why", MARKS).grade for now in days]

    assert grades(make_voice(pinned=False)) == [30, 30, 14, 14, 7, 1]
    pinned = grades(make_voice(pinned=True))
    assert pinned == sorted(set(pinned), reverse=True)
    assert max(pinned) < 0


def test_a_create_is_told_of_after_a_day() -> None:
    voice = make_voice(state=State.UNRESOLVED)

    assert of.of_state(voice, voice.created_at + timedelta(hours=23)) is None
    found = of.of_state(voice, voice.created_at + timedelta(hours=24))
    assert found is not None
    assert found.subject.kind is ConcernKind.UNRESOLVED


def test_a_loss_is_news_for_a_month() -> None:
    gone_at = MADE_AT + timedelta(days=370)
    voice = make_voice(state=State.EXPIRED, gone_at=gone_at)

    found = of.of_state(voice, gone_at + timedelta(days=29))
    assert found is not None
    assert found.subject.kind is ConcernKind.GONE
    assert of.of_state(voice, gone_at + timedelta(days=31)) is None


def test_a_model_is_told_of_at_once_and_at_its_marks() -> None:
    on = (MADE_AT + timedelta(days=100)).date()

    def found(days: int) -> Concern | None:
        now = MADE_AT + timedelta(days=days)
        return of.of_retiring("studio", "m", on, (VOICE,), now, MARKS)

    first, later, last = found(0), found(95), found(101)
    assert first is not None
    assert (first.grade, first.mark) == (ANNOUNCED, None)
    assert later is not None
    assert later.mark == 7
    assert last is not None
    assert last.mark == ANY_DAY
    assert of.of_retiring("studio", "m", on, (), MADE_AT, MARKS) is None


def _at_level(used: int) -> Quota:
    return replace(make_quota(), limit=100, used=used, unseen=0)


def test_a_quota_is_told_of_at_each_level() -> None:
    grades = []
    for used in (79, 80, 94, 95, 99, 100):
        concern = of.of_quota(_at_level(used))
        grades.append(None if concern is None else concern.grade)

    assert grades == [None, 2, 2, 1, 1, 0]


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        (VoiceRule(), True),
        (VoiceRule(owner="radio"), True),
        (VoiceRule(owner="films"), False),
        (VoiceRule(tag=TagFilter.parse("use")), True),
        (VoiceRule(tag=TagFilter.parse("use=news")), True),
        (VoiceRule(tag=TagFilter.parse("use=films")), False),
        (VoiceRule(tag=TagFilter.parse("team")), False),
        (VoiceRule(family=Family.COSYVOICE), True),
        (VoiceRule(family=Family.QWEN_TTS), False),
        (VoiceRule(account="studio"), True),
        (VoiceRule(account="other"), False),
        (VoiceRule(owner="radio", account="other"), False),
    ],
    ids=str,
)
def test_a_channel_hears_of_its_own_voices(rule: VoiceRule, *, is_told: bool) -> None:
    assert bool(make_plan([at(7)], {}, rule, never).items) == is_told


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        (VoiceRule(), True),
        (VoiceRule(account="studio"), True),
        (VoiceRule(account="newsroom"), True),
        (VoiceRule(account="other"), False),
        (VoiceRule(family=Family.QWEN_TTS), True),
        (VoiceRule(family=Family.COSYVOICE), False),
        (VoiceRule(owner="radio"), False),
        (VoiceRule(tag=TagFilter.parse("use")), False),
    ],
    ids=str,
)
def test_a_quota_is_told_to_whom_it_concerns(rule: VoiceRule, *, is_told: bool) -> None:
    concern = of.of_quota(_at_level(95), shared_by=("newsroom", "studio"))
    assert concern is not None

    assert bool(make_plan([concern], {}, rule, never).items) == is_told


def test_of_a_model_each_team_hears_of_its_own_voices() -> None:
    theirs = make_voice(id="v-2", owner="films")
    on = (MADE_AT + timedelta(days=100)).date()
    concern = of.of_retiring("studio", "m", on, (VOICE, theirs), MADE_AT, MARKS)
    assert concern is not None

    (item,) = make_plan([concern], {}, VoiceRule(owner="films"), never).items
    assert [voice.id for voice in item.concern.voices] == ["v-2"]
