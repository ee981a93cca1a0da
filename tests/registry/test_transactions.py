"""What is committed before the provider is called, and a database that fails afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, begun, insert_voice, row_of
from tests.registry.support import COSY, FakeProvider, made, seen, the_only_voice
from voicereg import (
    ConfirmNotRecorded,
    DatabaseBusy,
    DatabaseUnusable,
    Registry,
    State,
    Voice,
)
from voicereg.domain.designs import DesignRequest
from voicereg.domain.errors import DatabaseProblem
from voicereg.domain.remote import CreatedVoice, RemoteVoice, ReviewStatus
from voicereg.registry.creates import Creates
from voicereg.tables import accounts, events, quota_limits, voices


def assert_nobody_holds_a_lock(url: str) -> None:
    """Take every lock that a create, a confirm or a delete takes, without waiting for any."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"timeout": 0})
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.isolation_level = None
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("ROLLBACK")
        engine.dispose()
        return
    with begun(url) as connection:
        for table in (quota_limits, voices, accounts):
            connection.execute(sa.select(table).with_for_update(nowait=True)).all()
        open_transactions = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
        ).scalar_one()
        assert open_transactions == 0


def test_a_create_is_committed_before_the_provider_is_asked(
    open_registry: OpenRegistry, database_url: str
) -> None:
    """Another connection sees the voice, its lease and its event, and takes every lock."""
    looked: list[str] = []

    def create(request: DesignRequest) -> CreatedVoice:
        assert_nobody_holds_a_lock(database_url)
        with begun(database_url) as connection:
            row = connection.execute(sa.select(voices)).one()
            (event,) = connection.execute(sa.select(events)).all()
        assert row.state == "creating"
        assert row.lease_holder
        assert row.lease_expires_at == START + timedelta(minutes=15)
        assert (row.prompt, row.name) == (COSY["prompt"], COSY["name"])
        assert (event.voice, event.action) == (row.id, "voice.create")
        assert open_registry().quota(COSYVOICE).creating == 1
        looked.append(row.id)
        return made()

    registry = open_registry(client_factory=FakeProvider(create=create).factory())
    voice = registry.design(**COSY, wait=timedelta(0))
    assert looked == [voice.id]


def test_no_transaction_is_open_while_the_review_is_asked_for(
    open_registry: OpenRegistry, database_url: str
) -> None:
    looked: list[str] = []

    def query(voice_id: str) -> RemoteVoice:
        assert_nobody_holds_a_lock(database_url)
        looked.append(voice_id)
        return seen(ReviewStatus.OK)

    fake = FakeProvider(create=lambda asked: made(), query=query)
    assert open_registry(client_factory=fake.factory()).design(**COSY).state is State.ACTIVE
    assert len(looked) == 1


def test_a_delete_is_committed_as_asked_before_the_provider_is(
    open_registry: OpenRegistry, database_url: str
) -> None:
    voice = insert_voice(database_url)
    looked: list[str] = []

    def delete(voice_id: str) -> bool:
        assert_nobody_holds_a_lock(database_url)
        row = row_of(database_url, voice)
        assert row.state == "deleting"
        assert row.delete_asked_at == START
        assert row.state_before_delete == "active"
        looked.append(voice_id)
        return True

    registry = open_registry(client_factory=FakeProvider(delete=delete).factory())
    assert registry.delete(voice).state is State.DELETED
    assert len(looked) == 1


def fail_confirms(
    monkeypatch: pytest.MonkeyPatch, times: int, problem: DatabaseProblem
) -> list[Voice]:
    """Let the database refuse the first so many confirmations."""
    really = Creates.confirm
    left = [problem] * times
    taken: list[Voice] = []

    def confirm(self: Creates, *args: Any, **kwargs: Any) -> Voice:
        if left:
            raise left.pop()
        taken.append(really(self, *args, **kwargs))
        return taken[-1]

    monkeypatch.setattr(Creates, "confirm", confirm)
    return taken


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("problem", [DatabaseBusy("the one"), DatabaseUnusable("the one", "full")])
def test_a_confirmation_that_the_database_refuses_is_tried_again(
    registry: Registry,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    problem: DatabaseProblem,
) -> None:
    taken = fail_confirms(monkeypatch, times, problem)
    voice = registry.design(**COSY, wait=timedelta(0))
    assert taken == [voice]
    assert voice.state is State.PENDING
    assert len(clock.slept) == times


def test_a_confirmation_that_is_refused_for_good_tells_the_id(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id is known to nobody else: whoever reads the error can still write it down."""
    taken = fail_confirms(monkeypatch, 100, DatabaseBusy("the one"))
    with pytest.raises(ConfirmNotRecorded) as lost:
        registry.design(**COSY)
    assert taken == []
    error = lost.value
    assert error.voice_id.startswith("cosyvoice-v3.5-plus-vd-announcer-")
    assert error.voice_id in str(error)
    assert error.voice_id in str(error.advice)
    voice = the_only_voice(registry)
    assert error.voice.id == voice.id
    assert voice.state is State.CREATING, "its lease tells a later sync when to settle it"
    assert registry.quota(COSYVOICE).used == 1


def test_an_id_that_is_recorded_already_is_told_as_well(
    open_registry: OpenRegistry, database_url: str
) -> None:
    known = insert_voice(database_url, voice_id="cosyvoice-known")
    fake = FakeProvider(create=lambda asked: made("cosyvoice-known"))
    registry = open_registry(client_factory=fake.factory())
    with pytest.raises(ConfirmNotRecorded) as lost:
        registry.design(**COSY)
    assert lost.value.voice_id == "cosyvoice-known"
    assert known in lost.value.cause
    assert registry.quota(COSYVOICE).used == 2
