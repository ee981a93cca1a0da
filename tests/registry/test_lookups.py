"""One voice, found by what a user typed."""

from __future__ import annotations

import pytest

from tests.registry.rows import insert_voice, insert_voices
from tests.registry.support import add_account, confirmed
from voicereg import AccountNotFound, AmbiguousVoice, NoPreview, Registry, State, VoiceNotFound


def test_by_registry_id_and_by_provider_id(registry: Registry) -> None:
    voice = confirmed(registry, "qwen-tts-vd-narrator-voice-1")
    assert registry.voice(voice.id) == voice
    assert registry.voice("qwen-tts-vd-narrator-voice-1") == voice


def test_by_a_unique_beginning_of_either(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, id="abcdef000001", voice_id="cosy-abc")
    insert_voice(database_url, id="bcdefg000001", voice_id="cosy-bcd")
    for beginning in ("a", "abcdef", "abcdef00000", "cosy-a", "cosy-ab"):
        assert registry.voice(beginning).id == voice


def test_an_exact_id_wins_over_a_beginning(registry: Registry, database_url: str) -> None:
    short = insert_voice(database_url, voice_id="cosy-1")
    insert_voice(database_url, voice_id="cosy-12")
    assert registry.voice("cosy-1").id == short


def test_a_beginning_of_both_ids_of_one_voice_is_not_ambiguous(
    registry: Registry, database_url: str
) -> None:
    voice = insert_voice(database_url, id="same00000001", voice_id="same-voice")
    assert registry.voice("same").id == voice


def test_an_ambiguous_beginning_names_the_voices(registry: Registry, database_url: str) -> None:
    ids = insert_voices(database_url, 5)
    with pytest.raises(AmbiguousVoice) as ambiguous:
        registry.voice("row")
    assert ambiguous.value.reference == "row"
    assert ambiguous.value.matches == tuple(ids)


def test_of_many_a_few_are_named(registry: Registry, database_url: str) -> None:
    ids = insert_voices(database_url, 6)
    with pytest.raises(AmbiguousVoice) as ambiguous:
        registry.voice("row")
    assert ambiguous.value.matches == (*ids[:5], "…")


NOT_FOUND = ["%", "_", "row%", "row_________", "r*", "ro.", "", " ", "/", "\\", "'", "ROW"]


def test_a_reference_is_taken_literally(registry: Registry, database_url: str) -> None:
    """No wildcards, and no other case: ids are told apart by it."""
    insert_voice(database_url)
    for reference in NOT_FOUND:
        with pytest.raises(VoiceNotFound) as missing:
            registry.voice(reference)
        assert missing.value.reference == reference
        assert missing.value.account == "default"


ODD_IDS = ["100%_sure", "a_b", "50%", "it's", "back\\slash", "声音-1", "/x"]


def test_odd_ids_are_found_by_their_beginning(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, voice_id="a-b-1")
    for odd in ODD_IDS:
        wanted = insert_voice(database_url, voice_id=f"{odd}-1")
        assert registry.voice(odd).id == wanted
        assert registry.voice(f"{odd}-1").id == wanted


def test_ids_that_differ_in_case_are_two(registry: Registry, database_url: str) -> None:
    lower = insert_voice(database_url, voice_id="cosy-abc")
    upper = insert_voice(database_url, voice_id="cosy-ABC")
    assert registry.voice("cosy-a").id == lower
    assert registry.voice("cosy-ABC").id == upper


def test_gone_voices_are_found_too(registry: Registry, database_url: str) -> None:
    for state in State:
        voice = insert_voice(database_url, state=state)
        assert registry.voice(voice).state is state


def test_a_voice_of_another_account_is_not_found(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", quota_group="default")
    voice = insert_voice(database_url, account="studio", voice_id="studio-voice", name="calm")
    for reference in (voice, "studio-voice", "studio", "calm"):
        with pytest.raises(VoiceNotFound) as missing:
            registry.voice(reference)
        assert missing.value.near == ()
    assert registry.voice(voice, account="studio").id == voice
    with pytest.raises(AccountNotFound):
        registry.voice(voice, account="nobody")


def test_one_may_look_in_all_accounts(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio")
    here = insert_voice(database_url, voice_id="voice-1")
    there = insert_voice(database_url, account="studio", voice_id="voice-2")
    every = registry.ALL_ACCOUNTS
    assert registry.voice(there, account=every).account == "studio"
    assert registry.voice("voice-1", account=every).id == here
    with pytest.raises(AmbiguousVoice):
        registry.voice("voice", account=every)
    with pytest.raises(VoiceNotFound):
        registry.voice("nobody", account=every)
    with pytest.raises(NoPreview):
        registry.preview(there, account=every)


def test_one_id_in_two_groups_is_ambiguous_in_all_accounts(
    registry: Registry, database_url: str
) -> None:
    """Two of the provider's accounts may have given out the same id."""
    add_account(registry, "studio")
    ids = {
        insert_voice(database_url, voice_id="same"),
        insert_voice(database_url, voice_id="same", account="studio"),
    }
    with pytest.raises(AmbiguousVoice) as ambiguous:
        registry.voice("same", account=registry.ALL_ACCOUNTS)
    assert set(ambiguous.value.matches) == ids


@pytest.mark.parametrize("typed", ["calm", "CALM", "Calm"])
def test_one_who_types_a_name_is_told_the_id(
    registry: Registry, database_url: str, typed: str
) -> None:
    voice = insert_voice(database_url, name="Calm")
    with pytest.raises(VoiceNotFound) as missing:
        registry.voice(typed)
    assert missing.value.near == (voice,)
    assert voice in str(missing.value.advice)


def test_no_more_than_three_are_suggested(registry: Registry, database_url: str) -> None:
    ids = insert_voices(database_url, 4, name="calm")
    with pytest.raises(VoiceNotFound) as missing:
        registry.voice("calm")
    assert missing.value.near == tuple(ids[:3])


def test_without_a_preview(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    with pytest.raises(NoPreview) as missing:
        registry.preview(voice)
    assert missing.value.voice.id == voice
    with pytest.raises(VoiceNotFound):
        registry.preview("nobody")
