"""Quotas: what counts against a limit, and what a limit is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.registry.rows import COSYVOICE, QWEN, insert_voice, insert_voices
from tests.registry.support import COSY, DESIGNS, FakeProvider, failing, set_limits
from voicereg import (
    AccountNotFound,
    CreateUnresolved,
    DeleteUnconfirmed,
    Family,
    InvalidInput,
    QuotaExceeded,
    QuotaLevel,
    Registry,
    ReviewRefused,
    Settings,
    State,
)
from voicereg.domain.provider_errors import ConnectionLost, ParameterRefused
from voicereg.domain.quotas import QuotaThresholds
from voicereg.domain.states import GONE, HOLDING


def test_the_default_account_has_a_thousand_free_slots_of_each_family(registry: Registry) -> None:
    for family in Family:
        quota = registry.quota(family)
        assert (quota.limit, quota.used, quota.remaining) == (1000, 0, 1000)
        assert (quota.account, quota.quota_group, quota.family) == ("default", "default", family)
        assert quota.level is QuotaLevel.OK


def test_no_sync_has_confirmed_the_figures_yet(registry: Registry) -> None:
    quota = registry.quota(COSYVOICE)
    assert quota.synced_at is None
    assert quota.stale
    assert quota.unseen == 0


def test_quotas_are_those_of_every_family(registry: Registry) -> None:
    assert registry.quotas() == [registry.quota(family) for family in Family]


@pytest.mark.parametrize("state", HOLDING)
def test_every_holding_state_counts(registry: Registry, database_url: str, state: State) -> None:
    insert_voice(database_url, state=state)
    quota = registry.quota(COSYVOICE)
    assert quota.used == 1
    assert quota.creating == (state is State.CREATING)
    assert quota.unresolved == (state is State.UNRESOLVED)


@pytest.mark.parametrize("state", sorted(GONE))
def test_no_gone_state_counts(registry: Registry, database_url: str, state: State) -> None:
    insert_voice(database_url, state=state)
    assert registry.quota(COSYVOICE).used == 0


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_clones_count_too(registry: Registry, database_url: str, family: str) -> None:
    insert_voices(database_url, 2, family=family, origin="cloned")
    assert registry.quota(family).used == 2


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_the_families_are_counted_apart(registry: Registry, family: str) -> None:
    other = QWEN if family == COSYVOICE else COSYVOICE
    set_limits(registry, {Family(family): 1})
    registry.reserve(**DESIGNS[family])
    assert registry.quota(family).remaining == 0
    assert registry.quota(other).used == 0
    registry.reserve(**DESIGNS[other])
    assert registry.quota(other).used == 1


def test_the_states_that_a_create_goes_through(open_registry: OpenRegistry) -> None:
    """Creating, unresolved, pending and active hold the slot; a release and a refusal free it."""
    registry = open_registry()
    slot = registry.reserve(**COSY)
    assert (registry.quota(COSYVOICE).used, registry.quota(COSYVOICE).creating) == (1, 1)
    slot.confirm("cosyvoice-v3.5-plus-vd-announcer-1")
    assert (registry.quota(COSYVOICE).used, registry.quota(COSYVOICE).creating) == (1, 0)
    registry.reserve(**COSY).release()
    assert registry.quota(COSYVOICE).used == 1
    lost = open_registry(
        client_factory=FakeProvider(create=failing(ConnectionLost("h", "c"))).factory()
    )
    with pytest.raises(CreateUnresolved):
        lost.design(**COSY)
    assert (registry.quota(COSYVOICE).used, registry.quota(COSYVOICE).unresolved) == (2, 1)
    refused = open_registry(
        client_factory=FakeProvider(
            create=failing(ParameterRefused("InvalidParameter", "no", status=400))
        ).factory()
    )
    with pytest.raises(ParameterRefused):
        refused.design(**COSY)
    assert registry.quota(COSYVOICE).used == 2


def test_a_rejected_voice_holds_its_slot_until_it_is_deleted(registry: Registry) -> None:
    with pytest.raises(ReviewRefused) as refused:
        registry.design(**COSY | {"prompt": "A voice [reject]"})
    assert registry.quota(COSYVOICE).used == 1
    registry.delete(refused.value.voice.id)
    assert registry.quota(COSYVOICE).used == 0


def test_a_delete_whose_answer_is_lost_keeps_the_slot(
    open_registry: OpenRegistry, database_url: str
) -> None:
    registry = open_registry(
        client_factory=FakeProvider(delete=failing(ConnectionLost("host", "cut"))).factory()
    )
    voice = insert_voice(database_url)
    with pytest.raises(DeleteUnconfirmed):
        registry.delete(voice)
    assert registry.quota(COSYVOICE).used == 1


def test_a_limit_below_what_is_held_leaves_nothing_and_takes_nothing_away(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 3)
    set_limits(registry, {Family.COSYVOICE: 1})
    quota = registry.quota(COSYVOICE)
    assert (quota.limit, quota.used, quota.remaining) == (1, 3, 0)
    assert quota.level is QuotaLevel.FULL
    assert len(registry.voices()) == 3
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.reserve(**COSY)
    assert (exceeded.value.used, exceeded.value.limit, exceeded.value.remaining) == (3, 1, 0)


def test_a_raised_limit_makes_room_at_once(registry: Registry) -> None:
    set_limits(registry, {Family.COSYVOICE: 0})
    with pytest.raises(QuotaExceeded):
        registry.reserve(**COSY)
    set_limits(registry, {Family.COSYVOICE: 1})
    registry.reserve(**COSY)
    assert registry.quota(COSYVOICE).remaining == 0


@pytest.mark.parametrize(
    ("used", "level"),
    [
        (0, QuotaLevel.OK),
        (4, QuotaLevel.OK),
        (5, QuotaLevel.WARNING),
        (8, QuotaLevel.CRITICAL),
        (10, QuotaLevel.FULL),
    ],
)
def test_the_thresholds_are_those_of_the_settings(
    open_registry: OpenRegistry, database_url: str, used: int, level: QuotaLevel
) -> None:
    registry = open_registry(settings=Settings(quota=QuotaThresholds(warning=0.5, critical=0.8)))
    set_limits(registry, {Family.COSYVOICE: 10})
    if used:
        insert_voices(database_url, used)
    assert registry.quota(COSYVOICE).level is level


def test_require_quota_returns_the_quota_and_holds_nothing(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 998)
    assert registry.require_quota(COSYVOICE, 2) == registry.quota(COSYVOICE)
    assert registry.require_quota(COSYVOICE, 2).remaining == 2
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.require_quota(COSYVOICE, 3)
    error = exceeded.value
    assert (error.family, error.limit, error.used, error.needed) == ("cosyvoice", 1000, 998, 3)
    assert error.remaining == 2
    assert error.quota_group == "default"
    assert not error.by_provider


@pytest.mark.parametrize("needed", [0, -1])
def test_less_than_one_slot_cannot_be_required(registry: Registry, needed: int) -> None:
    with pytest.raises(InvalidInput, match="need"):
        registry.require_quota(COSYVOICE, needed)


@pytest.mark.parametrize("family", ["", "qwen", "CosyVoice", "cosyvoice "])
def test_an_unknown_family_is_refused(registry: Registry, family: str) -> None:
    for ask in (registry.quota, registry.require_quota):
        method: Any = ask
        with pytest.raises(InvalidInput, match="family"):
            method(family)


def test_an_unknown_account_is_named_with_those_that_there_are(registry: Registry) -> None:
    for ask in (registry.quota, registry.require_quota):
        method: Any = ask
        with pytest.raises(AccountNotFound) as missing:
            method(COSYVOICE, account="studio")
        assert (missing.value.name, missing.value.known) == ("studio", ("default",))
    with pytest.raises(AccountNotFound):
        registry.quotas(account="studio")
