"""A limit that somebody has deleted by hand: what is said, and that it can be mended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.registry.rows import COSYVOICE, QWEN, begun
from tests.registry.support import COSY, add_account
from voicereg import (
    AccountRejected,
    DatabaseProblem,
    Family,
    InvalidInput,
    LimitMissing,
    Registry,
)
from voicereg.tables import quota_groups, quota_limits

BOTH = (COSYVOICE, QWEN)


def delete_limits(url: str, *families: str, group: str = "default") -> None:
    with begun(url) as connection:
        of_group = sa.select(quota_groups.c.id).where(quota_groups.c.name == group)
        connection.execute(
            sa.delete(quota_limits).where(
                quota_limits.c.family.in_(families),
                quota_limits.c.quota_group_id == of_group.scalar_subquery(),
            )
        )


ASKED: dict[str, Callable[[Registry], object]] = {
    "quota": lambda registry: registry.quota(COSYVOICE),
    "quotas of all": lambda registry: registry.quotas(account=Registry.ALL_ACCOUNTS),
    "need": lambda registry: registry.require_quota(COSYVOICE),
    "reserve": lambda registry: registry.reserve(**COSY),
    "check": lambda registry: registry.check_design(**COSY),
    "sync": lambda registry: registry.sync(),
    "figures": lambda registry: registry.figures.families(),
    "move": lambda registry: edit(registry, quota_group="other"),
}


def edit(registry: Registry, limits: dict[Family, int] | None = None, **given: str) -> object:
    nothing = dict.fromkeys(("region", "workspace", "base_url", "api_key_env", "quota_group"))
    return registry.accounts.edit(
        "default", limits=limits or {}, unchecked=False, **(nothing | given)
    )


@pytest.mark.parametrize("families", [(COSYVOICE,), BOTH], ids=["one", "both"])
@pytest.mark.parametrize("asked", ASKED)
def test_it_is_said_with_what_mends_it(
    registry: Registry, database_url: str, asked: str, families: tuple[str, ...]
) -> None:
    delete_limits(database_url, *families)

    with pytest.raises(LimitMissing) as caught:
        ASKED[asked](registry)

    assert isinstance(caught.value, DatabaseProblem)
    assert str(caught.value).startswith("account default: its quota group has no limit for ")
    for family in families:
        assert family in str(caught.value)
        assert f" --limit {family}=N" in (caught.value.advice or "")
    assert (caught.value.advice or "").startswith("voicereg account edit default --limit ")


@pytest.mark.parametrize("families", [(COSYVOICE,), (QWEN,), BOTH], ids=["one", "other", "both"])
def test_new_limits_mend_it(
    registry: Registry, database_url: str, families: tuple[str, ...]
) -> None:
    delete_limits(database_url, *families)

    edit(registry, {Family.COSYVOICE: 7, Family.QWEN_TTS: 8})

    assert [quota.limit for quota in registry.quotas()] == [7, 8]
    registry.reserve(**COSY).release()
    (event,) = [found for found in registry.events() if found.action == "account.edit"]
    assert event.before is not None
    assert event.after == {"limits": {COSYVOICE: 7, QWEN: 8}}
    assert set(event.before["limits"]) == set(BOTH) - set(families)


def test_half_of_what_mends_it_changes_nothing(registry: Registry, database_url: str) -> None:
    delete_limits(database_url, *BOTH)

    with pytest.raises(LimitMissing) as caught:
        edit(registry, region="ap-southeast-1")
    assert f"--limit {QWEN}=N" in (caught.value.advice or "")
    edit(registry, {Family.COSYVOICE: 7})

    with pytest.raises(LimitMissing, match=QWEN):
        registry.quotas()
    edit(registry, {Family.QWEN_TTS: 8})
    assert [quota.limit for quota in registry.quotas()] == [7, 8]


def test_other_accounts_are_not_concerned(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio")
    delete_limits(database_url, COSYVOICE)

    assert registry.quota(COSYVOICE, account="studio").limit == 1000
    assert [found.name for found in registry.accounts.all()] == ["default", "studio"]


def test_an_account_is_not_moved_to_where_a_limit_is_missing(
    registry: Registry, database_url: str
) -> None:
    add_account(registry, "studio")
    delete_limits(database_url, COSYVOICE, group="studio")

    with pytest.raises(AccountRejected, match="studio has no limit for cosyvoice"):
        edit(registry, quota_group="studio")

    edit(registry, {Family.COSYVOICE: 9}, quota_group="studio")
    assert registry.quota(COSYVOICE).limit == 9


@pytest.mark.parametrize("limit", [-1, 1_000_001])
def test_a_limit_that_can_be_none_is_not_made(
    registry: Registry, database_url: str, limit: int
) -> None:
    delete_limits(database_url, COSYVOICE)

    with pytest.raises(InvalidInput, match="it is 0 to"):
        edit(registry, {Family.COSYVOICE: limit})

    with pytest.raises(LimitMissing):
        registry.quotas()
