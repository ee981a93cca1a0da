"""Accounts that move between quota groups, with their voices."""

from __future__ import annotations

import pytest

from tests.conftest import OpenRegistry
from tests.registry.rows import COSYVOICE, counts, insert_voice, insert_voices, row_of
from tests.registry.support import COSY, add_account, edit_account
from voicereg import AccountRejected, Family, QuotaExceeded, Registry, State


def test_voices_that_fit_move_along(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 5})
    moved = insert_voices(database_url, 2)
    insert_voices(database_url, 3, account="studio")
    account = edit_account(registry, "default", quota_group="studio")
    assert account.quota_group == "studio"
    assert registry.quota(COSYVOICE).used == 5
    assert registry.quota(COSYVOICE, account="studio").used == 5
    assert {row_of(database_url, voice).quota_group_id for voice in moved} == {
        account.quota_group_id
    }
    with pytest.raises(QuotaExceeded):
        registry.reserve(**COSY)


def test_voices_that_do_not_fit_stay(registry: Registry, database_url: str) -> None:
    studio = add_account(registry, "studio", limits={Family.COSYVOICE: 4})
    insert_voices(database_url, 2)
    insert_voices(database_url, 3, account="studio")
    before, recorded = registry.accounts.all(), counts(database_url)
    with pytest.raises(AccountRejected, match="would hold 5 cosyvoice voices") as rejected:
        edit_account(registry, "default", quota_group="studio", workspace="ws")
    assert rejected.value.name == "default"
    assert registry.accounts.all() == before
    assert registry.quota(COSYVOICE).used == 2
    assert registry.quota(COSYVOICE, account=studio.name).used == 3
    assert counts(database_url) == recorded


def test_room_can_be_made_in_the_same_step(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 1})
    insert_voices(database_url, 2)
    limits = {Family.COSYVOICE: 2}
    edit_account(registry, "default", quota_group="studio", limits=limits)
    assert registry.quota(COSYVOICE, account="studio").remaining == 0


def test_gone_voices_need_no_room(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 0, Family.QWEN_TTS: 0})
    insert_voices(database_url, 3, state=State.DELETED)
    assert edit_account(registry, "default", quota_group="studio").quota_group == "studio"


def test_a_group_that_is_over_its_limit_takes_an_account_that_adds_nothing(
    registry: Registry, database_url: str
) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 1})
    insert_voices(database_url, 3, account="studio")
    assert edit_account(registry, "default", quota_group="studio").quota_group == "studio"


def test_an_id_that_both_groups_know_cannot_come_twice(
    registry: Registry, database_url: str
) -> None:
    """In one group it would be one voice, and count once."""
    add_account(registry, "studio")
    insert_voice(database_url, voice_id="same")
    insert_voice(database_url, voice_id="same", account="studio")
    before = registry.accounts.all()
    with pytest.raises(AccountRejected, match="recorded in studio as well"):
        edit_account(registry, "default", quota_group="studio")
    assert registry.accounts.all() == before


def test_voices_without_an_id_are_not_the_same_voice(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio")
    insert_voice(database_url, state=State.UNRESOLVED)
    insert_voice(database_url, state=State.UNRESOLVED, account="studio")
    edit_account(registry, "default", quota_group="studio")
    assert registry.quota(COSYVOICE).unresolved == 2


def test_a_new_group_is_made_and_an_empty_one_dropped(registry: Registry) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 7})
    account = edit_account(registry, "studio", quota_group="apart", limits={Family.QWEN_TTS: 9})
    assert account.quota_group == "apart"
    # What was lowered stays lowered, but for what is said anew.
    assert account.limits == {Family.COSYVOICE: 7, Family.QWEN_TTS: 9}
    # The group called "studio" went when nobody was left in it.
    assert edit_account(registry, "default", quota_group="studio").limits == {
        Family.COSYVOICE: 1000,
        Family.QWEN_TTS: 1000,
    }


def test_a_group_that_others_are_in_stays(registry: Registry) -> None:
    add_account(registry, "studio", quota_group="default", limits={Family.COSYVOICE: 7})
    edit_account(registry, "studio", quota_group="apart")
    assert registry.quota(COSYVOICE).limit == 7


def test_a_move_is_one_event_with_what_changed(registry: Registry) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 7})
    edit_account(registry, "default", quota_group="studio")
    event = registry.events(limit=1)[0]
    assert (event.action, event.account) == ("account.edit", "default")
    assert event.before == {
        "quota_group": "default",
        "limits": {"cosyvoice": 1000, "qwen-tts": 1000},
    }
    assert event.after == {"quota_group": "studio", "limits": {"cosyvoice": 7, "qwen-tts": 1000}}


def test_a_slot_that_was_reserved_before_the_move_is_confirmed_after_it(
    registry: Registry, open_registry: OpenRegistry
) -> None:
    slot = registry.reserve(**COSY)
    edit_account(open_registry(), "default", quota_group="apart")
    voice = slot.confirm("cosy-made")
    assert voice.quota_group_id == registry.accounts.one().quota_group_id
    assert registry.quota(COSYVOICE).used == 1
