"""What a plan does about each declared voice, and what it leaves alone, whatever there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.domain import making
from voicereg.domain.families import Family
from voicereg.domain.manifests import Document, Entry, Given, Manifest, read_manifest
from voicereg.domain.planning import make_plan, rivals
from voicereg.domain.plans import Action, ApplyPlan, Step
from voicereg.domain.states import State
from voicereg.domain.voices import Voice

MODEL = "qwen3-tts-vd-2026-01-26"
MADE_FROM = {"target_model": MODEL, "prompt": "A calm voice.", "preview_text": "Good evening."}
LABELS: dict[str, Any] = {"tags": {}, "owner": None, "note": None, "pinned": False, "aliases": ()}
UNSETTLED = [State.CREATING, State.UNRESOLVED, State.DELETING]


def voice(named: str, key: str | None = "news", /, age: int = 0, **changed: Any) -> Voice:
    """A voice that a manifest made; the older, the larger its age."""
    made = {
        "id": named,
        "voice_id": f"qwen-{named}",
        "family": Family.QWEN_TTS,
        "manifest_key": key,
    }
    created_at = making.MADE_AT - timedelta(days=age)
    return making.voice(**(made | MADE_FROM | LABELS | {"created_at": created_at} | changed))


def candidate(named: str, key: str = "news", /, **changed: Any) -> Voice:
    return voice(named, None, **({"candidate_for": key} | changed))


def declared(*voices: Given, **top: Any) -> Manifest:
    manifest = read_manifest(Document(top, voices))
    assert manifest.problems == ()
    return manifest


def one(key: str = "news", /, **fields: Any) -> Given:
    return Given(key, MADE_FROM | fields)


def planned(
    manifest: Manifest, voices: Iterable[Voice], *, recreate: bool = False, prune: bool = False
) -> ApplyPlan:
    """The plan that a registry with these voices makes."""
    voices = sorted(voices, key=lambda voice: (voice.created_at, voice.id))
    wanted = [entry.voice_id for entry in manifest.entries]
    return make_plan(
        manifest,
        "studio",
        [voice for voice in voices if voice.manifest_key or voice.candidate_for],
        {voice.id: voice for voice in voices if voice.id in wanted},
        {name: voice for voice in voices for name in voice.aliases},
        recreate=recreate,
        prune=prune,
    )


def plan_of(given: Given, *voices: Voice, **options: bool) -> ApplyPlan:
    """The plan of a manifest of one voice."""
    return planned(declared(given), voices, **options)


def only_step(plan: ApplyPlan) -> Step:
    (step,) = plan.steps
    assert plan.problems == ()
    return step


def left(plan: ApplyPlan) -> str:
    """Why nothing is done about the one thing that there is."""
    step = only_step(plan)
    assert (step.action, plan.is_nothing) == (Action.LEAVE, True)
    assert step.why is not None
    return step.why


def actions(plan: ApplyPlan) -> list[tuple[Action, str | None]]:
    return [(step.action, None if step.voice is None else step.voice.id) for step in plan.steps]


# --- to design --------------------------------------------------------------------------------


def test_what_is_not_there_is_designed() -> None:
    plan = plan_of(one())

    step = only_step(plan)
    assert (step.action, step.key, step.count) == (Action.DESIGN, "news", 1)
    assert (step.voice, step.replaces, step.why) == (None, None, None)
    assert (dict(plan.slots), plan.price_fen) == ({Family.QWEN_TTS: 1}, 20)
    assert (plan.is_nothing, plan.is_open, plan.unchanged) == (False, False, 0)


def test_several_to_choose_from_take_several_slots() -> None:
    cosyvoice = one("b", target_model="cosyvoice-v3.5-plus", candidates=2)
    plan = planned(declared(one("a", candidates=3), cosyvoice), [])

    assert dict(plan.slots) == {Family.QWEN_TTS: 3, Family.COSYVOICE: 2}
    assert plan.price_fen == 60
    assert plan.counts[Action.DESIGN] == 5


def test_a_model_that_tells_no_family() -> None:
    plan = plan_of(one(target_model="new-model", family="cosyvoice"))

    assert dict(plan.slots) == {Family.COSYVOICE: 1}


def test_in_place_of_the_last_one_that_is_gone() -> None:
    gone = [voice("v1", age=2, state=State.LOST), voice("v2", age=1, state=State.EXPIRED)]

    step = only_step(plan_of(one(), *gone, voice("v3", state=State.FAILED, voice_id=None)))

    assert (step.action, step.replaces) == (Action.DESIGN, "v2")
    assert step.why == "in place of v2, which is gone; it will sound different"


def test_only_as_many_candidates_as_there_are_not_yet() -> None:
    ready = [candidate("c1"), candidate("c2", state=State.UNRESOLVED, voice_id=None)]

    step = only_step(plan_of(one(candidates=3), *ready))
    assert (step.action, step.count) == (Action.DESIGN, 1)

    gone = candidate("c3", state=State.DELETED)
    assert only_step(plan_of(one(candidates=3), *ready, gone)).count == 1


def test_candidates_of_two_descriptions_are_not_mixed() -> None:
    why = left(plan_of(one(prompt="Loud.", candidates=3), candidate("c1")))

    assert why == ("candidates were made from another prompt: choose one of them, or delete them")


# --- to choose --------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [1, 2])
def test_candidates_wait_to_be_chosen(wanted: int) -> None:
    ready = [candidate("c1"), candidate("c2", state=State.PENDING)]
    plan = plan_of(one(candidates=wanted), *ready)

    assert left(plan) == "1 to choose from: voicereg choose; 1 more cannot be used yet (1 pending)"
    assert not plan.is_open


def test_candidates_whose_outcome_is_unknown_leave_it_open() -> None:
    ready = [candidate("c1"), candidate("c2", state=State.UNRESOLVED)]

    assert plan_of(one(candidates=2), *ready).is_open


def test_where_no_candidate_can_be_used() -> None:
    ready = [candidate(f"c{number}", state=State.REJECTED) for number in range(2)]
    plan = plan_of(one(candidates=2), *ready)

    assert left(plan) == "there is none to choose from (2 rejected)"
    assert plan.is_open


def test_what_was_not_chosen_is_told_of_and_pruned() -> None:
    voices = [voice("c1"), candidate("c2")]

    assert left(plan_of(one(candidates=2), *voices)) == (
        "another voice has its key; --prune deletes it"
    )
    assert actions(plan_of(one(candidates=2), *voices, prune=True)) == [(Action.DELETE, "c2")]


def test_candidates_to_replace_a_voice() -> None:
    changed = one(prompt="Loud.", candidates=2, owner="radio", alias="narrator")
    old = voice("v1", age=1, aliases=("narrator",))
    first = candidate("c1", replaces="v1", prompt="Loud.")
    second = candidate("c2", replaces="v1", prompt="Loud.")

    asked = plan_of(changed, old, recreate=True, prune=True)
    assert actions(asked) == [(Action.UPDATE, "v1"), (Action.RECREATE, "v1")]
    assert (asked.steps[1].count, asked.steps[1].replaces) == (2, "v1")
    more = plan_of(changed, old, first, recreate=True)
    assert [step.count for step in more.steps] == [0, 1]
    ready = plan_of(changed, old, first, second, recreate=True, prune=True)
    assert actions(ready) == [(Action.UPDATE, "v1"), (Action.LEAVE, "c1")]
    assert set(ready.steps[0].changes) == {"owner"}


def test_candidates_of_an_earlier_choice_are_in_the_way_of_another() -> None:
    voices = [voice("c1"), candidate("c2")]

    plan = plan_of(one(prompt="Loud."), *voices, recreate=True)

    assert [step.action for step in plan.steps] == [Action.LEAVE, Action.LEAVE]
    assert plan.steps[0].why == (
        "candidates of an earlier choice are left: voicereg choose c1 deletes them"
    )
    assert plan.is_open


# --- to update --------------------------------------------------------------------------------


def test_a_voice_that_is_as_the_file_says() -> None:
    plan = plan_of(one(), voice("v1", owner="radio", pinned=True, tags={"a": "b"}))

    assert (plan.steps, plan.unchanged) == ((), 1)
    assert (plan.is_nothing, plan.is_open) == (True, False)


def test_labels() -> None:
    wanted = one(tags={"a": "b"}, owner=None, note="n", pinned=True)
    step = only_step(plan_of(wanted, voice("v1", owner="radio", tags={"c": "d"})))

    assert (step.action, step.voice and step.voice.id) == (Action.UPDATE, "v1")
    assert step.changes == {
        "tags": ({"c": "d"}, {"a": "b"}),
        "owner": ("radio", None),
        "note": (None, "n"),
        "pinned": (False, True),
    }
    assert step.as_dict()["changes"]["note"] == {"from": None, "to": "n"}


def test_an_alias_comes_from_what_had_it() -> None:
    old = voice("v0", "old", aliases=("narrator",))

    plan = plan_of(one(alias="narrator"), voice("v1"), old)

    assert plan.steps[0].changes == {"alias": ("v0", "narrator")}
    assert only_step(plan_of(one(alias="narrator"), voice("v1"))).changes == {
        "alias": (None, "narrator")
    }


@pytest.mark.parametrize("state", [State.REJECTED, State.MISSING])
def test_an_alias_is_not_given_to_what_cannot_speak(state: State) -> None:
    plan = plan_of(one(alias="narrator"), voice("v1", state=state))

    assert state is not State.REJECTED or "refused it" in left(plan)
    assert state is not State.MISSING or "a sync settles that" in left(plan)
    assert (plan.is_open, plan.unchanged) == (True, 0)


def test_a_voice_under_review_gets_its_alias_when_it_is_over() -> None:
    step = only_step(plan_of(one(alias="narrator"), voice("v1", state=State.PENDING)))

    assert (step.action, set(step.changes)) == (Action.UPDATE, {"alias"})


@pytest.mark.parametrize("holder", [voice("x", None), voice("x", "set/a"), candidate("x", "s/a")])
def test_an_alias_of_a_voice_that_is_none_of_this_file(holder: Voice) -> None:
    plan = plan_of(one(alias="narrator"), replace(holder, aliases=("narrator",)))

    assert [problem.why for problem in plan.problems] == [
        "alias: narrator stands for voice x, which is none of this file's; voice_id: x makes it one"
    ]
    gone = replace(holder, aliases=("narrator",), state=State.LOST)
    assert plan_of(one(alias="narrator"), gone).problems == ()


# --- to recreate ------------------------------------------------------------------------------


def test_what_was_made_from_something_else_is_left_alone() -> None:
    plan = plan_of(one(prompt="Loud.", language="en"), voice("v1", language="zh"))

    assert left(plan) == "made from another prompt, language: --recreate makes it anew"
    assert (plan.is_open, plan.unchanged) == (True, 0)


def test_or_recreated() -> None:
    step = only_step(plan_of(one(prompt="Loud."), voice("v1"), recreate=True))

    assert (step.action, step.count, step.replaces) == (Action.RECREATE, 1, "v1")
    assert step.changes == {"prompt": ("A calm voice.", "Loud.")}


def test_and_the_old_one_deleted() -> None:
    plan = plan_of(one(prompt="Loud."), voice("v1"), recreate=True, prune=True)

    assert actions(plan) == [(Action.RECREATE, "v1"), (Action.DELETE, "v1")]


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": None},
        {"prompt": "A calm voice.\r\n"},
        {"name": "newsab23"},
        {"sample_rate": None, "language": None},
    ],
)
def test_what_is_no_difference(changed: Mapping[str, Any]) -> None:
    """What is not known; the end of a text; the mark at the end of a name."""
    given = one(name="news", sample_rate=16000, language="en")
    there = {"name": "news", "sample_rate": 16000, "language": "en", **changed}

    assert plan_of(given, voice("v1", **there), recreate=True).unchanged == 1


def test_a_file_that_does_not_say_enough_to_make_it_anew() -> None:
    given = Given("news", {"voice_id": "v1", "prompt": "Loud."})

    assert left(plan_of(given, voice("v1"), recreate=True)) == (
        "the file does not say its target_model"
    )
    assert left(plan_of(given, voice("v1", state=State.LOST))) == (
        "it is gone, and the file does not say its target_model"
    )


def test_two_voices_of_one_key_that_know_nothing_of_each_other() -> None:
    """As an import can bring them: which one is meant is for people to say."""
    plan = plan_of(one(prompt="Loud."), voice("v1", age=1), voice("v2"), recreate=True)

    assert plan.steps[0].why == "voice v1 has its key as well: delete one of them"
    assert plan.slots == {}


# --- what nobody may touch now ----------------------------------------------------------------


@pytest.mark.parametrize("state", UNSETTLED)
@pytest.mark.parametrize("fields", [{}, {"prompt": "Loud."}, {"owner": "radio"}])
def test_what_is_unsettled_waits_for_a_sync(state: State, fields: Mapping[str, Any]) -> None:
    plan = plan_of(one(**fields), voice("v1", state=state), recreate=True, prune=True)

    assert left(plan) == (f"it is {state.value}; it is not asked for again until a sync settles it")
    assert plan.is_open


@pytest.mark.parametrize("state", UNSETTLED)
def test_nor_is_it_deleted(state: State) -> None:
    plan = planned(declared(one("other")), [voice("v1", state=state)], prune=True)

    assert actions(plan) == [(Action.DESIGN, None), (Action.LEAVE, "v1")]
    assert plan.steps[1].why == (
        f"the file does not declare it, and it is {state.value}: a sync settles it"
    )


# --- to delete --------------------------------------------------------------------------------


def test_what_the_file_does_not_declare() -> None:
    voices = [voice("v1"), voice("v2", "old"), candidate("c1", "older")]

    kept = plan_of(one(), *voices)
    assert [step.why for step in kept.steps] == [
        "the file does not declare it; --prune deletes it"
    ] * 2
    assert (kept.is_nothing, kept.is_open, kept.unchanged) == (True, False, 1)
    assert actions(plan_of(one(), *voices, prune=True)) == [
        (Action.DELETE, "v2"),
        (Action.DELETE, "c1"),
    ]


@pytest.mark.parametrize(
    ("protected", "what"), [({"pinned": True}, "pinned"), ({"aliases": ("a",)}, "known as a")]
)
def test_but_not_what_people_hold_on_to(protected: Mapping[str, Any], what: str) -> None:
    plan = planned(declared(one("a")), [voice("a1", "a"), voice("v1", **protected)], prune=True)

    assert left(plan) == f"the file does not declare it, but it is {what}: it is left alone"


def test_nor_what_they_name_unless_the_name_moves() -> None:
    """As a voice that is called something else from now on."""
    old = voice("v1", "old", aliases=("narrator",))

    plan = plan_of(one(alias="narrator"), old, prune=True)

    assert actions(plan) == [(Action.DESIGN, None), (Action.DELETE, "v1")]


def test_what_another_has_taken_the_place_of() -> None:
    old = voice("v1", age=1, pinned=True, aliases=("narrator",))
    new = voice("v2", replaces="v1", pinned=True)
    given = one(pinned=True, alias="narrator")

    assert actions(plan_of(given, old, new, prune=True)) == [
        (Action.UPDATE, "v2"),
        (Action.DELETE, "v1"),
    ]
    said = plan_of(one(), old, new, prune=True).steps[0].why
    assert said == "another voice has its key, but it is pinned: it is left alone"


@pytest.mark.parametrize(
    "state", [State.PENDING, State.REJECTED, State.MISSING, State.UNRESOLVED, State.DELETING]
)
def test_but_not_before_that_can_be_used(state: State) -> None:
    """The old one may be all that there is."""
    old, new = voice("v1", age=1), voice("v2", replaces="v1", state=state)

    plan = plan_of(one(), old, new, prune=True)

    assert Action.DELETE not in {step.action for step in plan.steps}
    assert plan.steps[-1].why == f"another voice has its key, which is {state.value}"


def test_a_set_speaks_of_its_own_voices_only() -> None:
    others = [voice("v1", "a"), voice("v2", "tv/a"), voice("v3", None), voice("v4", "radio/b")]

    plan = planned(declared(one("a"), set="radio"), others, prune=True)
    assert actions(plan) == [(Action.DESIGN, None), (Action.DELETE, "v4")]
    plan = planned(declared(one("b")), others, prune=True)
    assert actions(plan) == [(Action.DESIGN, None), (Action.DELETE, "v1")]


# --- voices that are there --------------------------------------------------------------------


def test_a_voice_that_is_there_gets_the_key() -> None:
    given = Given("news", {"voice_id": "v1"})

    step = only_step(plan_of(given, voice("v1", None)))
    assert (step.action, step.changes) == (Action.UPDATE, {"manifest_key": (None, "news")})
    assert plan_of(given, voice("v1")).unchanged == 1


def test_a_voice_that_is_there_gets_the_key_before_another_is_made_in_its_place() -> None:
    given = one(voice_id="v1", prompt="Loud.", owner="radio")

    plan = plan_of(given, voice("v1", None), recreate=True)

    assert actions(plan) == [(Action.UPDATE, "v1"), (Action.RECREATE, "v1")]
    assert plan.steps[0].changes == {"manifest_key": (None, "news")}


def test_a_voice_that_is_gone_is_replaced_once() -> None:
    gone = voice("v1", None, state=State.LOST, age=1)
    given = one(voice_id="v1")

    assert only_step(plan_of(given, gone)).replaces == "v1"
    assert plan_of(given, gone, voice("v2", replaces="v1")).unchanged == 1


def test_ids_that_cannot_be_meant() -> None:
    given = Given("news", {"voice_id": "v1"})
    for voices, why in (
        ([], "voice_id: no voice on record is v1; sync finds it"),
        ([voice("v1", "old")], "voice_id: v1 has the key old already"),
        ([candidate("v1", "old")], "voice_id: v1 has the key old already"),
        ([voice("v1", None), voice("v2")], "voice_id: voice v2 has this key already"),
    ):
        assert [problem.why for problem in plan_of(given, *voices).problems] == [why]


def test_one_voice_named_by_both_of_its_ids() -> None:
    found = voice("v1", None)
    manifest = declared(Given("a", {"voice_id": "v1"}), Given("b", {"voice_id": "qwen-v1"}))

    plan = make_plan(
        manifest, "studio", [], {"v1": found, "qwen-v1": found}, {}, recreate=False, prune=False
    )

    assert [str(problem) for problem in plan.problems] == ["b: voice_id: v1 has the key a already"]


# --- whatever there is ------------------------------------------------------------------------

KEYS = [None, "a", "b", "s/a"]
ALIASES = ["x", "y"]


@st.composite
def registries(draw: st.DrawFn) -> list[Voice]:
    found: list[Voice] = []
    free = list(ALIASES)
    for number in range(draw(st.integers(0, 6))):
        key = draw(st.sampled_from(KEYS))
        is_candidate = draw(st.booleans())
        had: str | None = draw(st.sampled_from([None, *free]))
        free = [name for name in free if name != had]
        before = [None, *(voice.id for voice in found)]
        found.append(
            voice(
                f"v{number}",
                None if is_candidate else key,
                age=100 - number,
                candidate_for=key if is_candidate else None,
                state=draw(st.sampled_from([*State, *[State.ACTIVE] * 6])),
                replaces=draw(st.sampled_from(before)),
                prompt=draw(st.sampled_from(["one", "two"])),
                owner=draw(st.sampled_from([None, "radio"])),
                pinned=draw(st.integers(0, 4)) == 0,
                aliases=() if had is None else (had,),
            )
        )
    return found


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    voices, free = [], list(ALIASES)
    ids = [f"v{number}" for number in range(6)]
    keys = ["a", "b"]
    for key in draw(st.lists(st.sampled_from(keys), unique=True, min_size=1)):
        fields: dict[str, Any] = MADE_FROM | {"prompt": draw(st.sampled_from(["one", "two"]))}
        if draw(st.booleans()) and free:
            fields["alias"] = free.pop()
        if draw(st.booleans()):
            fields["owner"] = draw(st.sampled_from([None, "radio"]))
        if draw(st.booleans()):
            fields["pinned"] = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            fields["voice_id"] = ids.pop(draw(st.integers(0, len(ids) - 1)))
        else:
            fields["candidates"] = draw(st.integers(1, 3))
        voices.append(Given(key, fields))
    return declared(*voices, **({"set": "s"} if draw(st.integers(0, 3)) == 0 else {}))


def carried_out(plan: ApplyPlan, voices: Sequence[Voice]) -> list[Voice]:
    """The voices once all that a plan says has gone well."""
    known = {voice.id: voice for voice in voices}

    def name(of: str, alias: str | None) -> None:
        for voice in known.values():
            others = tuple(had for had in voice.aliases if had != alias)
            known[voice.id] = replace(voice, aliases=others)
        known[of] = replace(known[of], aliases=(*known[of].aliases, *([alias] if alias else [])))

    for step in plan.steps:
        if step.action is Action.UPDATE and step.voice is not None:
            changes = {field: after for field, (_, after) in step.changes.items()}
            alias = changes.pop("alias", None)
            known[step.voice.id] = replace(known[step.voice.id], **changes)
            name(step.voice.id, alias)
    for step in plan.steps:
        for _ in range(step.count):
            made = made_by(step, f"n{len(known)}")
            known[made.id] = made
            if made.candidate_for is None and step.entry is not None:
                name(made.id, step.entry.alias)
    for step in plan.steps:
        if step.action is Action.DELETE and step.voice is not None:
            assert not known[step.voice.id].aliases
            known[step.voice.id] = replace(known[step.voice.id], state=State.DELETED)
    return list(known.values())


def made_by(step: Step, named: str) -> Voice:
    entry = step.entry
    assert isinstance(entry, Entry)
    key = None if entry.candidates > 1 else entry.key
    of = None if key else entry.key
    changed = {**entry.design, **entry.labels, "candidate_for": of, "replaces": step.replaces}
    return voice(named, key, age=-len(named), **changed)


@settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(registries(), manifests(), st.booleans(), st.booleans())
def test_any_plan(voices: list[Voice], manifest: Manifest, recreate: bool, prune: bool) -> None:
    plan = planned(manifest, voices, recreate=recreate, prune=prune)

    done = {step.action for step in plan.steps}
    assert recreate or Action.RECREATE not in done
    assert prune or Action.DELETE not in done
    named = {entry.voice_id for entry in manifest.entries}
    for step in plan.steps:
        if step.voice is not None and step.action not in (Action.LEAVE, Action.DESIGN):
            key = step.voice.manifest_key or step.voice.candidate_for
            assert key == step.key or (key is None and step.voice.id in named)
            assert step.voice.state not in UNSETTLED
        assert "/" in step.key if manifest.set_name else "/" not in step.key
    if plan.problems:
        return
    for step in plan.steps:
        if step.count:
            assert_room(step, voices)
    after = carried_out(plan, voices)
    again = planned(manifest, after, recreate=recreate, prune=prune)
    assert again.problems == ()
    # What was in the way of a voice to be recreated is deleted first, which the plan says.
    is_first_of_two = recreate and prune and plan.is_open
    assert again.is_nothing or is_first_of_two, (actions(plan), actions(again))


def assert_room(step: Step, voices: Sequence[Voice]) -> None:
    """That no create of a step is refused as one too many of its key."""
    assert step.entry is not None
    of_key = [
        voice
        for voice in voices
        if step.key in (voice.manifest_key, voice.candidate_for) and not voice.state.is_gone
    ]
    in_the_way = rivals(of_key, step.replaces)
    assert not [voice for voice in in_the_way if voice.manifest_key == step.key]
    assert len(in_the_way) + step.count <= step.entry.candidates
