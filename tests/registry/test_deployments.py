"""Plans carried out where something comes between: interruptions, others at work, odd answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.registry.rows import MODELS, QWEN, insert_voice, update_voice
from tests.registry.support import COSY, FakeProvider, failing, made, seen
from voicereg import Registry, ReviewRefused, State
from voicereg.domain.deployments import DeploymentProgress, StepDone, StepOutcome
from voicereg.domain.designs import DesignRequest
from voicereg.domain.manifests import Document, Given, read_manifest
from voicereg.domain.plans import Action, ApplyPlan
from voicereg.domain.provider_errors import RateLimited, VoiceGone
from voicereg.domain.remote import CreatedVoice, ReviewStatus
from voicereg.registry.deployments import Interrupted

MADE_FROM = {
    "target_model": MODELS[QWEN],
    "prompt": "A calm voice.",
    "preview_text": "Good evening.",
}
NO_WAIT = timedelta(0)


@pytest.fixture
def backend() -> str:
    """What is tested here is the same on both; the creates below have tests on each."""
    return "sqlite"


def create(request: DesignRequest) -> CreatedVoice:
    return made(f"qwen-{request.name}", target_model=request.target_model)


def planned(registry: Registry, *keys: str, recreate: bool = False, **fields: Any) -> ApplyPlan:
    voices = [Given(key, MADE_FROM | fields) for key in keys]
    manifest = read_manifest(Document({}, voices))
    plan = registry.manifests.plan(manifest, recreate=recreate, prune=True)
    assert plan.problems == ()
    return plan


def outcomes(ended: Any) -> list[tuple[str, StepOutcome]]:
    return [(done.step.key, done.outcome) for done in ended]


def provided(open_registry: OpenRegistry, **answers: Callable[..., Any]) -> Registry:
    return open_registry(client_factory=FakeProvider(**answers).factory())


# --- interruptions ----------------------------------------------------------------------------


def test_what_was_made_when_somebody_interrupts_is_told_as_made(
    open_registry: OpenRegistry,
) -> None:
    go_on = threading.Event()

    def waiting(request: DesignRequest) -> CreatedVoice:
        if request.name != "a":
            go_on.wait(60)
        return create(request)

    def at_the_first(progress: DeploymentProgress) -> None:
        if progress.is_stopping:
            go_on.set()
        elif progress.finished is not None:
            raise KeyboardInterrupt

    registry = provided(open_registry, create=waiting)
    with pytest.raises(Interrupted) as interrupted:
        registry.deployments.run(
            planned(registry, "a", "b", "c", "d"), at_once=2, on_progress=at_the_first
        )

    # The one that was made left its place to a third, before or after it was heard of.
    told = dict(outcomes(interrupted.value.ended))
    assert (told["a"], told["b"]) == (StepOutcome.DONE, StepOutcome.DONE)
    assert told["d"] is StepOutcome.SKIPPED
    made_ = {voice.manifest_key for voice in registry.voices()}
    assert made_ == {key for key, outcome in told.items() if outcome is StepOutcome.DONE}


def test_a_second_interruption_leaves_creates_unresolved_and_says_so(
    open_registry: OpenRegistry,
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(request: DesignRequest) -> CreatedVoice:
        asked.set()
        answer.wait(60)
        raise AssertionError("nobody waits for this")

    def twice(progress: DeploymentProgress) -> None:
        asked.wait(60)
        raise KeyboardInterrupt

    registry = provided(open_registry, create=slow)
    try:
        with pytest.raises(Interrupted) as interrupted:
            registry.deployments.run(planned(registry, "a", "b"), at_once=1, on_progress=twice)
        (voice,) = registry.voices()
    finally:
        answer.set()

    assert (voice.manifest_key, voice.state) == ("a", State.UNRESOLVED)
    first, second = interrupted.value.ended
    assert (first.outcome, first.voice and first.voice.id) == (StepOutcome.UNRESOLVED, voice.id)
    assert (second.outcome, second.voice) == (StepOutcome.SKIPPED, None)


def test_where_nobody_can_be_told_what_is_under_way_ends_first(
    open_registry: OpenRegistry,
) -> None:
    """A terminal that went away."""
    is_gone = threading.Event()

    def waiting(request: DesignRequest) -> CreatedVoice:
        is_gone.wait(60)
        return create(request)

    def gone(progress: DeploymentProgress) -> None:
        is_gone.set()
        raise BrokenPipeError

    registry = provided(open_registry, create=waiting)
    with pytest.raises(BrokenPipeError):
        registry.deployments.run(planned(registry, "a", "b", "c"), at_once=2, on_progress=gone)

    found = registry.voices(with_gone=True)
    assert "a" in {voice.manifest_key for voice in found}
    assert {voice.state for voice in found} == {State.ACTIVE}


def test_no_other_try_after_an_interruption(open_registry: OpenRegistry) -> None:
    tried: list[DesignRequest] = []
    go_on = threading.Event()

    def limited(request: DesignRequest) -> CreatedVoice:
        tried.append(request)
        go_on.wait(60)
        raise RateLimited("Throttling", "", status=429, request_id=None)

    def once(progress: DeploymentProgress) -> None:
        if progress.is_stopping:
            go_on.set()
        elif progress.under_way:
            raise KeyboardInterrupt

    registry = provided(open_registry, create=limited)
    with pytest.raises(Interrupted) as interrupted:
        registry.deployments.run(planned(registry, "a"), on_progress=once)

    assert outcomes(interrupted.value.ended) == [("a", StepOutcome.FAILED)]
    assert len(tried) == 1


# --- reviews ----------------------------------------------------------------------------------


def one_cosyvoice(registry: Registry) -> StepDone:
    plan = planned(registry, "a", **(COSY | {"alias": "narrator"}))
    (done,) = registry.deployments.run(plan, wait=NO_WAIT)
    return done


def test_a_voice_too_new_to_be_found_is_made_all_the_same(open_registry: OpenRegistry) -> None:
    gone = VoiceGone("BadRequest.ResourceNotExist", "", status=400, request_id=None)
    registry = provided(open_registry, create=lambda _: made(), query=failing(gone))

    done = one_cosyvoice(registry)

    assert (done.outcome, done.error) == (StepOutcome.WAITING, None)
    assert done.why is not None
    assert done.why.startswith("it is made, and its review was not learnt: ")


def test_a_voice_that_the_review_refused(open_registry: OpenRegistry) -> None:
    registry = provided(
        open_registry, create=lambda _: made(), query=lambda _: seen(ReviewStatus.UNDEPLOYED)
    )

    done = one_cosyvoice(registry)

    assert done.outcome is StepOutcome.FAILED
    assert isinstance(done.error, ReviewRefused)


# --- others at work ---------------------------------------------------------------------------


def test_the_old_one_stays_where_the_new_one_went_meanwhile(
    open_registry: OpenRegistry, database_url: str
) -> None:
    registry = provided(open_registry)
    old = insert_voice(database_url, family=QWEN, manifest_key="a", **MADE_FROM)
    new = insert_voice(database_url, family=QWEN, manifest_key="a", replaces=old, **MADE_FROM)
    plan = planned(registry, "a")
    assert [(step.action, step.voice and step.voice.id) for step in plan.steps] == [
        (Action.DELETE, old)
    ]
    update_voice(database_url, new, state="missing")

    (done,) = registry.deployments.run(plan)

    assert (done.outcome, done.why) == (
        StepOutcome.SKIPPED,
        "what is to stand in for it cannot be used yet",
    )
    assert registry.voice(old).state is State.ACTIVE


@pytest.mark.parametrize("by", ["another", "itself"])
def test_a_key_that_was_given_away_meanwhile(
    open_registry: OpenRegistry, database_url: str, by: str
) -> None:
    registry = provided(open_registry)
    voice = insert_voice(database_url, family=QWEN, **MADE_FROM)
    plan = planned(registry, "a", voice_id=voice)
    if by == "another":
        insert_voice(database_url, family=QWEN, manifest_key="a")
    else:
        update_voice(database_url, voice, manifest_key="other/a")

    (done,) = registry.deployments.run(plan)

    assert done.outcome is StepOutcome.FAILED
    assert registry.voice(voice).manifest_key == (None if by == "another" else "other/a")


# --- choices ----------------------------------------------------------------------------------


def test_the_alias_comes_with_the_choice_or_not_at_all(
    open_registry: OpenRegistry, database_url: str
) -> None:
    registry = provided(open_registry)
    voice = insert_voice(database_url, family=QWEN, candidate_for="a", candidate_alias="narrator")
    insert_voice(database_url, family=QWEN, voice_id="narrator")

    with pytest.raises(Exception, match="it is the id of a voice"):
        registry.candidates.choose(voice)

    kept = registry.voice(voice)
    assert (kept.candidate_for, kept.candidate_alias) == ("a", "narrator")


def test_only_what_was_seen_is_deleted(open_registry: OpenRegistry, database_url: str) -> None:
    registry = provided(open_registry, delete=lambda _: True)
    first, second = (insert_voice(database_url, family=QWEN, candidate_for="a") for _ in range(2))
    kept, others = registry.candidates.others(first)
    kept = registry.candidates.choose(first)
    later = insert_voice(database_url, family=QWEN, candidate_for="a", replaces=first)

    deleted = [voice.id for voice, _ in registry.candidates.delete_others(kept, others)]

    assert deleted == [second]
    assert registry.voice(later).state is State.ACTIVE
