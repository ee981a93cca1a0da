"""A scheduler whose database is not there when it starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.databases import PostgresServer, SqliteTemplate
from tests.scheduler.support import said
from voicereg import (
    AccountNotFound,
    DatabaseBusy,
    DatabaseProblem,
    DatabaseUnusable,
    InvalidInput,
    Registry,
    SchemaMismatch,
    Settings,
)
from voicereg.metrics import exposition
from voicereg.scheduler import check_settings, open_patiently
from voicereg.scheduler.opening import EVERY
from voicereg.settings import MetricsSettings, ScheduleSettings


class GaveUp(Exception):
    """It would wait for ever."""


class Waits:
    """In place of the time between two tries: something happens after so many."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self._happens = list(happens)
        self.count = 0

    def __call__(self, duration: timedelta) -> None:
        assert duration == EVERY
        self.count += 1
        if not self._happens:
            raise GaveUp
        self._happens.pop(0)()


def nothing() -> None:
    """Time goes by."""


def opens(url: str) -> Callable[[], Registry]:
    return lambda: Registry.open(url, settings=Settings())


def on_a_disk(directory: Path) -> tuple[str, Callable[[], None]]:
    """A URL on a disk that is not mounted, and what mounts it."""
    disk, mount_point = directory / "disk", directory / "mnt"
    mount_point.symlink_to(disk)
    return f"sqlite:///{mount_point}/voicereg.db", disk.mkdir


# --- what is waited for -------------------------------------------------------------------------


def test_a_disk_that_is_mounted_later_is_waited_for(
    tmp_path: Path, sqlite_template: SqliteTemplate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    opening = open_patiently.__module__
    url, mount = on_a_disk(tmp_path)
    content: list[bytes] = []

    def mount_with_its_registry() -> None:
        mount()
        sqlite_template.copy_to(tmp_path / "disk" / "voicereg.db")
        content.append((tmp_path / "disk" / "voicereg.db").read_bytes())

    waits = Waits(nothing, nothing, mount_with_its_registry)

    with open_patiently(opens(url), all_accounts=False, sleep=waits) as registry:
        assert registry.accounts.one().name == "default"

    assert waits.count == 3
    away, back = (record.getMessage() for record in caplog.records if record.name == opening)
    assert "mnt/voicereg.db cannot be used: " in away
    assert "; it is tried again every 5 s (make the file and its directory readable" in away
    assert back == "the database can be used now"
    # It was opened, and no other was made in its place.
    assert (tmp_path / "disk" / "voicereg.db").read_bytes()[:100] == content[0][:100]


def test_nothing_is_made_where_a_disk_is_to_be_mounted(tmp_path: Path) -> None:
    url, _ = on_a_disk(tmp_path)

    with pytest.raises(GaveUp):
        open_patiently(opens(url), all_accounts=True, sleep=Waits(nothing, nothing))

    assert [path.name for path in tmp_path.iterdir()] == ["mnt"]


def test_a_file_that_is_not_there_is_made_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "new" / "voicereg.db"

    open_patiently(opens(f"sqlite:///{path}"), all_accounts=False, sleep=Waits()).close()

    assert path.is_file()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/voicereg",
        "postgresql://no.such.host.invalid/voicereg",
        "postgresql:///voicereg?host=/nowhere",
    ],
)
def test_a_server_that_is_away_is_waited_for(url: str, caplog: pytest.LogCaptureFixture) -> None:
    waits = Waits(nothing, nothing)

    with pytest.raises(GaveUp):
        open_patiently(opens(url), all_accounts=False, sleep=waits)

    assert waits.count == 3
    (away,) = said(caplog)
    assert "it is tried again every 5 s (check that the server runs" in away


