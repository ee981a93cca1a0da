"""Quota groups: what accounts share, and what they do not."""

from __future__ import annotations

import pytest

from tests.registry.rows import COSYVOICE, QWEN, counts, insert_voice
from tests.registry.support import COSY, add_account, edit_account, set_limits
from tests.registry.support import QWEN as NARRATED
from voicereg import Family, QuotaExceeded, Registry


def test_an_account_alone_is_its_own_group(registry: Registry) -> None:
    add_account(registry, "studio")
    set_limits(registry, {Family.COSYVOICE: 1})
    registry.reserve(**COSY)
    assert registry.quota(COSYVOICE).remaining == 0
    studio = registry.quota(COSYVOICE, account="studio")
    assert (studio.quota_group, studio.used, studio.limit) == ("studio", 0, 1000)
    registry.reserve(**COSY, account="studio")


def test_a_create_through_one_account_takes_the_slot_of_the_other(registry: Registry) -> None:
    add_account(registry, "studio", quota_group="default")
    set_limits(registry, {Family.COSYVOICE: 1, Family.QWEN_TTS: 2})
    registry.reserve(**COSY, account="studio")
    for account in ("default", "studio"):
        quota = registry.quota(COSYVOICE, account=account)
        assert (quota.account, quota.quota_group) == (account, "default")
        assert (quota.limit, quota.used) == (1, 1)
        with pytest.raises(QuotaExceeded) as exceeded:
            registry.reserve(**COSY, account=account)
        assert exceeded.value.quota_group == "default"
    registry.reserve(**NARRATED)
    assert registry.quota(QWEN, account="studio").remaining == 1


def test_either_account_sets_the_limits_of_both(registry: Registry) -> None:
    add_account(registry, "studio", quota_group="default")
    set_limits(registry, {Family.QWEN_TTS: 7}, account="studio")
    assert registry.accounts.one("default").limits[Family.QWEN_TTS] == 7
    assert registry.quota(QWEN).limit == 7
    assert registry.quota(COSYVOICE).limit == 1000


def test_the_advice_names_idle_voices_of_the_whole_group(
    registry: Registry, database_url: str
) -> None:
    """The slot is freed by a delete through either account."""
    add_account(registry, "studio", quota_group="default")
    idle = insert_voice(database_url, account="studio")
    set_limits(registry, {Family.COSYVOICE: 1})
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.require_quota(COSYVOICE)
    assert [voice.id for voice in exceeded.value.longest_idle] == [idle]
    assert exceeded.value.longest_idle[0].account == "studio"


def test_quotas_of_all_accounts_are_a_row_for_each_account_and_family(registry: Registry) -> None:
    add_account(registry, "studio", quota_group="default")
    add_account(registry, "archive", limits={Family.COSYVOICE: 5})
    shown = registry.quotas(account=registry.ALL_ACCOUNTS)
    assert [(quota.account, quota.family.value) for quota in shown] == [
        (account, family.value) for account in ("archive", "default", "studio") for family in Family
    ]
    assert shown[0].limit == 5


def test_an_account_that_leaves_takes_its_voices_with_it(
    registry: Registry, database_url: str
) -> None:
    add_account(registry, "studio", quota_group="default")
    insert_voice(database_url, account="studio")
    insert_voice(database_url)
    edit_account(registry, "studio", quota_group="apart")
    assert registry.quota(COSYVOICE).used == 1
    assert registry.quota(COSYVOICE, account="studio").used == 1
    assert registry.quota(COSYVOICE, account="studio").quota_group == "apart"


def test_a_refusal_in_a_shared_group_leaves_no_trace(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", quota_group="default", limits={Family.COSYVOICE: 0})
    before = counts(database_url)
    for account in ("default", "studio"):
        with pytest.raises(QuotaExceeded):
            registry.reserve(**COSY, account=account)
    assert counts(database_url) == before
