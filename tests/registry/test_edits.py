"""Edits of what the registry adds to a voice: labels, all or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import START, FakeClock
from tests.registry.rows import counts, insert_voice, insert_voices
from tests.registry.support import QWEN, add_account
from voicereg import (
    AmbiguousVoice,
    InvalidInput,
    Registry,
    State,
    VoiceNotFound,
)
from voicereg.sandbox import Sandbox


def test_tags_are_added_changed_and_removed(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    registry.edit(voice, tags={"show": "news", "use": "live", "keep": ""})
    (edited,) = registry.edit(voice, tags={"show": "late", "new": "1"}, untag=["use", "nobody"])
    assert edited.tags == {"keep": "", "new": "1", "show": "late"}
    assert registry.voice(voice) == edited


def test_a_tag_that_is_both_removed_and_set_is_set(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    registry.edit(voice, tags={"show": "news"})
    (edited,) = registry.edit(voice, tags={"show": "late"}, untag=["show"])
    assert edited.tags == {"show": "late"}


@pytest.mark.parametrize("field", ["owner", "note"])
def test_texts_are_set_left_alone_and_cleared(
    registry: Registry, database_url: str, field: str
) -> None:
    voice = insert_voice(database_url)
    changed: dict[str, Any] = {field: "the radio team"}
    (edited,) = registry.edit(voice, **changed)
    assert getattr(edited, field) == "the radio team"
    (edited,) = registry.edit(voice, tags={"a": "b"})
    assert getattr(edited, field) == "the radio team"
    changed = {field: ""}
    (edited,) = registry.edit(voice, **changed)
    assert getattr(edited, field) is None
    assert registry.voice(voice) == edited


def test_pinned_and_unpinned(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    assert registry.edit(voice, pin=True)[0].pinned
    assert registry.edit(voice, owner="me")[0].pinned
    assert not registry.edit(voice, pin=False)[0].pinned
    assert not registry.voice(voice).pinned


def test_an_edit_is_dated_and_touches_nothing_else(
    registry: Registry, database_url: str, clock: FakeClock
) -> None:
    voice = insert_voice(database_url)
    before = registry.voice(voice)
    clock.advance(timedelta(hours=2))
    (edited,) = registry.edit(voice, note="a word")
    assert edited.updated_at == START + timedelta(hours=2)
    unchanged = set(before.as_dict(START)) - {"note", "updated_at"}
    assert {field: before.as_dict(START)[field] for field in unchanged} == {
        field: edited.as_dict(START)[field] for field in unchanged
    }
    clock.advance(timedelta(hours=1))
    (tagged,) = registry.edit(voice, tags={"a": "b"})
    assert tagged.updated_at == START + timedelta(hours=3)


NO_CHANGE: list[dict[str, Any]] = [
    {},
    {"tags": {}, "untag": []},
    {"tags": {"show": "news"}},
    {"untag": ["nobody"]},
    {"owner": "me"},
    {"note": ""},
    {"pin": True},
    {"tags": {"show": "news"}, "owner": "me", "note": "", "pin": True, "untag": ["x"]},
]


def test_nothing_is_logged_when_nothing_changes(
    registry: Registry, database_url: str, clock: FakeClock
) -> None:
    voice = insert_voice(database_url)
    (before,) = registry.edit(voice, tags={"show": "news"}, owner="me", pin=True)
    logged = counts(database_url)
    clock.advance(timedelta(hours=1))
    for same in NO_CHANGE:
        assert registry.edit(voice, **same) == [before], same
    assert counts(database_url) == logged


@pytest.mark.parametrize("unknown", ["nobody", "", "row"])
def test_all_or_nothing(registry: Registry, database_url: str, unknown: str) -> None:
    """The last is ambiguous: as good as unknown."""
    ids = insert_voices(database_url, 3)
    logged = counts(database_url)
    error = AmbiguousVoice if unknown == "row" else VoiceNotFound
    with pytest.raises(error):
        registry.edit(ids[0], ids[1], unknown, ids[2], tags={"a": "b"}, pin=True)
    assert counts(database_url) == logged
    assert not any(voice.tags or voice.pinned for voice in registry.voices())


def test_several_are_returned_in_the_order_they_were_given_in(
    registry: Registry, database_url: str
) -> None:
    ids = insert_voices(database_url, 4)
    given = [ids[2], ids[0], ids[3], ids[1]]
    assert [voice.id for voice in registry.edit(*given, owner="me")] == given
    assert {voice.owner for voice in registry.voices()} == {"me"}


def test_every_kind_of_reference_will_do(registry: Registry, database_url: str) -> None:
    first, second, third = (
        insert_voice(database_url, voice_id=f"{word}-voice") for word in ("warm", "calm", "deep")
    )
    edited = registry.edit(first, "calm-voice", "dee", owner="me")
    assert {voice.id for voice in edited} == {first, second, third}


def test_a_voice_that_is_named_twice_is_edited_once(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    voice_id = registry.voice(voice).voice_id
    assert voice_id is not None
    registry.edit(voice, voice_id, tags={"a": "b"}, owner="me")
    assert counts(database_url)[1] == len(registry.events(voice=voice))
    assert registry.voice(voice).tags == {"a": "b"}


def test_no_reference_changes_nothing(registry: Registry, database_url: str) -> None:
    assert registry.edit(owner="me") == []
    assert counts(database_url) == (0, 0, 0)


def test_voices_of_every_state_can_be_edited(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    for state in State:
        voice = insert_voice(database_url, state=state)
        (edited,) = registry.edit(voice, note="still of interest")
        assert (edited.note, edited.state) == ("still of interest", state)
    assert sandbox.requests == ()


BROKEN: list[dict[str, Any]] = [
    {"tags": {"": "x"}},
    {"tags": {" a": "x"}},
    {"tags": {"a=b": "x"}},
    {"tags": {"k" * 101: "x"}},
    {"tags": {"a": "v" * 1001}},
    {"owner": "o" * 201},
    {"note": "n" * 10_001},
]


def test_a_label_that_cannot_be_kept_changes_nothing(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    for broken in BROKEN:
        with pytest.raises(InvalidInput):
            registry.edit(voice, pin=True, **broken)
    assert counts(database_url) == (1, 0, 0)
    assert not registry.voice(voice).pinned


def test_labels_as_long_as_they_may_be(registry: Registry) -> None:
    tags = {"k" * 100: "v" * 1000}
    voice = registry.reserve(**QWEN, tags=tags, owner="o" * 200, note="n" * 10_000).voice
    assert (voice.tags, len(voice.owner or ""), len(voice.note or "")) == (tags, 200, 10_000)


def test_a_voice_of_another_account_is_not_edited(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", quota_group="default")
    voice = insert_voice(database_url, account="studio")
    with pytest.raises(VoiceNotFound):
        registry.edit(voice, owner="me")
    assert registry.edit(voice, owner="me", account="studio")[0].owner == "me"
