"""After a fork, the child has connections of its own, and the parent keeps its."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.conftest import OpenRegistry
from tests.fakes import NARRATOR
from voicereg import Registry
from voicereg.engine import Database
from voicereg.tables import quota_limits

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def _in_child(work: Callable[[], object]) -> None:
    """Do something in a child process; it fails here when it fails there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - told to the parent
            os.write(writing, traceback.format_exc().encode()[-60_000:])
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said


def _reserve(registry: Registry, name: str) -> str:
    with registry.reserve(**(NARRATOR | {"name": name})) as slot:
        slot.confirm(f"qwen-tts-vd-{name}")
    return name


def _names(registry: Registry) -> set[str]:
    return {voice.name for voice in registry.voices()}


def test_parent_and_child_both_go_on(registry: Registry) -> None:
    _reserve(registry, "before")

    def child() -> None:
        assert _names(registry) == {"before"}
        _reserve(registry, "child")
        assert _names(registry) == {"before", "child"}

    _in_child(child)

    assert _names(registry) == {"before", "child"}
    _reserve(registry, "after")
    assert registry.quota("qwen-tts").used == 3


def test_children_and_parent_at_once(registry: Registry) -> None:
    """The child has written while the parent still holds a transaction of its own open."""
    _reserve(registry, "before")
    with registry._context.database.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(quota_limits)).scalar()
        _in_child(lambda: _reserve(registry, "child"))
        after = connection.execute(sa.select(sa.func.count()).select_from(quota_limits)).scalar()

    assert before == after
    assert _names(registry) == {"before", "child"}


def test_a_child_that_closes_leaves_the_parents_connections_alone(registry: Registry) -> None:
    _reserve(registry, "before")

    _in_child(registry.close)

    assert _names(registry) == {"before"}
    _reserve(registry, "after")


def test_the_child_shares_no_connection(database_url: str, backend: str) -> None:
    database = Database.open(database_url)

    def connection_id() -> int:
        with database.read() as connection:
            if backend == "postgresql":
                return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            return id(connection.connection.dbapi_connection)

    mine = connection_id()
    assert connection_id() == mine, "the pool keeps it"

    def child() -> None:
        assert connection_id() != mine

    _in_child(child)
    assert connection_id() == mine
    database.close()


def test_a_closed_database_is_let_go(database_url: str, open_registry: OpenRegistry) -> None:
    """A fork must not trip over databases that are gone."""
    Database.open(database_url).close()

    _in_child(lambda: _reserve(open_registry(), "child"))

    assert _names(open_registry()) == {"child"}
