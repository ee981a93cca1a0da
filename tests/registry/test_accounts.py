"""Accounts: added, changed, removed, and every value checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import START, FakeClock
from tests.registry.rows import counts, insert_voice
from tests.registry.support import add_account, edit_account
from voicereg import (
    Account,
    AccountNotFound,
    AccountRejected,
    Family,
    InvalidInput,
    Registry,
    State,
)

FULL: dict[str, Any] = {
    "region": "ap-southeast-1",
    "workspace": "ws-1",
    "base_url": "https://proxy.example/api/v1",
    "api_key_env": "STUDIO_KEY",
    "quota_group": "company",
    "limits": {Family.COSYVOICE: 10, Family.QWEN_TTS: 20},
}


def test_the_default_account(registry: Registry) -> None:
    account = registry.accounts.one()
    assert (account.name, account.region, account.quota_group) == (
        "default",
        "cn-beijing",
        "default",
    )
    assert (account.workspace, account.base_url) == (None, None)
    assert account.api_key_env == "DASHSCOPE_API_KEY"
    assert account.limits == {Family.COSYVOICE: 1000, Family.QWEN_TTS: 1000}
    assert registry.accounts.all() == [account]


def test_an_account_with_everything(registry: Registry) -> None:
    account = add_account(registry, "studio", **FULL)
    for field, value in FULL.items():
        assert getattr(account, field) == value
    assert account.created_at == account.updated_at == START
    assert registry.accounts.one("studio") == account
    assert [one.name for one in registry.accounts.all()] == ["default", "studio"]


def test_an_account_with_nothing_said(registry: Registry) -> None:
    account = add_account(registry, "studio")
    assert account.api_key_env == "DASHSCOPE_API_KEY"
    assert account.quota_group == "studio"
    assert account.limits == {Family.COSYVOICE: 1000, Family.QWEN_TTS: 1000}


def test_accounts_are_listed_by_name(registry: Registry) -> None:
    for name in ("zoo", "alpha", "m"):
        add_account(registry, name)
    assert [one.name for one in registry.accounts.all()] == ["alpha", "default", "m", "zoo"]


BROKEN: list[dict[str, Any]] = [
    {"region": "cn-shanghai"},
    {"region": ""},
    {"region": "cn beijing", "unchecked": True},
    {"region": "evil.example/", "unchecked": True},
    {"workspace": "evil.example/"},
    {"workspace": "-ws"},
    {"workspace": "w" * 64},
    {"workspace": "ws@evil"},
    {"base_url": "http://provider.example/api/v1"},
    {"base_url": "https://provider.example/"},
    {"base_url": "https://user:pass@provider.example/api/v1"},
    {"base_url": "ftp://provider.example/api/v1"},
    {"base_url": "nonsense"},
    {"base_url": "https://provider.example/api/v1?x=1"},
    {"base_url": "https://provider.example/\x00/api/v1"},
    {"base_url": "https://provider.example/\ud800/api/v1"},
    {"api_key_env": "TWO WORDS"},
    {"api_key_env": "1ST"},
    {"api_key_env": "A" * 129},
    {"quota_group": ""},
    {"quota_group": "a b"},
    {"quota_group": "\x00"},
    {"limits": {Family.COSYVOICE: -1}},
    {"limits": {Family.QWEN_TTS: 1_000_001}},
]


def test_each_value_is_checked_and_nothing_is_changed(
    registry: Registry, database_url: str
) -> None:
    before = registry.accounts.all()
    for broken in BROKEN:
        for change, name in ((add_account, "studio"), (edit_account, "default")):
            with pytest.raises(InvalidInput):
                change(registry, name, **broken)
            assert registry.accounts.all() == before, broken
    assert counts(database_url) == (0, 0, 0)


NO_NAMES = ["", " ", "two words", ".hidden", "-x", "x" * 65, "a/b", "*", "\x00", "ß", "a\n"]


def test_each_name_is_checked(registry: Registry) -> None:
    for name in NO_NAMES:
        with pytest.raises(InvalidInput, match="name"):
            add_account(registry, name)
    assert len(registry.accounts.all()) == 1


@pytest.mark.parametrize("name", ["a", "A-1_b.c", "9", "x" * 64])
def test_names_that_will_do(registry: Registry, name: str) -> None:
    assert add_account(registry, name).name == name


def test_every_broken_rule_is_named_at_once(registry: Registry) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_account(
            registry,
            "a b",
            region="x",
            workspace="-",
            api_key_env="-",
            limits={Family.COSYVOICE: -1},
        )
    assert [problem.where for problem in refused.value.problems] == [
        "name",
        "region",
        "workspace",
        "api-key-env",
        "limit",
    ]


@pytest.mark.parametrize("key", ["sk-not-a-real-key", "not.a.variable", "half=secret"])
def test_a_key_given_as_its_variable_is_refused_and_not_repeated(
    registry: Registry, database_url: str, key: str
) -> None:
    for change in (add_account, edit_account):
        with pytest.raises(InvalidInput) as refused:
            change(registry, "default", api_key_env=key)
        assert key not in str(refused.value)
        assert key not in repr(refused.value.problems)
        assert "api-key-env" in str(refused.value)
    assert counts(database_url) == (0, 0, 0)


@pytest.mark.parametrize("odd", ["\x00", "\ud800"])
def test_a_base_url_that_cannot_be_stored_is_not_repeated(registry: Registry, odd: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        add_account(registry, "studio", base_url=f"https://provider.example/?key=secret{odd}")
    assert "secret" not in str(caught.value)


def test_the_password_of_a_base_url_is_not_repeated(registry: Registry) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_account(registry, "studio", base_url="https://me:secret@provider.example/api/v1")
    assert "secret" not in str(refused.value)


def test_a_region_that_is_not_known_yet_can_be_forced(registry: Registry) -> None:
    account = add_account(registry, "studio", region="eu-central-9", unchecked=True)
    assert account.region == "eu-central-9"


@pytest.mark.parametrize("limit", [0, 1, 1_000_000])
def test_limits_at_their_edges(registry: Registry, limit: int) -> None:
    account = add_account(registry, "studio", limits={Family.COSYVOICE: limit})
    assert account.limits == {Family.COSYVOICE: limit, Family.QWEN_TTS: 1000}


def test_a_taken_name(registry: Registry, database_url: str) -> None:
    with pytest.raises(AccountRejected, match="exists") as rejected:
        add_account(registry, "default")
    assert rejected.value.name == "default"
    assert counts(database_url) == (0, 0, 0)


def test_the_name_of_anothers_quota_group_is_not_taken_by_chance(registry: Registry) -> None:
    """Sharing quotas is to be asked for by name."""
    add_account(registry, "studio", quota_group="company")
    with pytest.raises(AccountRejected, match="--quota-group company"):
        add_account(registry, "company")
    assert add_account(registry, "company", quota_group="company").quota_group == "company"


def test_an_edit_that_changes_nothing_leaves_no_trace(registry: Registry, clock: FakeClock) -> None:
    before = add_account(registry, "studio", **FULL)
    logged = registry.events(account="studio")
    clock.advance(timedelta(hours=1))
    assert edit_account(registry, "studio", region=before.region, limits=before.limits) == before
    assert registry.accounts.one("studio") == before
    assert registry.events(account="studio") == logged


@pytest.mark.parametrize(
    ("change", "field", "after"),
    [
        ({"region": "cn-beijing"}, "region", "cn-beijing"),
        ({"workspace": "ws-2"}, "workspace", "ws-2"),
        ({"workspace": ""}, "workspace", None),
        ({"base_url": "http://127.0.0.1:8/api/v1"}, "base_url", "http://127.0.0.1:8/api/v1"),
        ({"base_url": ""}, "base_url", None),
        ({"api_key_env": "OTHER_KEY"}, "api_key_env", "OTHER_KEY"),
        (
            {"limits": {Family.QWEN_TTS: 3}},
            "limits",
            {Family.COSYVOICE: 10, Family.QWEN_TTS: 3},
        ),
    ],
)
def test_an_edit_changes_what_it_names(
    registry: Registry, clock: FakeClock, change: dict[str, Any], field: str, after: object
) -> None:
    before = add_account(registry, "studio", **FULL)
    clock.advance(timedelta(hours=1))
    account = edit_account(registry, "studio", **change)
    assert getattr(account, field) == after
    for other in set(FULL) - {field}:
        assert getattr(account, other) == getattr(before, other)
    assert account.updated_at == START + timedelta(hours=1)
    assert account.created_at == START
    assert registry.accounts.one("studio") == account


def test_an_edit_that_changes_nothing_is_not_logged(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", **FULL)
    before = counts(database_url)
    edit_account(registry, "studio", **FULL)
    edit_account(registry, "studio")
    assert counts(database_url) == before


def test_an_account_without_voices_can_be_removed(registry: Registry) -> None:
    add_account(registry, "studio", limits={Family.COSYVOICE: 3})
    registry.accounts.remove("studio")
    assert [one.name for one in registry.accounts.all()] == ["default"]
    # Its quota group went with it: the name is free, and its limits are forgotten.
    assert add_account(registry, "studio").limits[Family.COSYVOICE] == 1000


def test_a_removed_account_leaves_the_group_to_the_others(registry: Registry) -> None:
    add_account(registry, "studio", quota_group="default", limits={Family.COSYVOICE: 3})
    registry.accounts.remove("studio")
    assert registry.quota("cosyvoice").limit == 3


@pytest.mark.parametrize("state", [State.ACTIVE, State.DELETED, State.FAILED])
def test_an_account_with_voices_is_kept(
    registry: Registry, database_url: str, state: State
) -> None:
    """Of gone ones, too: the record of a voice is never erased."""
    account = add_account(registry, "studio")
    insert_voice(database_url, account="studio", state=state)
    before = counts(database_url)
    with pytest.raises(AccountRejected, match="1 voice"):
        registry.accounts.remove("studio")
    assert registry.accounts.one("studio") == account
    assert counts(database_url) == before


@pytest.mark.parametrize("name", ["nobody", "Default", "*", "%", "a\x00b", "\ud800"])
def test_an_account_that_is_not_there(registry: Registry, name: str) -> None:
    for ask in (registry.accounts.one, registry.accounts.remove):
        with pytest.raises(AccountNotFound) as missing:
            ask(name)
        assert (missing.value.name, missing.value.known) == (name, ("default",))
    with pytest.raises(AccountNotFound):
        edit_account(registry, name, workspace="ws")


def test_accounts_as_json(registry: Registry) -> None:
    account: Account = add_account(registry, "studio", **FULL)
    assert account.as_dict() == {
        "name": "studio",
        "region": "ap-southeast-1",
        "workspace": "ws-1",
        "base_url": "https://proxy.example/api/v1",
        "api_key_env": "STUDIO_KEY",
        "quota_group": "company",
        "limits": {"cosyvoice": 10, "qwen-tts": 20},
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
    }
