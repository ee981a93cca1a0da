"""Known voices: brought up to date with what the provider says, and with nothing older."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, QWEN, update_voice
from tests.registry.support import COSY, confirmed
from tests.registry.support import QWEN as NARRATED
from tests.registry.syncs.support import (
    ONE_DATABASE,
    kinds,
    states,
    stock,
    tampering,
    unlisted,
)
from voicereg import ChangeKind, DeleteUnconfirmed, Registry, Settings, State, Voice
from voicereg.sandbox import Sandbox

NOW = timedelta(0)


def pending(registry: Registry, **changed: Any) -> Voice:
    """A voice whose review was not waited for."""
    voice = registry.design(**(COSY | changed), wait=NOW)
    assert voice.state is State.PENDING
    return voice


@pytest.mark.parametrize(
    ("prompt", "state"),
    [("A voice that passes.", State.ACTIVE), ("[reject] this voice.", State.REJECTED)],
)
def test_a_review_that_has_ended(registry: Registry, prompt: str, state: State) -> None:
    voice = pending(registry, prompt=prompt)
    sync = registry.sync()
    (change,) = sync.changes
    assert (change.kind, change.id, change.voice_id) == (
        ChangeKind.REFRESHED,
        voice.id,
        voice.voice_id,
    )
    assert (change.before, change.after) == (State.PENDING, state)
    assert registry.voice(voice.id).state is state
    newest = registry.events(voice=voice.id, limit=1)[0]
    assert (newest.action, newest.before["state"], newest.after["state"]) == (
        "voice.refresh",
        "pending",
        state.value,
    )
    assert registry.sync().changes == ()
    assert registry.quota(COSYVOICE).used == 1


@ONE_DATABASE
def test_a_review_that_lasts(open_registry: OpenRegistry, clock: FakeClock) -> None:
    with Sandbox.start(review_time=timedelta(hours=1), clock=clock.now) as sandbox:
        registry = open_registry(settings=Settings(base_url=sandbox.base_url))
        voice = registry.design(**COSY, wait=NOW)
        assert registry.sync().changes == ()
        clock.advance(timedelta(hours=1))
        assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
        assert registry.voice(voice.id).state is State.ACTIVE


@ONE_DATABASE
@pytest.mark.parametrize("said", ["PAUSED", None, 7])
def test_a_word_on_the_review_that_is_not_documented_changes_nothing(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock, said: Any
) -> None:
    def reworded(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        if action != "list":
            return None
        return {"voice_list": [{**item, "status": said} for item in output["voice_list"]]}

    registry = open_registry(client_factory=tampering(clock, reworded))
    pending(registry)
    assert registry.sync(family=COSYVOICE).changes == ()
    stock(sandbox)
    registry.sync(family=COSYVOICE)
    assert [voice.state for voice in registry.voices()] == [State.PENDING] * 2, "until it is known"


def test_what_was_not_told_at_first_is_filled_in(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    def bare(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        if action != "list":
            return None
        said = ("voice", "gmt_create")
        items = [{name: item[name] for name in said} for item in output["voice_list"]]
        return output | {"voice_list": items}

    (there,) = stock(sandbox, family=QWEN, language="en")
    sandbox.misbehave("query", "500", times=None)
    open_registry(client_factory=tampering(clock, bare)).sync(family=QWEN)
    sandbox.clear_faults()
    registry = open_registry()
    (voice,) = registry.voices()
    assert (voice.prompt, voice.preview_text, voice.language) == (None, None, None)
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    (voice,) = registry.voices()
    assert (voice.prompt, voice.preview_text, voice.language) == (
        there.prompt,
        there.preview_text,
        "en",
    )
    assert voice.target_model == there.target_model


def test_the_provider_has_the_last_word_on_the_model_and_none_on_the_prompt(
    registry: Registry, sandbox: Sandbox
) -> None:
    model = "qwen3-tts-vd-realtime-2026-01-15"
    (there,) = stock(sandbox, family=QWEN, target_model=model)
    voice = confirmed(registry, there.voice_id)
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    after = registry.voice(voice.id)
    assert after.target_model == model
    assert (after.prompt, after.name) == (NARRATED["prompt"], NARRATED["name"])
    assert registry.sync().changes == ()


def test_what_people_added_survives(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    (there,) = stock(sandbox, status="DEPLOYING")
    registry.sync()
    (voice,) = registry.edit(
        there.voice_id, tags={"use": "news"}, owner="radio", note="slow", pin=True
    )
    update_voice(database_url, voice.id, state="rejected")
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    after = registry.voice(voice.id)
    assert after.state is State.PENDING
    assert (after.tags, after.owner, after.note, after.pinned) == (
        {"use": "news"},
        "radio",
        "slow",
        True,
    )


# While a listing is read, others go on working. Their word is newer.


def test_an_edit_meanwhile_and_the_refresh_both_hold(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox
) -> None:
    voice = pending(registry)
    colleague = open_registry(actor="colleague")
    sandbox.on_action("list", lambda box: colleague.edit(voice.id, tags={"use": "news"}))
    assert kinds(registry.sync()) == [ChangeKind.REFRESHED]
    after = registry.voice(voice.id)
    assert (after.state, after.tags) == (State.ACTIVE, {"use": "news"})


def test_a_voice_deleted_meanwhile_is_not_brought_back(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox, clock: FakeClock
) -> None:
    voice = registry.design(**COSY)
    clock.advance(timedelta(days=1))
    colleague = open_registry()
    sandbox.on_action("list", lambda box: colleague.delete(voice.id))
    sync = registry.sync()
    assert (sync.complete, sync.changes, sync.listed) == (True, (), 1)
    assert registry.voice(voice.id).state is State.DELETED
    assert registry.quota(COSYVOICE).used == 0


def test_a_delete_asked_meanwhile_is_left_alone(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox
) -> None:
    voice = pending(registry)
    colleague = open_registry()
    sandbox.misbehave("delete", "500", times=None)

    def ask(box: Sandbox) -> None:
        with pytest.raises(DeleteUnconfirmed):
            colleague.delete(voice.id)

    sandbox.on_action("list", ask)
    assert registry.sync().changes == ()
    assert registry.voice(voice.id).state is State.DELETING


def test_a_voice_made_meanwhile_is_neither_missed_nor_imported(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox
) -> None:
    stock(sandbox)
    colleague = open_registry()
    made: list[Voice] = []
    sandbox.on_action("list", lambda box: made.append(colleague.design(**COSY)), when="before")
    sync = registry.sync()
    assert sync.listed == 2, "the listing shows it, though it was on no record when it began"
    assert kinds(sync) == [ChangeKind.IMPORTED]
    assert registry.voice(made[0].id).state is State.ACTIVE
    assert registry.quota(COSYVOICE).used == 2
    assert registry.sync().changes == ()


def test_a_voice_made_right_after_its_page_was_read_is_not_missing(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox
) -> None:
    colleague = open_registry()
    made: list[Voice] = []
    sandbox.on_action("list", lambda box: made.append(colleague.design(**COSY)))
    assert registry.sync().changes == ()
    assert states(registry) == {made[0].voice_id: State.ACTIVE}


def test_a_review_seen_meanwhile_is_newer_than_the_listing(
    open_registry: OpenRegistry, sandbox: Sandbox, clock: FakeClock
) -> None:
    def old(action: str, output: dict[str, Any]) -> dict[str, Any] | None:
        if action != "list":
            return None
        return {"voice_list": [{**item, "status": "DEPLOYING"} for item in output["voice_list"]]}

    registry = open_registry(client_factory=tampering(clock, old))
    voice = pending(registry)
    colleague = open_registry()
    sandbox.on_action("list", lambda box: colleague.refresh(voice.id))
    assert registry.sync(family=COSYVOICE).changes == ()
    assert registry.voice(voice.id).state is State.ACTIVE


def test_a_voice_given_up_meanwhile_is_left_to_the_next_sync(
    open_registry: OpenRegistry, registry: Registry, sandbox: Sandbox
) -> None:
    """Which of the two listings is the newer is not known."""
    (there,) = stock(sandbox)
    registry.sync()
    unlisted(sandbox)
    registry.sync(family=COSYVOICE)
    colleague = open_registry()

    def give_up(box: Sandbox) -> None:
        unlisted(box)
        assert kinds(colleague.sync(family=COSYVOICE)) == [ChangeKind.GONE]

    sandbox.on_action("list", give_up)
    assert registry.sync(family=COSYVOICE).changes == ()
    assert states(registry) == {there.voice_id: State.LOST}
    assert kinds(registry.sync(family=COSYVOICE)) == [ChangeKind.REFRESHED]
