"""A whole registry in another database: nothing lost, interrupted or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.databases import PostgresServer, SqliteTemplate
from tests.fakes import ANNOUNCER, START, FakeClock
from tests.registry.rows import insert_voice
from tests.schema import frozen
from tests.schema.rows import everything
from voicereg import CopyRefused, Registry, SchemaMismatch, Settings
from voicereg.engine import Database
from voicereg.registry.copies import Copied, copy_registry, count_rows
from voicereg.schema import migrate
from voicereg.schema.checks import problems
from voicereg.schema.revisions import HEAD, found_revision
from voicereg.tables import aliases, leases, metadata, voices

NAMES = ("Zebra", "apple", "Éclair", "eclair", "a-b", "ab", "a b", "新闻早班", "🎙", "_x", "~")
"""Texts that languages order otherwise than bytes are ordered."""

NewUrl = Callable[[str], str]


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewUrl]:
    """Makes the URL of an empty database of a kind."""
    with ExitStack() as left:
        numbers = iter(range(100))

        def make(kind: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
            server: PostgresServer = request.getfixturevalue("postgresql")
            url = server.create(migrated=False)
            left.callback(server.drop, url)
            return url

        yield make


@pytest.fixture
def registry_of(new_url: NewUrl) -> Callable[[str], str]:
    """Makes a registry of a kind with something of everything, as years left it."""

    def make(kind: str) -> str:
        url = new_url(kind)
        frozen.load(url, frozen.RELEASED[-1])
        with closing(Database.open(url)) as database:
            migrate.upgrade(database)
            with database.write() as connection:
                voice = connection.execute(sa.select(voices.c.id)).scalars().first()
                connection.execute(
                    sa.insert(aliases),
                    [
                        {"account_id": 1, "name": name, "voice": voice, "updated_at": START}
                        for name in NAMES
                    ],
                )
        return url

    return make


def copy(source: str, target: str, **options: Any) -> Copied:
    with closing(Database.open(source)) as ours, closing(Database.open(target)) as theirs:
        return copy_registry(ours, theirs, **options)


def held(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, but those of processes."""
    with closing(Database.open(url)) as database, database.read() as connection:
        found = everything(connection)
    del found[leases.name]
    return found


WAYS = [
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("sqlite", "sqlite"),
    ("postgresql", "postgresql"),
]


@pytest.mark.parametrize(("kind", "other"), WAYS)
def test_both_hold_the_same(
    registry_of: Callable[[str], str], new_url: NewUrl, kind: str, other: str
) -> None:
    source, target = registry_of(kind), new_url(other)
    before = held(source)
    assert all(before[table.name] for table in metadata.sorted_tables if table is not leases)

    done = copy(source, target)

    assert held(source) == before
    assert held(target) == before
    assert done.rows == {name: len(rows) for name, rows in before.items()}
    assert done.written >= sum(done.rows.values())
    assert not done.was_resumed
    with closing(Database.open(target)) as database:
        assert found_revision(database) == HEAD
        assert problems(database) == []


@pytest.mark.parametrize(("kind", "other"), WAYS[:2])
def test_there_and_back(
    registry_of: Callable[[str], str], new_url: NewUrl, kind: str, other: str
) -> None:
    source, there, back = registry_of(kind), new_url(other), new_url(kind)

    copy(source, there)
    copy(there, back)

    assert frozen.rows(back) | {"leases": []} == frozen.rows(source) | {"leases": []}


@pytest.mark.parametrize(("kind", "other"), WAYS[:2])
def test_work_goes_on_in_the_copy(
    registry_of: Callable[[str], str],
    new_url: NewUrl,
    kind: str,
    other: str,
    clock: FakeClock,
) -> None:
    """Numbers are counted on, and what was copied is found by its words."""
    source, target = registry_of(kind), new_url(other)
    copy(source, target)

    with Registry.open(target, settings=Settings(), clock=clock) as registry:
        last = registry.events(limit=1, account=Registry.ALL_ACCOUNTS)[0]
        (chinese,) = registry.voices(search="新闻播报", tags={"团队": "新闻"})
        registry.edit(chinese.id, note="moved")
        with registry.reserve(**ANNOUNCER) as slot:
            slot.release("only to see")
        registry.accounts.add(
            "after",
            region="cn-beijing",
            workspace=None,
            base_url=None,
            api_key_env="AFTER_KEY",
            quota_group=None,
            limits={},
            unchecked=False,
        )
        events = registry.events(account=Registry.ALL_ACCOUNTS)

        assert [voice.id for voice in registry.voices(search="moved")] == [chinese.id]
    assert min(event.id for event in events if event.at > last.at or event.id > last.id) > last.id
    assert len({event.id for event in events}) == len(events)


class _Stopped(Exception):
    pass


def stopping_after(rows: int) -> Callable[[str, int], None]:
    seen = 0

    def on_rows(table: str, more: int) -> None:
        nonlocal seen
        seen += max(more, 1)
        if seen >= rows:
            raise _Stopped

    return on_rows


