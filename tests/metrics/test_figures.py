"""Every figure is what a registry shows that was made for it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.metrics.reading import Scrape, scraped, stamp
from tests.registry.rows import COSYVOICE, QWEN, begun, insert_voice, insert_voices
from voicereg import ChannelSettings, Registry, Settings, State, VoiceRule, WarnSettings
from voicereg.domain.families import Family
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE, StepResult
from voicereg.metrics.figures import read_figures
from voicereg.schema.revisions import HEAD
from voicereg.tables import accounts, events, messages, quota_limits, sync_states
from voicereg.version import __version__

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def add_account(registry: Registry, name: str, quota_group: str | None = None) -> None:
    registry.accounts.add(
        name,
        region="cn-beijing",
        workspace=None,
        base_url=None,
        api_key_env=None,
        quota_group=quota_group,
        limits={} if quota_group else {Family.QWEN_TTS: 10},
        unchecked=False,
    )


def insert(url: str, table: sa.Table, **row: Any) -> None:
    with begun(url) as connection:
        connection.execute(sa.insert(table).values(**row))


def note_sync(url: str, account: str, family: str, **row: Any) -> None:
    with begun(url) as connection:
        number = connection.execute(
            sa.select(accounts.c.id).where(accounts.c.name == account)
        ).scalar_one()
        connection.execute(sa.insert(sync_states).values(account_id=number, family=family, **row))


def test_a_new_registry_shows_zeros(registry: Registry, clock: FakeClock) -> None:
    shown = scraped(registry)

    assert shown("info", version=__version__, schema_revision=HEAD) == 1
    assert shown("read_timestamp_seconds") == stamp(clock.now())
    for name in ("started", "finished", "good"):
        assert shown(f"round_last_{name}_timestamp_seconds") == 0
    assert shown("round_under_way") == shown("leader") == 0
    for family in (COSYVOICE, QWEN):
        of = {"account": "default", "family": family}
        assert shown("quota_limit", **of) == shown("quota_remaining", **of) == 1000
        assert shown("quota_stale", **of) == 1
        assert shown("quota_synced_timestamp_seconds", **of) == 0
        assert shown("voices_past_deadline", **of) == 0
        # A deadline that is none must not look like one of 1970.
        assert not shown.has("soonest_deadline_timestamp_seconds", **of)
        assert not shown.has("unresolved_oldest_timestamp_seconds", **of)
        for state in State:
            assert shown("voices", **of, state=state.value) == 0
    assert shown.positive("keep_alives_last_day") == {}
    assert len(shown.labels("keep_alives_last_day")) == 2


def test_voices_by_state_whether_or_not_a_quota_is_shared(
    registry: Registry, database_url: str
) -> None:
    add_account(registry, "partner", "default")
    add_account(registry, "alone")
    for number, state in enumerate(State, 1):
        insert_voices(database_url, number, state=state, account="alone", family=QWEN)
    insert_voices(database_url, 3, family=QWEN)
    insert_voices(database_url, 2, family=COSYVOICE, state=State.LOST)
    insert_voices(database_url, 5, family=QWEN, account="partner")
    insert_voices(database_url, 4, family=QWEN, account="partner", state=State.DELETED)

    shown = scraped(registry)

    assert shown.positive("voices") == {
        ("default", QWEN, "active"): 3,
        ("default", COSYVOICE, "lost"): 2,
        ("partner", QWEN, "active"): 5,
        ("partner", QWEN, "deleted"): 4,
    } | {("alone", QWEN, state.value): number for number, state in enumerate(State, 1)}
    assert len(shown.labels("voices")) == 3 * 2 * len(State)
    assert shown.positive("account_info") == {
        ("default", "default"): 1,
        ("partner", "default"): 1,
        ("alone", "alone"): 1,
    }
    assert [shown("quota_used", account=name, family=QWEN) for name in ("default", "partner")] == [
        8,
        8,
    ]


def test_quotas(registry: Registry, database_url: str, clock: FakeClock) -> None:
    add_account(registry, "night")
    insert_voices(database_url, 4, account="night", family=QWEN)
    insert_voices(database_url, 2, account="night", family=QWEN, state=State.CREATING)
    insert_voices(database_url, 1, account="night", family=QWEN, state=State.UNRESOLVED)
    of = {"account": "night", "family": QWEN}
    synced_at = clock.now() - HOUR
    note_sync(database_url, "night", QWEN, tried_at=synced_at, synced_at=synced_at)

    def quota(shown: Scrape) -> list[float]:
        names = ("limit", "used", "creating", "unresolved", "unseen", "remaining", "stale")
        return [shown(f"quota_{name}", **of) for name in names]

    fresh = scraped(registry)
    assert quota(fresh) == [10, 7, 2, 1, 0, 3, 0]
    assert fresh("quota_synced_timestamp_seconds", **of) == stamp(synced_at)

    with begun(database_url) as connection:
        connection.execute(
            sa.update(quota_limits)
            .where(quota_limits.c.slots == 10)
            .values(unseen=3, refused_at=clock.now())
        )
    assert quota(scraped(registry)) == [10, 7, 2, 1, 3, 0, 1]

    clock.advance(DAY)
    with begun(database_url) as connection:
        connection.execute(sa.update(quota_limits).values(unseen=0, refused_at=None))
    insert_voices(database_url, 5, account="night", family=QWEN)
    # More than fit, as only a sync can find, by figures that are too old.
    assert quota(scraped(registry)) == [10, 12, 2, 1, 0, 0, 1]


def test_deadlines_are_those_of_voices_that_stand(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    registry = open_registry(settings=Settings(warn=WarnSettings(marks=(30, 7, 1))))
    add_account(registry, "partner", "default")

    def voice(days_left: float, **more: Any) -> None:
        due_at = clock.now() + timedelta(days=days_left)
        insert_voice(
            database_url,
            family=QWEN,
            created_at=START - timedelta(days=500),
            deadline_at=due_at,
            **more,
        )

    for days_left in (-9, 0, 1, 6.5, 31):
        voice(days_left)
    voice(-2, state=State.MISSING)
    voice(20, state=State.PENDING)
    for state in (State.DELETING, State.REJECTED, State.EXPIRED, State.UNRESOLVED):
        voice(-30, state=state)
    voice(12, account="partner")

    shown = scraped(registry)

    assert shown.positive("soonest_deadline_timestamp_seconds") == {
        ("default", QWEN): stamp(clock.now() - timedelta(days=9)),
        ("partner", QWEN): stamp(clock.now() + timedelta(days=12)),
    }
    assert shown.positive("voices_past_deadline") == {("default", QWEN): 3}
    assert shown.positive("voices_due") == {
        ("default", QWEN, "1"): 4,
        ("default", QWEN, "7"): 5,
        ("default", QWEN, "30"): 6,
        ("partner", QWEN, "30"): 1,
    }


def test_the_oldest_unresolved_create(registry: Registry, database_url: str) -> None:
    for hours in (2, 5, 3):
        insert_voice(database_url, state=State.UNRESOLVED, created_at=START - hours * HOUR)
    insert_voice(database_url, state=State.CREATING, created_at=START - 9 * HOUR)

    shown = scraped(registry)

    assert shown.positive("unresolved_oldest_timestamp_seconds") == {
        ("default", COSYVOICE): stamp(START - 5 * HOUR)
    }


def test_rounds_steps_and_the_leader(registry: Registry, clock: FakeClock) -> None:
    ends = []
    for ok in (True, False):
        number = registry.rounds.begin()
        clock.advance(HOUR)
        registry.rounds.finish(number, ok=ok)
        registry.rounds.note(StepResult("sync", "default", None if ok else "no key"))
        ends.append(clock.now())
    registry.rounds.note(StepResult("settle", "default", "never went well"))
    registry.rounds.note(StepResult("deliver", None))
    clock.advance(HOUR)
    registry.rounds.begin()
    leases = [registry.leases.take(name, HOUR) for name in (ROUND_LEASE, LEADER_LEASE)]
    began_at = clock.now()
    clock.advance(HOUR / 2)

    shown = scraped(registry)

    assert shown("round_last_started_timestamp_seconds") == stamp(began_at)
    assert shown("round_last_finished_timestamp_seconds") == stamp(ends[1])
    assert shown("round_last_good_timestamp_seconds") == stamp(ends[0])
    assert shown("round_under_way") == shown("leader") == 1
    sync, settle = ({"step": name, "account": "default"} for name in ("sync", "settle"))
    assert shown("step_last_tried_timestamp_seconds", **sync) == stamp(ends[1])
    assert shown("step_last_good_timestamp_seconds", **sync) == stamp(ends[0])
    assert shown("step_last_good_timestamp_seconds", **settle) == 0
    assert shown("step_failed", **sync) == shown("step_failed", **settle) == 1
    assert shown("step_failed", step="deliver", account="") == 0

    for lease in leases:
        registry.leases.release(lease)
    shown = scraped(registry)
    # Killed in the middle: it is not under way for ever.
    assert shown("round_under_way") == shown("leader") == 0


def test_messages_and_keep_alives(
    open_registry: OpenRegistry, database_url: str, clock: FakeClock
) -> None:
    quiet = ChannelSettings(name="quiet", url="file:///nowhere", rule=VoiceRule())
    registry = open_registry(settings=Settings(channels=(quiet,)))
    now = clock.now()
    for number, (outcome, hours) in enumerate(
        [("sent", 1), ("sent", 23), ("sent", 40), ("failed", 30), ("unknown", 3), (None, 2)]
    ):
        made_at = now - hours * HOUR
        insert(
            database_url,
            messages,
            id=f"m{number}",
            channel="mail",
            made_at=made_at,
            settled_at=made_at if outcome else None,
            outcome=outcome,
            items=[],
        )
    for action, hours in (
        ("voice.keep-alive", 1),
        ("voice.keep-alive", 2),
        ("voice.keep-alive", 25),
        ("voice.keep-alive-failed", 3),
        ("voice.edit", 1),
    ):
        insert(
            database_url,
            events,
            at=now - hours * HOUR,
            actor="tester",
            action=action,
            account="default",
        )

    shown = scraped(registry)

    assert shown.positive("messages_last_day") == {
        ("mail", "sent"): 2,
        ("mail", "unknown"): 1,
        ("mail", "unsettled"): 1,
    }
    assert shown.positive("message_last_timestamp_seconds") == {
        ("mail", "sent"): stamp(now - HOUR),
        ("mail", "failed"): stamp(now - 30 * HOUR),
        ("mail", "unknown"): stamp(now - 3 * HOUR),
        ("mail", "unsettled"): stamp(now - 2 * HOUR),
    }
    # A channel that was never told anything is there, so that its silence can be seen.
    assert {one["channel"] for one in shown.labels("messages_last_day")} == {"mail", "quiet"}
    assert shown.positive("keep_alives_last_day") == {
        ("default", "done"): 2,
        ("default", "failed"): 1,
    }


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_number_of_queries_does_not_grow_with_voices(
    registry: Registry, database_url: str
) -> None:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        read_figures(registry)
        before = len(statements)
        insert_voices(database_url, 500, state=State.UNRESOLVED)
        statements.clear()
        read_figures(registry)
        assert len(statements) == before
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_same_figures_as_a_document(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 3, family=QWEN)
    registry.rounds.note(StepResult("deliver", None))

    document = json.loads(json.dumps(read_figures(registry).as_dict()))

    assert document["version"] == __version__
    assert document["leader"] is False
    assert [quota["used"] for quota in document["quotas"]] == [0, 3]
    qwen = document["voices"][1]
    assert (qwen["account"], qwen["family"], qwen["states"]["active"]) == ("default", QWEN, 3)
    assert qwen["soonest_deadline_at"] == "2027-11-23T09:00:00Z"
    assert document["rounds"]["last_good_at"] is None
    assert document["steps"][0]["name"] == "deliver"
