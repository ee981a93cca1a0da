"""Slots held for a create that the caller carries out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN, counts, row_of
from tests.registry.support import COSY, the_only_voice
from tests.registry.support import QWEN as NARRATED
from voicereg import (
    CreateUnresolved,
    InvalidInput,
    PreviewAudio,
    Registry,
    Settings,
    State,
    StateConflict,
)
from voicereg.sandbox import Sandbox
from voicereg.settings import CreateSettings


def test_a_slot_is_held_and_confirmed(registry: Registry, sandbox: Sandbox) -> None:
    with registry.reserve(**NARRATED) as slot:
        assert slot.voice.state is State.CREATING
        assert not slot.settled
        assert registry.quota(QWEN).creating == 1
        voice = slot.confirm("qwen-made")
    assert slot.settled
    assert slot.voice == voice == registry.voice("qwen-made")
    assert voice.state is State.ACTIVE
    assert sandbox.requests == (), "the call is the caller's"


def test_a_reviewed_family_is_pending_at_first(registry: Registry) -> None:
    with registry.reserve(**COSY) as slot:
        assert slot.confirm("cosy-made").state is State.PENDING


def test_a_preview_and_the_request_may_come_with_it(registry: Registry) -> None:
    preview = PreviewAudio(b"RIFF\x00\xff", "wav", 24000)
    with registry.reserve(**NARRATED) as slot:
        slot.confirm("qwen-made", preview=preview, request_id="request-3")
    voice, kept = registry.preview("qwen-made")
    assert voice.request_id == "request-3"
    assert (kept.data, kept.response_format, kept.sample_rate) == (preview.data, "wav", 24000)
    assert kept.kept_at == START


def test_a_release_frees_the_slot(registry: Registry) -> None:
    with registry.reserve(**COSY) as slot:
        voice = slot.release("the provider said no")
    assert voice.state is State.FAILED
    assert voice.state_reason == "the provider said no"
    assert voice.gone_at == START
    assert registry.quota(COSYVOICE).used == 0


def test_a_second_release_changes_nothing(registry: Registry, database_url: str) -> None:
    slot = registry.reserve(**COSY)
    voice = slot.release()
    before = counts(database_url)
    assert slot.release("again") == voice
    assert counts(database_url) == before


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt(), SystemExit(2)])
def test_an_exception_leaves_it_unresolved_and_passes_through(
    registry: Registry, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised, registry.reserve(**COSY) as slot:
        raise error
    assert raised.value is error
    assert slot.voice == the_only_voice(registry)
    assert slot.voice.state is State.UNRESOLVED
    assert type(error).__name__ in str(slot.voice.state_reason)
    assert registry.quota(COSYVOICE).unresolved == 1


def test_a_block_that_ends_without_a_word_is_an_error(registry: Registry) -> None:
    with pytest.raises(CreateUnresolved) as forgotten, registry.reserve(**COSY):
        pass
    assert forgotten.value.voice == the_only_voice(registry)
    assert forgotten.value.voice.state is State.UNRESOLVED


@pytest.mark.parametrize("settle", ["confirm", "release"])
def test_an_exception_after_it_was_settled_changes_nothing(registry: Registry, settle: str) -> None:
    slot = registry.reserve(**NARRATED)
    voice = slot.confirm("qwen-made") if settle == "confirm" else slot.release()
    with pytest.raises(ValueError, match="later"), slot:
        raise ValueError("later")
    assert registry.voice(voice.id) == voice


def test_a_slot_works_without_a_block(registry: Registry) -> None:
    kept, freed = registry.reserve(**NARRATED), registry.reserve(**NARRATED)
    assert kept.confirm("qwen-made").state is State.ACTIVE
    assert freed.release().state is State.FAILED
    assert registry.quota(QWEN).used == 1


@pytest.mark.parametrize("lease", [timedelta(seconds=90), timedelta(hours=3)])
def test_a_lease_lasts_as_long_as_asked(
    registry: Registry, database_url: str, lease: timedelta
) -> None:
    slot = registry.reserve(**COSY, lease=lease)
    assert slot.voice.lease_expires_at == START + lease
    row = row_of(database_url, slot.voice.id)
    assert row.lease_expires_at == START + lease
    assert row.lease_holder == slot.voice.lease_holder


def test_a_lease_lasts_as_long_as_the_settings_say(open_registry: OpenRegistry) -> None:
    registry = open_registry(settings=Settings(create=CreateSettings(settle_after=timedelta(3))))
    assert registry.reserve(**COSY).voice.lease_expires_at == START + timedelta(3)


def test_each_lease_has_its_own_holder(registry: Registry) -> None:
    holders = {registry.reserve(**COSY).voice.lease_holder for _ in range(3)}
    assert len(holders) == 3


@pytest.mark.parametrize("lease", [timedelta(0), timedelta(seconds=-1), timedelta.max])
def test_a_lease_that_is_none_is_refused(
    registry: Registry, database_url: str, lease: timedelta
) -> None:
    with pytest.raises(InvalidInput, match="lease"):
        registry.reserve(**COSY, lease=lease)
    assert counts(database_url) == (0, 0, 0)


NO_IDS: list[Any] = ["", " ", "\n", "a\x00b", "\ud800", "x" * 1000, None, 7, b"qwen"]


def test_what_is_no_voice_id_is_refused(registry: Registry, database_url: str) -> None:
    slot = registry.reserve(**NARRATED)
    before = counts(database_url)
    for voice_id in NO_IDS:
        with pytest.raises(InvalidInput, match="voice_id"):
            slot.confirm(voice_id)
    assert counts(database_url) == before
    assert registry.voice(slot.voice.id).state is State.CREATING
    assert slot.confirm("qwen-made").state is State.ACTIVE, "the slot is as good as before"


def test_a_wrong_id_within_the_block_leaves_it_unresolved(registry: Registry) -> None:
    """A call that returned nothing usable: nobody knows what the provider did."""
    with pytest.raises(InvalidInput), registry.reserve(**NARRATED) as slot:
        slot.confirm("")
    assert the_only_voice(registry).state is State.UNRESOLVED


def test_a_confirmed_slot_cannot_be_released(registry: Registry) -> None:
    with registry.reserve(**NARRATED) as slot:
        voice = slot.confirm("qwen-made")
        with pytest.raises(StateConflict) as conflict:
            slot.release()
    assert conflict.value.voice == voice
    assert conflict.value.state is State.ACTIVE
    assert registry.voice(voice.id) == voice


def test_a_confirm_with_another_id_is_refused(registry: Registry) -> None:
    with registry.reserve(**NARRATED) as slot:
        voice = slot.confirm("qwen-made")
        with pytest.raises(StateConflict, match="qwen-made"):
            slot.confirm("qwen-other")
    assert registry.voice(voice.id) == voice


def test_a_confirm_with_the_same_id_changes_nothing(registry: Registry, database_url: str) -> None:
    slot = registry.reserve(**NARRATED)
    voice = slot.confirm("qwen-made")
    before = counts(database_url)
    assert slot.confirm("qwen-made") == voice
    assert counts(database_url) == before


def test_an_id_that_is_recorded_for_another_voice_is_refused(
    registry: Registry, database_url: str
) -> None:
    first, second = registry.reserve(**NARRATED), registry.reserve(**NARRATED)
    taken = first.confirm("qwen-made")
    before = counts(database_url)
    with pytest.raises(StateConflict, match=taken.id):
        second.confirm("qwen-made")
    assert counts(database_url) == before
    assert registry.voice(second.voice.id).state is State.CREATING


@pytest.mark.parametrize("how", ["confirm", "release", "unresolved"])
def test_each_end_of_a_slot_is_one_event(registry: Registry, how: str) -> None:
    slot = registry.reserve(**NARRATED)
    if how == "confirm":
        slot.confirm("qwen-made")
    elif how == "release":
        slot.release()
    else:
        slot.__exit__(ValueError, ValueError("x"), None)
    ended, created = registry.events()
    assert created.action == "voice.create"
    assert ended.action == {"release": "voice.fail"}.get(how, f"voice.{how}")
    assert ended.before["state"] == "creating"
