"""URLs that cannot be used, and passwords that are never shown."""

from __future__ import annotations

import socket
import sys
import traceback
from pathlib import Path
from urllib.parse import unquote

import pytest

from voicereg import DatabaseUnusable
from voicereg.engine import Database

PASSWORD = "test-password"


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _everything_shown(error: BaseException) -> str:
    """The error and all that came before it, as a traceback, a log or a debugger shows them."""
    shown = "".join(traceback.format_exception(error))
    step: BaseException | None = error
    while step is not None:
        shown += f"{step!s}{step!r}{step.args!r}{getattr(step, 'advice', '')}"
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return shown


def _refusal(url: str) -> DatabaseUnusable:
    with pytest.raises(DatabaseUnusable) as caught:
        _use(url)
    return caught.value


def _use(url: str) -> None:
    database = Database.open(url)
    try:
        with database.read():
            pass
    finally:
        database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_registry_in_memory_is_refused(url: str) -> None:
    refusal = _refusal(url)

    assert "a registry must outlive the program" in str(refusal)
    assert refusal.advice == "give the path of a file"


def test_sqlite_uris_are_refused() -> None:
    """They could mean a database in memory, or one without locks."""
    assert "memory" in str(_refusal("sqlite:///file:shared?mode=memory&uri=true"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "voicereg.db",
        "nothing at all",
        "mysql://user:test-password@127.0.0.1/voicereg",
        "oracle://user:test-password@127.0.0.1/voicereg",
        "imaginary://user:test-password@127.0.0.1/voicereg",
        "postgresql://user:test-password@127.0.0.1:port/voicereg",
        "postgresql://user:test-password/voicereg",
        "postgresql://user:pass@test-password@127.0.0.1/voicereg",
        "postgresql+imaginary://user:test-password@127.0.0.1/voicereg",
    ],
)
def test_what_is_no_url_of_a_database_is_refused(url: str) -> None:
    refusal = _refusal(url)

    assert refusal.advice is not None
    assert "postgresql://USER@HOST/NAME" in refusal.advice or "%40" in refusal.advice
    assert PASSWORD not in _everything_shown(refusal)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:test-password@127.0.0.1:{port}/voicereg",
        "postgresql+psycopg://user:test-password@127.0.0.1:{port}/voicereg",
        "postgresql://127.0.0.1:{port}/voicereg?user=user&password=test-password",
        "postgresql://user@127.0.0.1:{port}/voicereg?sslpassword=test-password",
    ],
)
def test_a_server_that_is_not_there(url: str) -> None:
    refusal = _refusal(url.format(port=_closed_port()))

    assert "127.0.0.1" in str(refusal)
    assert "refused" in str(refusal).lower()
    assert refusal.advice is not None
    assert "check that the server runs" in refusal.advice
    shown = _everything_shown(refusal)
    assert PASSWORD not in shown
    assert "***" in unquote(refusal.database)


def test_a_database_that_the_server_does_not_have(backend: str, database_url: str) -> None:
    if backend == "sqlite":
        database = Database.open(database_url)
        assert database.path == Path(database.display)
        database.close()
        return
    refusal = _refusal(
        database_url + "missing"
        if "?" not in database_url
        else database_url.replace("?", "missing?", 1)
    )

    assert "does not exist" in str(refusal)


def test_a_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    refusal = _refusal("postgresql://user:test-password@127.0.0.1/voicereg")

    assert "psycopg is not installed" in str(refusal)
    assert refusal.advice == "install it with: pip install 'voicereg[postgres]'"
    assert PASSWORD not in _everything_shown(refusal)


def test_the_display_hides_the_password() -> None:
    database = Database.open(
        "postgresql://user:test-password@db.example:5433/voicereg?sslmode=require"
    )

    assert database.display == "postgresql://user:***@db.example:5433/voicereg?sslmode=require"
    assert PASSWORD not in repr(vars(database))
    database.close()
