"""Voices that others made: found by a sync, and recorded as far as the provider tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, MODELS, QWEN
from tests.registry.support import edit_account
from tests.registry.syncs.support import (
    CLONE_MODELS,
    ONE_DATABASE,
    YEAR,
    asked,
    everything,
    kinds,
    second_account,
    states,
    stock,
    tampering,
    without_ids,
)
from voicereg import ChangeKind, DeadlineBasis, Origin, Registry, State
from voicereg.sandbox import Sandbox

MADE_AT = START - timedelta(days=100)


def test_a_mixed_account_of_both_families(registry: Registry, sandbox: Sandbox) -> None:
    made = {
        voice.voice_id: voice
        for family in (COSYVOICE, QWEN)
        for origin in ("designed", "cloned")
        for voice in stock(sandbox, 2, family=family, origin=origin, created_at=MADE_AT)
    }
    sync = registry.sync()
    assert sync.complete
    assert sync.problems == ()
    assert kinds(sync) == [ChangeKind.IMPORTED] * 8
    assert (sync.listed, sync.any_day, sync.held_back, sync.unresolved) == (8, 0, 0, 0)
    found = registry.voices()
    assert {voice.voice_id for voice in found} == made.keys()
    assert {change.id for change in sync.changes} == {voice.id for voice in found}
    for voice in found:
        there = made[str(voice.voice_id)]
        assert voice.family.value == there.family
        assert voice.origin.value == there.origin
        assert voice.target_model == there.target_model
        assert voice.name == there.name
        assert (voice.prompt, voice.preview_text) == (there.prompt, there.preview_text)
        assert voice.state is State.ACTIVE
        assert voice.created_at == MADE_AT, "Beijing's reading, which is the sandbox's clock"
        assert voice.deadline_at == MADE_AT + YEAR
        assert voice.deadline_basis is DeadlineBasis.ESTIMATED
        assert (voice.last_used_at, voice.lease_expires_at, voice.gone_at) == (None, None, None)
        (event,) = registry.events(voice=voice.id)
        assert (event.action, event.actor) == ("voice.import", "tester")
        assert event.after["voice_id"] == voice.voice_id
    for quota in registry.quotas():
        assert (quota.used, quota.unseen, quota.stale) == (4, 0, False)
        assert quota.synced_at == START


def test_a_second_sync_of_the_same_voices_changes_nothing(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox, 3, family=QWEN)
    stock(sandbox, 2, origin="cloned")
    registry.sync()
    before = registry.voices()
    sandbox.clear_requests()
    again = registry.sync()
    assert again.complete
    assert again.changes == ()
    assert registry.voices() == before
    assert asked(sandbox, "query") == 0, "what is known is not asked for"
    assert asked(sandbox, "list") == again.requests == len(sandbox.requests)


def test_the_models_of_cosyvoice_clones_are_asked_for_one_by_one(
    registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox, 4)
    clones = stock(sandbox, 3, origin="cloned")
    stock(sandbox, 2, family=QWEN, origin="cloned")
    registry.sync()
    questions = [
        request.body["input"]["voice_id"]
        for request in sandbox.requests
        if request.body["input"]["action"] == "query_voice"
    ]
    assert sorted(questions) == sorted(clone.voice_id for clone in clones)
    found = registry.voices(origin="cloned", family=COSYVOICE)
    assert {voice.target_model for voice in found} == {CLONE_MODELS[COSYVOICE]}


def test_a_query_that_fails_is_made_up_for_by_the_next_sync(
    registry: Registry, sandbox: Sandbox
) -> None:
    clones = stock(sandbox, 5, origin="cloned")
    sandbox.misbehave("query", "500", times=None)
    first = registry.sync()
    assert first.complete, "a voice is recorded without its model rather than not at all"
    found = registry.voices()
    assert [voice.target_model for voice in found] == [None] * 5
    assert {voice.name for voice in found} == {clone.voice_id for clone in clones}
    asked_of = {
        request.body["input"]["voice_id"]
        for request in sandbox.requests
        if request.body["input"]["action"] == "query_voice"
    }
    assert len(asked_of) == 3, "after three questions without an answer no more are asked"
    sandbox.clear_faults()
    second = registry.sync()
    assert kinds(second) == [ChangeKind.REFRESHED] * 5
    assert {voice.target_model for voice in registry.voices()} == {CLONE_MODELS[COSYVOICE]}
    assert registry.sync().changes == ()


def test_a_clone_that_was_listed_is_there_whatever_a_query_says(
    registry: Registry, sandbox: Sandbox
) -> None:
    """Queries may lag. If it has gone since, the next listings say so."""
    (clone,) = stock(sandbox, origin="cloned")
    sandbox.on_action("query", lambda box: box.remove_voice(clone.voice_id), when="before")
    assert kinds(registry.sync()) == [ChangeKind.IMPORTED]
    assert [voice.target_model for voice in registry.voices()] == [None]
    assert kinds(registry.sync()) == [ChangeKind.MISSING]
    assert kinds(registry.sync()) == [ChangeKind.GONE]


@ONE_DATABASE
@pytest.mark.parametrize(
    ("status", "state"),
    [("OK", State.ACTIVE), ("DEPLOYING", State.PENDING), ("UNDEPLOYED", State.REJECTED)],
)
def test_the_review_of_an_imported_voice(
    registry: Registry, sandbox: Sandbox, status: str, state: State
) -> None:
    stock(sandbox, status=status)
    registry.sync()
    assert [voice.state for voice in registry.voices()] == [state]


def test_voices_past_their_estimated_deadline_may_go_any_day_and_are_counted_once(
    registry: Registry, sandbox: Sandbox
) -> None:
    (old,) = stock(sandbox, created_at=START - timedelta(days=400))
    (on_the_day,) = stock(sandbox, family=QWEN, created_at=START - YEAR)
    stock(sandbox, created_at=START - YEAR + timedelta(days=2))
    assert registry.sync().any_day == 2
    due = registry.expiring(within=timedelta(0))
    assert [voice.voice_id for voice in due] == [old.voice_id, on_the_day.voice_id]
    assert [voice.days_left(START) for voice in due] == [0, 0]
    assert registry.sync().any_day == 0


def test_a_time_in_the_future_is_not_believed(registry: Registry, sandbox: Sandbox) -> None:
    stock(sandbox, created_at=START + timedelta(days=30))
    registry.sync()
    (voice,) = registry.voices()
    assert (voice.created_at, voice.deadline_at) == (START, START + YEAR)


@ONE_DATABASE
@pytest.mark.parametrize(
    "said", [None, "", "yesterday", "0001-01-01 00:00:00", 1765378449, [], "9999-12-31 99:99:99"]
)
def test_without_a_time_the_deadline_is_the_earliest_there_can_be(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock, said: Any
) -> None:
    def untimed(action: str, output: dict[str, Any]) -> dict[str, Any]:
        return {"voice_list": [{**item, "gmt_create": said} for item in output["voice_list"]]}

    stock(sandbox)
    registry = open_registry(client_factory=tampering(clock, untimed))
    assert registry.sync(family=COSYVOICE).any_day == 1
    (voice,) = registry.voices()
    assert (voice.created_at, voice.deadline_at) == (START - YEAR, START)
    assert voice.deadline_basis is DeadlineBasis.ESTIMATED


@pytest.mark.parametrize("said", ["0001-06-01 00:00:00", "9999-12-31 23:59:59"])
def test_times_at_both_ends_of_the_calendar(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock, said: str
) -> None:
    def far(action: str, output: dict[str, Any]) -> dict[str, Any]:
        return {"voice_list": [{**item, "gmt_create": said} for item in output["voice_list"]]}

    stock(sandbox)
    registry = open_registry(client_factory=tampering(clock, far))
    assert registry.sync(family=COSYVOICE).complete
    (voice,) = registry.voices()
    assert voice.created_at <= START
    assert voice.deadline_at == voice.created_at + YEAR
    assert registry.sync(family=COSYVOICE).changes == ()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a \x00 in it", None),
        ("half a pair: \ud83d", "half a pair: ?"),
        ("red \x1b[31m, bell \x07, back \r", "red \x1b[31m, bell \x07, back \r"),
        ("\u202eright to left", "\u202eright to left"),
        ("x" * 200_000, "x" * 200_000),
        (["a list"], None),
        (7, None),
    ],
    ids=["NUL", "surrogate", "controls", "bidi", "huge", "list", "number"],
)
def test_texts_that_nobody_expects(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock, said: Any, kept: str | None
) -> None:
    def hostile(action: str, output: dict[str, Any]) -> dict[str, Any]:
        items = output["voice_list"]
        return output | {
            "voice_list": [
                {**item, "voice_prompt": said, "preview_text": said, "language": said}
                for item in items
            ]
        }

    stock(sandbox, family=QWEN)
    registry = open_registry(client_factory=tampering(clock, hostile))
    sync = registry.sync(family=QWEN)
    assert (sync.complete, kinds(sync)) == (True, [ChangeKind.IMPORTED])
    (voice,) = registry.voices()
    assert (voice.prompt, voice.preview_text, voice.language) == (kept, kept, kept)
    assert registry.sync(family=QWEN).changes == (), "and it is the same the next time"


@ONE_DATABASE
@pytest.mark.parametrize("said", ["a\x00b", "a b", "\x1b[31m", "x" * 600, "", 7, None])
def test_an_id_that_can_be_none_spoils_its_listing_only(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock, database_url: str, said: Any
) -> None:
    def hostile(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        items = output["voice_list"]
        if not items or "voice" not in items[0]:
            return None
        return output | {"voice_list": [*items, {**items[0], "voice": said}]}

    stock(sandbox, family=QWEN)
    (other,) = stock(sandbox)
    registry = open_registry(client_factory=tampering(clock, hostile))
    sync = registry.sync()
    assert not sync.complete
    assert len(sync.problems) == 1
    assert "designed qwen-tts" in sync.problems[0]
    assert states(registry) == {other.voice_id: State.ACTIVE}


def test_a_voice_whose_id_has_another_shape_is_called_by_its_id(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    def renamed(action: str, output: dict[str, Any]) -> dict[str, Any]:
        return output | {"voice_list": [{"voice": "v2/音色:1"}] if output["voice_list"] else []}

    stock(sandbox, family=QWEN, origin="cloned")
    registry = open_registry(client_factory=tampering(clock, renamed))
    registry.sync(family=QWEN)
    (voice,) = registry.voices()
    assert (voice.voice_id, voice.name, voice.target_model) == ("v2/音色:1", "v2/音色:1", None)


def test_voices_of_another_account_of_the_group_are_not_imported_twice(
    registry: Registry, sandbox: Sandbox
) -> None:
    second_account(registry, sandbox)
    stock(sandbox, 3)
    assert len(registry.sync().changes) == 3
    other = registry.sync(account="studio")
    assert (other.complete, other.changes) == (True, ())
    assert registry.quota(COSYVOICE).used == 3
    assert registry.voices(account="studio") == []


def test_accounts_of_different_groups_each_have_their_own_record(
    registry: Registry, sandbox: Sandbox
) -> None:
    second_account(registry, sandbox)
    edit_account(registry, "studio", quota_group="apart")
    stock(sandbox, 2)
    registry.sync()
    assert len(registry.sync(account="studio").changes) == 2
    assert registry.quota(COSYVOICE).used == registry.quota(COSYVOICE, account="studio").used == 2


def test_one_family_is_compared_and_the_other_left(registry: Registry, sandbox: Sandbox) -> None:
    stock(sandbox)
    stock(sandbox, family=QWEN)
    sync = registry.sync(family=QWEN)
    assert [change.family.value for change in sync.changes] == [QWEN]
    assert registry.quota(QWEN).synced_at == START
    assert registry.quota(COSYVOICE).synced_at is None


def test_a_dry_run_changes_nothing_and_tells_what_the_real_one_does(
    registry: Registry, sandbox: Sandbox, database_url: str, clock: FakeClock
) -> None:
    gone, *_ = stock(sandbox, 2)
    stock(sandbox, family=QWEN, created_at=datetime(2024, 1, 1, tzinfo=START.tzinfo))
    registry.sync()
    sandbox.remove_voice(gone.voice_id)
    stock(sandbox, origin="cloned", created_at=START - timedelta(days=500))
    before = everything(database_url)
    clock.advance(timedelta(hours=1))
    dry = registry.sync(dry_run=True)
    assert everything(database_url) == before
    real = registry.sync()
    assert everything(database_url) != before
    assert dry.dry_run
    assert not real.dry_run
    assert without_ids(dry) == without_ids(real)
    assert set(kinds(real)) == {ChangeKind.IMPORTED, ChangeKind.MISSING}
    same = ("complete", "listed", "held_back", "unresolved", "any_day", "problems", "requests")
    assert {key: dry.as_dict()[key] for key in same} == {key: real.as_dict()[key] for key in same}
    imported = [change for change in dry.changes if change.kind is ChangeKind.IMPORTED]
    assert [change.id for change in imported] == [None]
    assert {Origin(voice.origin) for voice in registry.voices()} == set(Origin)
    assert MODELS[QWEN] in {voice.target_model for voice in registry.voices()}