@pytest.mark.parametrize("rows", [1, 100, 220])
@pytest.mark.parametrize(("kind", "other"), WAYS[:2])
def test_what_was_interrupted_goes_on(
    registry_of: Callable[[str], str], new_url: NewUrl, kind: str, other: str, rows: int
) -> None:
    source, target = registry_of(kind), new_url(other)
    with pytest.raises(_Stopped):
        copy(source, target, on_rows=stopping_after(rows))

    with pytest.raises(SchemaMismatch, match="unfinished copy") as refused:
        Registry.open(target, settings=Settings())
    assert "voicereg db copy" in (refused.value.advice or "")
    with (
        closing(Database.open(target)) as database,
        pytest.raises(SchemaMismatch, match="unfinished copy"),
    ):
        migrate.upgrade(database)

    assert copy(source, target).was_resumed
    assert held(target) == held(source)


def test_what_was_changed_since_it_was_interrupted_is_changed_in_the_copy(
    registry_of: Callable[[str], str], new_url: NewUrl, clock: FakeClock
) -> None:
    source, target = registry_of("sqlite"), new_url("postgresql")
    with pytest.raises(_Stopped):
        copy(source, target, on_rows=stopping_after(330))
    clock.moment += timedelta(days=400)
    with Registry.open(source, settings=Settings(), clock=clock) as registry:
        registry.aliases.remove("Zebra")
        for voice in registry.voices(with_gone=True):
            registry.edit(voice.id, note="later", untag=list(voice.tags))
        insert_voice(source, name="later")

    done = copy(source, target)

    assert done.removed
    assert held(target) == held(source)


def test_a_source_that_is_worked_on_is_told_of(
    registry_of: Callable[[str], str], new_url: NewUrl
) -> None:
    source, target = registry_of("sqlite"), new_url("sqlite")

    with pytest.raises(CopyRefused, match="was changed while it was copied") as refused:
        copy(source, target, on_rows=lambda table, rows: insert_voice(source) and None)

    assert "run this again" in (refused.value.advice or "")
    with pytest.raises(SchemaMismatch, match="unfinished copy"):
        Registry.open(target, settings=Settings())
    copy(source, target)
    assert held(target) == held(source)


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_nothing_is_copied_over_a_registry(registry_of: Callable[[str], str], other: str) -> None:
    source, target = registry_of("sqlite"), registry_of(other)
    before = held(target)

    with pytest.raises(CopyRefused, match="a registry already"):
        copy(source, target)
    with pytest.raises(CopyRefused, match="a registry already"):
        copy(target, target)

    assert held(target) == before


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_nothing_is_copied_over_what_is_not_voiceregs(
    registry_of: Callable[[str], str], new_url: NewUrl, other: str
) -> None:
    source, target = registry_of("sqlite"), new_url(other)
    engine = sa.create_engine(target)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE songs (name TEXT)")
    engine.dispose()

    with pytest.raises(CopyRefused, match="not voicereg's"):
        copy(source, target)


def test_a_copy_of_another_registry_is_not_gone_on_with(
    registry_of: Callable[[str], str],
    new_url: NewUrl,
    sqlite_template: SqliteTemplate,
    tmp_path: Path,
) -> None:
    source, target = registry_of("sqlite"), new_url("sqlite")
    other = sqlite_template.copy_to(tmp_path / "other.db")
    with pytest.raises(_Stopped):
        copy(source, target, on_rows=stopping_after(60))

    with pytest.raises(CopyRefused, match="another registry"):
        copy(other, target)


def test_an_older_registry_is_upgraded_first(new_url: NewUrl) -> None:
    source, target = new_url("sqlite"), new_url("sqlite")
    frozen.load(source, frozen.RELEASED[-1])

    with pytest.raises(SchemaMismatch, match="older") as refused:
        copy(source, target)

    assert "voicereg db upgrade" in (refused.value.advice or "")
    with closing(Database.open(target)) as database:
        assert found_revision(database) is None


def test_an_account_with_the_name_of_the_first_one(new_url: NewUrl, clock: FakeClock) -> None:
    """What is made with a database is not in the way of what is copied."""
    source, target = new_url("sqlite"), new_url("sqlite")
    with Registry.open(source, settings=Settings(account="studio"), clock=clock) as registry:
        for name in ("studio", "default"):
            if name == "default":
                registry.accounts.remove("default")
            registry.accounts.add(
                name,
                region="cn-beijing",
                workspace=None,
                base_url=None,
                api_key_env="STUDIO_KEY",
                quota_group=None,
                limits={},
                unchecked=False,
            )

    copy(source, target)

    assert held(target) == held(source)


def test_the_rows_to_come_are_counted(registry_of: Callable[[str], str], new_url: NewUrl) -> None:
    source, target = registry_of("sqlite"), new_url("sqlite")
    told: dict[str, int] = {}
    with closing(Database.open(source)) as database:
        expected = count_rows(database)

    def on_rows(table: str, more: int) -> None:
        told[table] = told.get(table, 0) + more

    copy(source, target, on_rows=on_rows)

    # It is looked through twice: to copy, and to check.
    assert told == {table: 2 * rows for table, rows in expected.items()}
