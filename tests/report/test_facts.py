"""What a report is made of, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.cli.support import content
from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN, begun, insert_voice, insert_voices
from tests.registry.support import add_account
from tests.report.support import facts_of, keep_preview, use
from voicereg import Family, Registry, Settings, State
from voicereg.domain.deadlines import Urgency
from voicereg.domain.forecast import ForecastKind, Pace
from voicereg.domain.routes import VoiceRule
from voicereg.housekeeping import run_round
from voicereg.sandbox import Sandbox
from voicereg.settings import ChannelSettings
from voicereg.tables import accounts

DAY = timedelta(days=1)
MONTH = 30 * DAY


def known_since(url: str, age: timedelta) -> None:
    with begun(url) as connection:
        connection.execute(sa.update(accounts).values(created_at=START - age))


def paces(registry: Registry, *names: str) -> dict[str, Pace]:
    families = facts_of(registry, *names).registry.families
    return {one.quota.family.value: one.forecast.pace for one in families}


def test_the_pace_is_what_came_less_what_went(registry: Registry, database_url: str) -> None:
    known_since(database_url, 400 * DAY)
    insert_voices(database_url, 5, created_at=START - 3 * DAY)
    insert_voices(database_url, 7, created_at=START - 300 * DAY)
    gone: dict[str, Any] = {"created_at": START - 90 * DAY, "state": State.DELETED}
    insert_voices(database_url, 2, gone_at=START - 2 * DAY, **gone)
    insert_voices(database_url, 9, gone_at=START - 31 * DAY, **gone)
    # Made and gone within the month: it takes no slot at its end, and took none at its beginning.
    insert_voice(
        database_url, state=State.FAILED, created_at=START - 9 * DAY, gone_at=START - 8 * DAY
    )
    insert_voice(database_url, family=QWEN, created_at=START - 200 * DAY)

    assert paces(registry) == {COSYVOICE: Pace(3, MONTH), QWEN: Pace(0, MONTH)}


def test_voices_that_a_sync_finds_grew_when_they_were_made(
    registry: Registry, database_url: str
) -> None:
    known_since(database_url, 400 * DAY)
    # On record since today; made at the provider long before, and nobody knows when.
    found: dict[str, Any] = {"deadline_basis": "estimated", "updated_at": START}
    insert_voices(database_url, 50, created_at=START - 200 * DAY, **found)
    insert_voices(database_url, 4, created_at=START - 10 * DAY, **found)

    assert paces(registry)[COSYVOICE] == Pace(4, MONTH)


def test_a_young_registry_counts_its_own_days_only(registry: Registry, database_url: str) -> None:
    known_since(database_url, 10 * DAY)
    insert_voices(database_url, 30, created_at=START - 12 * DAY)
    insert_voices(database_url, 3, created_at=START - 2 * DAY)

    assert paces(registry)[COSYVOICE] == Pace(3, 10 * DAY)


def test_a_new_registry_tells_no_future(registry: Registry, database_url: str) -> None:
    known_since(database_url, DAY)
    insert_voices(database_url, 3, created_at=START - timedelta(hours=2))

    families = facts_of(registry).registry.families
    assert {one.forecast.kind for one in families} == {ForecastKind.TOO_EARLY}


def test_a_quota_that_accounts_share_is_there_once(registry: Registry, database_url: str) -> None:
    add_account(registry, "beside", quota_group="default")
    add_account(registry, "apart", region="ap-southeast-1")
    known_since(database_url, 400 * DAY)
    insert_voices(database_url, 2, created_at=START - DAY)
    insert_voices(database_url, 3, created_at=START - DAY, account="beside")

    found = facts_of(registry, "apart", "beside", "default").registry
    assert [(one.quota.family, list(one.shared_by), one.quota.used) for one in found.families] == [
        (Family.COSYVOICE, ["apart"], 0),
        (Family.QWEN_TTS, ["apart"], 0),
        (Family.COSYVOICE, ["beside", "default"], 5),
        (Family.QWEN_TTS, ["beside", "default"], 0),
    ]
    assert [one.forecast.pace.net for one in found.families] == [0, 0, 5, 0]
    assert paces(registry, "default")[COSYVOICE].net == 5
    # What is an account's own is told of it alone.
    assert facts_of(registry, "default").standing == 2


def test_deadlines_are_counted_of_voices_that_have_one(
    registry: Registry, database_url: str
) -> None:
    for days in (-2, 3, 20, 20, 200):
        insert_voice(
            database_url,
            created_at=START - 400 * DAY,
            deadline_at=START + days * DAY,
            deadline_basis="estimated",
        )
    for state in (State.UNRESOLVED, State.REJECTED, State.DELETED):
        insert_voice(database_url, state=state, created_at=START - 300 * DAY)

    found = facts_of(registry)
    deadlines = found.registry.deadlines
    assert (deadlines.any_day, deadlines.within(Urgency.MONTH), deadlines.total) == (1, 4, 5)
    assert (found.standing, found.gone) == (7, 1)
    assert found.registry.states[State.UNRESOLVED] == 1


def test_uses_of_all_voices_are_summed_up(registry: Registry, database_url: str) -> None:
    add_account(registry, "other")
    one, two = insert_voices(database_url, 2, created_at=START - 300 * DAY)
    gone = insert_voice(database_url, family=QWEN, state=State.DELETED)
    other = insert_voice(database_url, account="other")
    use(database_url, one, START, 3)
    use(database_url, one, START, 4, source="player")
    use(database_url, two, START - 40 * DAY, 5)
    use(database_url, gone, START - 40 * DAY, 6)
    use(database_url, other, START, 1_000)
    use(database_url, two, START - 500 * DAY, 7)

    months = facts_of(registry).registry.months
    assert [(one.month.month, list(one.by_family.values())) for one in months if one.total] == [
        (10, [5, 6]),
        (11, [7, 0]),
    ]
    assert len(months) == 13
    assert facts_of(registry, "default", "other").registry.months[-1].total == 1_007


def test_those_unused_for_the_longest_come_first(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, name="new", created_at=START - DAY)
    for name, used in (("idle", 300), ("busy", 2)):
        insert_voice(
            database_url,
            name=name,
            created_at=START - 350 * DAY,
            last_used_at=START - used * DAY,
            deadline_at=START + (365 - used) * DAY,
        )
    insert_voice(database_url, name="never", created_at=START - 320 * DAY)
    insert_voice(database_url, name="gone", created_at=START - 360 * DAY, state=State.LOST)

    unused = facts_of(registry).registry.unused
    assert [voice.name for voice in unused] == ["never", "idle", "busy", "new"]


def test_a_table_without_room_leaves_out_gone_and_late_ones_and_counts_them(
    registry: Registry, database_url: str
) -> None:
    for name, days in (("soon", 300), ("late", 3), ("later", 1)):
        insert_voice(database_url, name=name, created_at=START - days * DAY)
    insert_voice(database_url, name="gone", state=State.LOST)

    two = facts_of(registry, most_voices=2)
    assert [voice.name for voice in two.registry.voices] == ["soon", "late"]
    assert (two.left_out, two.standing, two.gone) == (2, 3, 1)
    assert [voice.name for voice in facts_of(registry, most_voices=4).registry.voices] == [
        "soon", "late", "later", "gone",
    ]  # fmt: skip


def test_previews_are_known_without_being_read(registry: Registry, database_url: str) -> None:
    one, _ = insert_voices(database_url, 2)
    keep_preview(database_url, one, b"\x00" * 70_000, response_format="mp3")

    found = facts_of(registry).registry.previews
    assert {voice: (kept.response_format, kept.size_bytes) for voice, kept in found.items()} == {
        one: ("mp3", 70_000)
    }


def test_what_was_told_is_no_news_and_still_stands(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    insert_voice(database_url, name="idle", created_at=START - 360 * DAY)
    registry = open_registry()

    first = facts_of(registry).warned
    assert (first.news, first.told, first.has_channels) == (1, 0, False)
    assert first.groups[0].items[0].name == "idle"
    assert list(first.groups[0].items[0].channels) == ["log"]

    run_round(registry)
    again = facts_of(registry).warned
    assert (again.news, again.told) == (0, 1)
    assert list(again.groups[0].items[0].channels) == []

    channel = ChannelSettings("mail", "log://", VoiceRule())
    settings = Settings(base_url=registry.settings.base_url, channels=(channel,))
    told = facts_of(open_registry(settings=settings)).warned
    assert (told.news, told.has_channels) == (1, True)


def test_nothing_is_changed_and_nobody_asked(
    registry: Registry, database_url: str, sandbox: Sandbox
) -> None:
    insert_voice(database_url, created_at=START - 364 * DAY, pinned=True)
    insert_voice(database_url, created_at=START - 364 * DAY)
    before = content(database_url)

    # The pinned one is to be kept alive, which the report only foresees.
    assert facts_of(registry).warned.news == 1

    assert content(database_url) == before
    assert list(sandbox.requests) == []
