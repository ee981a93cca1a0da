"""QuotaExceeded: who raises it, what it says, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN, counts, insert_voice, insert_voices
from tests.registry.support import COSY, DESIGNS, set_limits
from voicereg import Family, QuotaExceeded, Registry, State
from voicereg.sandbox import Sandbox

Ask = Callable[[Registry, str], object]

ASKING: dict[str, Ask] = {
    "design": lambda registry, family: registry.design(**DESIGNS[family]),
    "reserve": lambda registry, family: registry.reserve(**DESIGNS[family]),
    "check_design": lambda registry, family: registry.check_design(**DESIGNS[family]),
    "require_quota": lambda registry, family: registry.require_quota(family),
}


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
@pytest.mark.parametrize("asking", ASKING)
def test_all_refuse_at_the_limit_and_leave_no_trace(
    registry: Registry, sandbox: Sandbox, database_url: str, asking: str, family: str
) -> None:
    insert_voices(database_url, 2, family=family)
    set_limits(registry, {Family(family): 2})
    before = counts(database_url)
    with pytest.raises(QuotaExceeded) as exceeded:
        ASKING[asking](registry, family)
    error = exceeded.value
    assert (error.family.value, error.quota_group) == (family, "default")
    assert (error.limit, error.used, error.needed, error.remaining) == (2, 2, 1, 0)
    assert (error.unresolved, error.by_provider, error.request_id) == (0, False, None)
    assert counts(database_url) == before
    assert sandbox.requests == ()


@pytest.mark.parametrize("asking", ASKING)
def test_all_pass_with_one_slot_left(registry: Registry, database_url: str, asking: str) -> None:
    insert_voices(database_url, 1)
    set_limits(registry, {Family.COSYVOICE: 2})
    ASKING[asking](registry, COSYVOICE)


def test_a_check_says_what_would_be_asked_and_records_nothing(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    before = counts(database_url)
    request, quota = registry.check_design(**COSY)
    assert request.prompt == COSY["prompt"]
    assert request.target_model == COSY["target_model"]
    assert quota == registry.quota(COSYVOICE)
    assert counts(database_url) == before
    assert sandbox.requests == ()


def refusal(registry: Registry) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.require_quota(COSYVOICE, 2000)
    return exceeded.value


def test_the_longest_idle_come_first_and_three_at_most(
    registry: Registry, database_url: str
) -> None:
    by_days = {
        days: insert_voice(database_url, created_at=START - timedelta(days=days))
        for days in (10, 40, 20, 30)
    }
    error = refusal(registry)
    assert [voice.id for voice in error.longest_idle] == [by_days[days] for days in (40, 30, 20)]
    assert error.advice is not None
    assert error.advice.index(by_days[40]) < error.advice.index(by_days[30])
    assert by_days[10] not in error.advice
    assert (START - timedelta(days=40)).strftime("%Y-%m-%d") in error.advice


def test_a_use_makes_a_voice_less_idle(registry: Registry, database_url: str) -> None:
    old = START - timedelta(days=100)
    used = insert_voice(
        database_url,
        created_at=old,
        last_used_at=START,
        deadline_at=START + timedelta(days=365),
        deadline_basis="used",
    )
    unused = insert_voice(database_url, created_at=START - timedelta(days=50))
    assert [voice.id for voice in refusal(registry).longest_idle] == [unused, used]


def test_pinned_voices_and_the_other_family_are_left_out(
    registry: Registry, database_url: str
) -> None:
    insert_voice(database_url, pinned=True)
    insert_voice(database_url, family=QWEN)
    free = insert_voice(database_url)
    assert [voice.id for voice in refusal(registry).longest_idle] == [free]


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACTIVE])
def test_only_usable_voices_are_suggested(
    registry: Registry, database_url: str, state: State
) -> None:
    insert_voice(database_url, state=state)
    assert refusal(registry).longest_idle == ()


def test_with_nothing_to_suggest_the_unresolved_are_named(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 2, state=State.UNRESOLVED)
    set_limits(registry, {Family.COSYVOICE: 2})
    error = refusal(registry)
    assert error.unresolved == 2
    assert error.advice is not None
    assert error.advice.startswith("2 slots")


def test_a_limit_of_zero_is_named(registry: Registry) -> None:
    set_limits(registry, {Family.COSYVOICE: 0})
    error = refusal(registry)
    assert error.advice is not None
    assert "set to 0" in error.advice


def test_with_only_pinned_voices_the_advice_names_none(
    registry: Registry, database_url: str
) -> None:
    pinned = insert_voice(database_url, pinned=True)
    set_limits(registry, {Family.COSYVOICE: 1})
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.require_quota(COSYVOICE, 1)
    error = exceeded.value
    assert error.advice is not None
    assert "pinned" in error.advice
    assert pinned not in error.advice
