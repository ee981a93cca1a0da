"""``kill -9`` in the middle of a create loses no voice, and leaks no slot."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.engine.waiting import LONG, until
from tests.fakes import NARRATOR
from tests.processes.running import Other, running
from tests.processes.work import Place, design_and_tell, reserve_without_commit
from voicereg import Registry, State, Voice
from voicereg.engine import Database
from voicereg.sandbox import Sandbox


class Gate:
    """In place of the sandbox's sleep: a create stays at the provider until it is let go."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.go = threading.Event()

    def __call__(self, seconds: float) -> None:
        self.arrived.set()
        self.go.wait(LONG)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.go.set()


@pytest.fixture
def slow_sandbox(gate: Gate) -> Iterator[Sandbox]:
    with Sandbox.start(create_time=timedelta(seconds=20), sleep=gate) as sandbox:
        yield sandbox


@pytest.fixture
def place(database_url: str, sandbox: Sandbox) -> Place:
    """The registry, with one voice that must come to no harm, and the usual sandbox."""
    place = Place(database_url, sandbox.base_url, sandbox.api_key)
    with place.open() as registry:
        registry.design(**NARRATOR, tags={"kept": "yes"})
    return place


@contextmanager
def _lock_held(url: str) -> Iterator[None]:
    """A lock that keeps every create from being confirmed."""
    if url.startswith("sqlite"):
        with sqlite3.connect(str(make_url(url).database), isolation_level=None) as file:
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")
        file.close()
        return
    with psycopg.connect(url) as server:
        server.execute("SELECT id FROM voices FOR UPDATE")
        yield
        server.rollback()


def _first_voice(registry: Registry) -> Voice:
    (voice,) = registry.voices(tags={"kept": "yes"})
    return voice


def _check_integrity(url: str) -> None:
    database = Database.open(url)
    if database.is_sqlite:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    database.close()


def _check_recorded(place: Place, killed: Other, before: Voice) -> None:
    """The killed create is on record, holds its slot, and is in nobody's way."""
    with place.open() as registry:
        (voice,) = registry.voices(states=[State.CREATING])
        assert voice.voice_id is None
        assert (voice.name, voice.prompt, voice.preview_text, voice.target_model) == (
            NARRATOR["name"],
            NARRATOR["prompt"],
            NARRATOR["preview_text"],
            NARRATOR["target_model"],
        )
        assert voice.tags == {"team": "news"}
        assert voice.lease_holder is not None
        assert f":{killed.pid}:" in voice.lease_holder
        assert voice.lease_expires_at == voice.created_at + timedelta(minutes=15)
        assert [event.action for event in registry.events(voice=voice.id)] == ["voice.create"]
        quota = registry.quota("qwen-tts")
        assert (quota.used, quota.creating) == (2, 1)

        assert _first_voice(registry) == before
        assert registry.preview(before.id)[1].data

        another = registry.design(**NARRATOR)
        assert another.state is State.ACTIVE
        assert registry.quota("qwen-tts").used == 3
    _check_integrity(place.database)


@pytest.fixture
def before(place: Place) -> Voice:
    with place.open() as registry:
        return _first_voice(registry)


def test_before_the_provider_reads_the_request(place: Place, before: Voice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LONG)
        port = listener.getsockname()[1]
        silent = Place(place.database, f"http://127.0.0.1:{port}/api/v1", place.key)
        with running(design_and_tell, silent) as (other,):
            connection, _ = listener.accept()
            with connection:
                other.kill()
            assert other.told_nothing_more()

    _check_recorded(place, other, before)


def test_while_the_provider_works(
    place: Place, before: Voice, slow_sandbox: Sandbox, gate: Gate
) -> None:
    slow = Place(place.database, slow_sandbox.base_url, slow_sandbox.api_key)
    with running(design_and_tell, slow) as (other,):
        assert gate.arrived.wait(LONG)
        other.kill()
        assert other.told_nothing_more()
    gate.go.set()
    until(lambda: len(slow_sandbox.voices()) == 1)  # nobody is there to hear of it

    _check_recorded(place, other, before)


def test_after_the_answer_and_before_its_record(
    place: Place, before: Voice, slow_sandbox: Sandbox, gate: Gate
) -> None:
    slow = Place(place.database, slow_sandbox.base_url, slow_sandbox.api_key)
    with running(design_and_tell, slow) as (other,):
        assert gate.arrived.wait(LONG)  # the reservation was committed before the call
        with _lock_held(place.database):
            gate.go.set()
            answered = other.hear()
            other.kill()
        assert other.told_nothing_more()

    assert answered == ("answered", slow_sandbox.voices()[0].voice_id)
    _check_recorded(place, other, before)


def test_without_a_kill_the_same_create_is_recorded(
    place: Place, slow_sandbox: Sandbox, gate: Gate
) -> None:
    """The control: what the tests above kill would have ended well."""
    slow = Place(place.database, slow_sandbox.base_url, slow_sandbox.api_key)
    with running(design_and_tell, slow) as (other,):
        assert gate.arrived.wait(LONG)
        with _lock_held(place.database):
            gate.go.set()
            answered = other.hear()
        assert other.hear() == ("recorded", "")
        assert other.end() == 0

    with place.open() as registry:
        assert registry.voice(answered[1]).state is State.ACTIVE
        assert registry.quota("qwen-tts").used == 2


def test_between_begin_and_commit_of_the_reservation(place: Place, before: Voice) -> None:
    with place.open() as registry:
        events = registry.events()
    with running(reserve_without_commit, place) as (other,):
        assert other.hear() == ("inside", "2")  # it saw its own record; nobody else did
        with place.open() as registry:
            assert registry.quota("qwen-tts").used == 1
        other.kill()

    with place.open() as registry:
        assert registry.voices(with_gone=True) == [before]
        assert registry.events() == events
        assert registry.quota("qwen-tts").used == 1
        registry.design(**NARRATOR)
        assert registry.quota("qwen-tts").used == 2
    _check_integrity(place.database)


def test_a_killed_writer_leaves_no_lock(place: Place, tmp_path: Path) -> None:
    """The next writer does not wait until a time-out."""
    with running(reserve_without_commit, place) as (other,):
        other.hear()
        done = threading.Event()

        def design() -> None:
            with place.open() as registry:
                registry.design(**NARRATOR)
            done.set()

        thread = threading.Thread(target=design)
        thread.start()
        assert not done.wait(0.3), "the reservation holds the lock"
        other.kill()
        thread.join(LONG)

    assert done.is_set()