def test_a_server_that_comes_is_used(
    postgresql: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = postgresql.create(migrated=True)
    given = ["postgresql://127.0.0.1:1/voicereg"]

    waits = Waits(nothing, lambda: given.append(url))
    registry = open_patiently(lambda: opens(given[-1])(), all_accounts=False, sleep=waits)

    assert registry.quota("qwen-tts").used == 0
    assert said(caplog)[-1] == "the database can be used now"
    registry.close()
    postgresql.drop(url)


def test_another_reason_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    given = ["postgresql://127.0.0.1:1/voicereg"]
    other = "postgresql://no.such.host.invalid/voicereg"

    with pytest.raises(GaveUp):
        open_patiently(
            lambda: opens(given[-1])(),
            all_accounts=False,
            sleep=Waits(nothing, lambda: given.append(other), nothing),
        )

    assert [one.partition(" cannot")[0] for one in said(caplog)] == [
        f"the database {url}" for url in (given[0], other)
    ]


def test_one_that_goes_away_before_the_account_is_looked_for_is_waited_for(
    tmp_path: Path, sqlite_template: SqliteTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_template.copy_to(tmp_path / "voicereg.db")
    registry = Registry.open(url, settings=Settings())
    one = registry.accounts.one
    waits = Waits(lambda: monkeypatch.setattr(registry.accounts, "one", one))

    def away(name: str | None = None) -> object:
        raise DatabaseBusy("the database")

    monkeypatch.setattr(registry.accounts, "one", away)
    assert open_patiently(lambda: registry, all_accounts=False, sleep=waits) is registry
    registry.close()


# --- what is not --------------------------------------------------------------------------------


def refused(url: str) -> DatabaseProblem:
    """What it says when it ends at once."""
    with pytest.raises((DatabaseUnusable, SchemaMismatch)) as caught:
        open_patiently(opens(url), all_accounts=True, sleep=Waits())
    assert caught.value.advice
    return caught.value


def changed(url: str, **parts: str) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


def test_an_unknown_account_ends_it(database_url: str) -> None:
    settings = Settings(account="nobody")

    with pytest.raises(AccountNotFound, match="no account 'nobody'; there is default"):
        open_patiently(
            lambda: Registry.open(database_url, settings=settings),
            all_accounts=False,
            sleep=Waits(),
        )
    # Where all are looked after, nobody asks for it.
    open_patiently(
        lambda: Registry.open(database_url, settings=settings), all_accounts=True, sleep=Waits()
    ).close()


def test_an_older_schema_ends_it(released_url: str) -> None:
    assert isinstance(refused(released_url), SchemaMismatch)


def test_a_server_without_a_schema_ends_it(postgresql: PostgresServer) -> None:
    url = postgresql.create(migrated=False)

    assert "voicereg db upgrade" in (refused(url).advice or "")
    postgresql.drop(url)


def test_another_programs_file_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "voicereg.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a INTEGER)")

    assert isinstance(refused(f"sqlite:///{path}"), SchemaMismatch)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense://",
        "mysql://host/name",
        "sqlite:///:memory:",
        "postgresql://host:port/name",
        "postgresql+nonsense://host/name",
        "postgresql://127.0.0.1:1/name?nonsense=1",
        "postgresql://127.0.0.1:1/name?sslmode=nonsense",
    ],
)
def test_a_url_that_is_none_ends_it(url: str) -> None:
    with pytest.raises((DatabaseUnusable, InvalidInput)):
        open_patiently(opens(url), all_accounts=True, sleep=Waits())


def test_what_can_be_no_registry_ends_it(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("This is no database.\n" * 100, encoding="utf-8")

    assert "not a database" in str(refused(f"sqlite:///{text}"))
    assert "directory" in str(refused(f"sqlite:///{tmp_path}"))
    assert "directory" in str(refused(f"sqlite:///{text}/inside/voicereg.db"))
    assert "File exists" in str(refused(f"sqlite:///{text}/voicereg.db"))


def test_a_server_that_will_have_none_of_it_ends_it(postgresql: PostgresServer) -> None:
    url = postgresql.create(migrated=True)

    assert 'database "nowhere" does not exist' in str(refused(changed(url, database="nowhere")))
    assert 'role "nobody" does not exist' in str(refused(changed(url, username="nobody")))
    postgresql.drop(url)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(schedule=ScheduleSettings(round="0 0 30 2 *")), "no such time ever comes"),
        (Settings(metrics=MetricsSettings(textfile=Path("/a.txt"))), "must end in .prom"),
    ],
)
def test_settings_are_refused_before_anything_is_opened(settings: Settings, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_settings(settings)


def test_what_figures_need_is_looked_for_where_they_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(exposition, "ensure_available", lambda: asked.append("asked"))

    check_settings(Settings())
    assert asked == []
    check_settings(Settings(metrics=MetricsSettings(port=9464)))
    assert asked == ["asked"]
