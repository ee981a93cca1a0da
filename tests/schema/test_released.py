"""Databases of released versions: brought up to date with everything that is in them."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from tests.conftest import CopyOf
from tests.fakes import START, FakeClock
from tests.schema import frozen
from tests.schema.portraits import portrait
from tests.schema.rows import voice_row
from voicereg import DatabaseUnusable, Registry, Settings, State, StateConflict, tables
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.checks import problems
from voicereg.schema.revisions import HEAD, REVISIONS, found_revision
from voicereg.store.texts import SEARCHED, text_of

Rows = dict[str, list[dict[str, Any]]]

OLDEST, NEWEST = frozen.RELEASED[0], frozen.RELEASED[-1]
"""Where a test takes long: the first goes through every migration, the last is what most have."""

VOICES = {"0001": 13, "0002": 16, "0003": 17, "0004": 17, "0005": 17}
ADDED: dict[str, dict[str, dict[str, Any]]] = {
    "0002": {"quota_limits": {"unseen": 0, "refused_at": None, "surplus": 0}},
    "0003": {"sync_states": {"surplus": 0}},
    "0006": {
        "voices": {"manifest_key": None, "candidate_for": None, "candidate_alias": None},
    },
}
"""The columns that tables got with each revision, and what they hold at first."""
MADE = {
    "0002": {"absences", "sync_states"},
    "0003": {"aliases", "voice_uses", "unclaimed_uses", "use_writers", "use_files"},
    "0004": {"leases", "rounds", "step_states", "warnings", "messages"},
    "0005": {"voice_texts"},
    "0006": set(),
}
"""The tables that were made with each revision."""
FILLED: dict[str, tuple[str, ...]] = {
    "0006": ("UPDATE voices SET candidate_for = 'news/anchor', candidate_alias = 'anchor'",)
}
"""What puts something into the tables and columns that the newest revision made."""
STATEMENTS = {"0001": 33, "0002": 16, "0003": 8, "0004": 6, "0005": 5}
"""So many statements the upgrade from each revision has at least."""


def _upgraded(url: str, revision: str = HEAD) -> None:
    database = Database.open(url)
    migrate.upgrade(database, revision)
    database.close()


def _downgraded(url: str, revision: str) -> None:
    database = Database.open(url)
    migrate.downgrade(database, revision)
    database.close()


def _run(url: str, *statements: str) -> None:
    database = Database.open(url)
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def _later(revision: str) -> tuple[str, ...]:
    """The revisions after one, oldest first."""
    return REVISIONS[REVISIONS.index(revision) + 1 :]


def _with_what_is_new(rows: Rows, *revisions: str) -> Rows:
    """Rows as they should be after upgrades to each of these revisions in turn."""
    for revision in revisions:
        added = ADDED.get(revision, {})
        rows = {
            table: [row | added.get(table, {}) for row in held] for table, held in rows.items()
        } | {table: _made(table, rows) for table in MADE[revision]}
    return _sorted(rows)


def _made(table: str, rows: Rows) -> list[dict[str, Any]]:
    """What a new table holds at first."""
    if table != "voice_texts":
        return []
    voices = sorted(rows["voices"], key=lambda row: row["id"])
    return [
        {"id": number, "voice": voice["id"], "text": text_of(voice[name] for name in SEARCHED)}
        for number, voice in enumerate(voices, 1)
    ]


def _sorted(rows: Rows) -> Rows:
    return {
        table: sorted(held, key=lambda row: repr(sorted(row.items())))
        for table, held in sorted(rows.items())
    }


def test_every_revision_that_was_released_is_kept() -> None:
    assert REVISIONS[:-1] == frozen.RELEASED


def test_what_is_kept_holds_something_of_everything(released_url: str, released: str) -> None:
    rows = frozen.rows(released_url)

    assert all(rows.values())
    assert {voice["state"] for voice in rows["voices"]} == set(State)
    assert len(rows["voices"]) == VOICES[released]
    assert [(row["name"], row["quota_group_id"]) for row in rows["accounts"]] == [
        ("default", 1),
        ("newsroom", 1),
        ("studio", 2),
    ]
    assert any(voice["lease_expires_at"] for voice in rows["voices"])
    assert any(voice["replaces"] for voice in rows["voices"])
    assert {tag["value"] for tag in rows["voice_tags"]} >= {"新闻", "news"}
    for revision in _later("0001"):
        assert MADE[revision].isdisjoint(rows) == (revision > released)
    database = Database.open(released_url)
    assert found_revision(database) == released
    database.close()


@pytest.mark.parametrize("released", ["0002"], indirect=True)
def test_what_is_kept_of_0002_holds_what_it_brought(released_url: str) -> None:
    rows = frozen.rows(released_url)

    states = {voice["id"]: voice["state"] for voice in rows["voices"]}
    assert {states[row["voice"]] for row in rows["absences"]} == {"missing", "unresolved"}
    assert {row["synced_at"] is None for row in rows["sync_states"]} == {True, False}
    assert {row["problem"] is None for row in rows["sync_states"]} == {True, False}
    assert any(
        limit["unseen"] and limit["refused_at"] and limit["surplus"]
        for limit in rows["quota_limits"]
    )
    assert {
        (voice["state"], voice["deadline_basis"])
        for voice in rows["voices"]
        if voice["target_model"] is None
    } == {("active", "estimated")}
    assert {voice["state"] for voice in rows["voices"] if voice["lease_expires_at"]} == {
        "creating",
        "unresolved",
    }


@pytest.mark.parametrize("released", ["0003"], indirect=True)
def test_what_is_kept_of_0003_holds_what_it_brought(released_url: str) -> None:
    rows = frozen.rows(released_url)

    voices = {voice["id"]: voice for voice in rows["voices"]}
    names = [alias["name"] for alias in rows["aliases"]]
    assert {name.isascii() for name in names} == {True, False}
    assert len(names) > len(set(names)), "one name in two accounts"
    assert {voices[alias["voice"]]["state"] for alias in rows["aliases"]} == {
        "active",
        "missing",
        "lost",
    }
    assert len({use["day"] for use in rows["voice_uses"]}) > 7
    assert {voices[use["voice"]]["gone_at"] is None for use in rows["voice_uses"]} == {True, False}
    sources: dict[str, set[str]] = {}
    for use in rows["voice_uses"]:
        sources.setdefault(use["voice"], set()).add(use["source"])
    for voice, of_voice in sources.items():
        assert voices[voice]["deadline_basis"] == "used"
        assert voices[voice]["last_used_source"] in of_voice | {"newsroom"}
    assert max(map(len, sources.values())) == 2
    assert {use["voice_id"] for use in rows["unclaimed_uses"]}.isdisjoint(
        voice["voice_id"] for voice in rows["voices"]
    )
    assert max(file["size_bytes"] for file in rows["use_files"]) > 2**32
    assert {state["surplus"] > 0 for state in rows["sync_states"]} == {True, False}
    assert {"alias.set", "alias.remove", "voice.use.correct"} <= {
        event["action"] for event in rows["events"]
    }


def test_what_is_kept_has_the_schema_of_its_migration(
    released_url: str, released: str, empty_database_url: str
) -> None:
    """What users have cannot be mended in an old migration: each stays as it was."""
    had = portrait(released_url)
    _downgraded(released_url, "base")
    _upgraded(empty_database_url, released)

    assert portrait(empty_database_url) == had


def test_an_upgrade_keeps_every_row(released_url: str, released: str) -> None:
    before = frozen.rows(released_url)

    _upgraded(released_url)

    assert frozen.rows(released_url) == _with_what_is_new(before, *_later(released))


def test_an_upgraded_database_is_sound(upgraded_url: str) -> None:
    database = Database.open(upgraded_url)
    assert found_revision(database) == HEAD
    assert migrate.differences(database) == []
    assert problems(database) == []
    database.close()


def test_an_upgraded_database_has_the_schema_of_a_new_one(upgraded_url: str) -> None:
    """With all names, conditions and defaults, as the database itself words them."""
    had = portrait(upgraded_url)
    engine = sa.create_engine(upgraded_url)
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    engine.dispose()

    assert portrait(upgraded_url) == had


def test_the_library_reads_an_upgraded_database(upgraded_url: str) -> None:
    with Registry.open(upgraded_url, settings=Settings()) as registry:
        voices = registry.voices(account=Registry.ALL_ACCOUNTS, with_gone=True)
        (chinese,) = registry.voices(tags={"团队": "新闻"})
        _, preview = registry.preview(chinese.id)
        log = registry.events(account=Registry.ALL_ACCOUNTS)

    assert {voice.id: (voice.state, voice.target_model) for voice in voices} == {
        row["id"]: (row["state"], row["target_model"])
        for row in frozen.rows(upgraded_url)["voices"]
    }
    assert chinese.owner == "林"
    assert chinese.pinned
    assert preview.data.endswith(bytes(range(256)))
    assert len(log) == len(frozen.rows(upgraded_url)["events"])


@pytest.mark.parametrize("released", ["0003"], indirect=True)
def test_the_library_goes_on_with_the_names_and_uses_of_0003(
    upgraded_url: str, clock: FakeClock
) -> None:
    with Registry.open(upgraded_url, settings=Settings(), clock=clock) as registry:
        bulletin = registry.resolve("晚间新闻")
        assert registry.resolve("evening-news").voice == bulletin.voice
        uses = registry.daily_uses(bulletin.voice)
        assert {use.source for use in uses} == {"bulletin.py", "晚间新闻"}
        assert sum(use.uses for use in uses) == 1573
        assert registry.voice(bulletin.voice).last_used_source == "晚间新闻"
        with pytest.raises(StateConflict, match="gone"):
            registry.resolve("news/trailer@v2", account="newsroom")


@pytest.mark.parametrize("released", [OLDEST, NEWEST], indirect=True)
def test_an_upgraded_database_goes_down_and_up_again(released_url: str, released: str) -> None:
    before, old = frozen.rows(released_url), portrait(released_url)
    _upgraded(released_url)
    upgraded, new = frozen.rows(released_url), portrait(released_url)

    _downgraded(released_url, released)
    assert frozen.rows(released_url) == before
    assert portrait(released_url) == old

    _upgraded(released_url)
    assert frozen.rows(released_url) == upgraded
    assert portrait(released_url) == new
    database = Database.open(released_url)
    assert problems(database) == []
    database.close()


@pytest.mark.parametrize("released", [OLDEST], indirect=True)
def test_every_step_goes_up_and_down_and_up_again(released_url: str, released: str) -> None:
    before = frozen.rows(released_url)
    seen = [(released, before, portrait(released_url))]
    for revision in _later(released):
        _upgraded(released_url, revision)
        rows = _with_what_is_new(seen[-1][1], revision)
        assert frozen.rows(released_url) == rows
        seen.append((revision, rows, portrait(released_url)))

    for revision, rows, look in seen[-2::-1]:
        _downgraded(released_url, revision)
        assert frozen.rows(released_url) == rows
        assert portrait(released_url) == look
    for revision, rows, look in seen[1:]:
        _upgraded(released_url, revision)
        assert frozen.rows(released_url) == rows
        assert portrait(released_url) == look


def test_the_newest_step_down_loses_only_what_it_had_brought(upgraded_url: str) -> None:
    upgraded = frozen.rows(upgraded_url)
    _run(upgraded_url, *FILLED[HEAD])
    filled = frozen.rows(upgraded_url)
    assert all(filled[table] for table in MADE[HEAD])

    _downgraded(upgraded_url, REVISIONS[-2])
    assert frozen.rows(upgraded_url) == _sorted(
        {
            table: [
                {name: row[name] for name in row if name not in ADDED.get(HEAD, {}).get(table, {})}
                for row in rows
            ]
            for table, rows in filled.items()
            if table not in MADE[HEAD]
        }
    )

    _upgraded(upgraded_url)
    assert frozen.rows(upgraded_url) == upgraded
    database = Database.open(upgraded_url)
    assert problems(database) == []
    database.close()


def test_an_upgraded_database_knows_its_new_rules(upgraded_url: str) -> None:
    database = Database.open(upgraded_url)
    with database.write() as connection:
        tagged = connection.execute(sa.select(tables.voice_tags.c.voice)).scalars().first()

    with (
        pytest.raises(DatabaseUnusable, match="ck_voices_target_model"),
        database.write() as connection,
    ):
        connection.execute(sa.insert(tables.voices).values(**voice_row(target_model=None)))
    with (
        pytest.raises(DatabaseUnusable, match=r"(?i)foreign key"),
        database.write() as connection,
    ):
        connection.execute(sa.insert(tables.voices).values(**voice_row(replaces="nobody")))
    used = {"voice": tagged, "day": START.date(), "source": "reader.py", "uses": 1}
    told = {"channel": "mail", "account_id": 1, "kind": "gone", "key": tagged, "grade": 0}
    told |= {"told_at": START}
    for constraint, table, row in (
        ("ck_voice_uses_uses", tables.voice_uses, used | {"uses": 0}),
        ("ck_warnings_kind", tables.warnings, told | {"kind": "weather"}),
    ):
        with (
            pytest.raises(DatabaseUnusable, match=constraint),
            database.write() as connection,
        ):
            connection.execute(sa.insert(table).values(**row))
    with database.write() as connection:
        connection.execute(sa.insert(tables.voice_uses).values(**used))
        connection.execute(sa.insert(tables.warnings).values(**told))
        connection.execute(
            sa.insert(tables.aliases).values(
                account_id=1, name="anchor", voice=tagged, updated_at=START
            )
        )
        connection.execute(
            sa.update(tables.voices).where(tables.voices.c.replaces == tagged).values(replaces=None)
        )
    erasing = sa.delete(tables.voices).where(tables.voices.c.id == tagged)
    with (
        pytest.raises(DatabaseUnusable, match=r"(?i)foreign key"),
        database.write() as connection,
    ):
        connection.execute(erasing)
    with database.write() as connection:
        connection.execute(sa.delete(tables.aliases))
        connection.execute(erasing)
    with database.read() as connection:
        held = connection.execute(sa.select(tables.voice_tags.c.voice)).scalars().all()
        uses = connection.execute(sa.select(tables.voice_uses.c.voice)).scalars().all()
        about = sa.select(tables.warnings.c.key).where(tables.warnings.c.key == tagged)
        left = connection.execute(about.where(tables.warnings.c.kind == "gone")).scalars().all()
    assert held
    assert tagged not in held
    assert tagged not in uses
    assert left == [tagged], "what was told outlives its voice"
    database.close()


def test_ids_go_on_where_they_were(released_url: str) -> None:
    last = max(event["id"] for event in frozen.rows(released_url)["events"])
    _run(released_url, f"DELETE FROM events WHERE id = {last}")

    _upgraded(released_url)

    _run(
        released_url,
        "INSERT INTO events (at, actor, action) VALUES (CURRENT_TIMESTAMP, 'tester', 'test')",
    )
    assert max(event["id"] for event in frozen.rows(released_url)["events"]) == last + 1


class _Interruption(Exception):
    pass


class _Interrupting:
    """Fails at one of the statements of an upgrade; counts them where there are fewer."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.count = 0

    def __call__(self, *given: Any) -> None:
        self.count += 1
        if self.count == self._at:
            raise _Interruption


def _statements(url: str, stop_at: int) -> int:
    """Upgrade until one of its statements, and return how many there were until then."""
    interrupting = _Interrupting(stop_at)
    database = Database.open(url)
    sa.event.listen(sa.Engine, "before_cursor_execute", interrupting)
    try:
        with suppress(_Interruption):
            migrate.upgrade(database)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", interrupting)
        database.close()
    return interrupting.count


@pytest.mark.parametrize(
    ("backend", "released", "stride"),
    [
        ("sqlite", OLDEST, 4),
        ("sqlite", NEWEST, 1),
        ("postgresql", NEWEST, 1),
        pytest.param("sqlite", OLDEST, 1, marks=pytest.mark.soak),
        pytest.param("postgresql", OLDEST, 1, marks=pytest.mark.soak),
    ],
    indirect=["backend", "released"],
)
def test_an_upgrade_interrupted_anywhere_changes_nothing(
    released_url: str, released: str, stride: int, copy_of: CopyOf
) -> None:
    """At each of its statements, or one of so many, and the last, which says that it is done."""
    before, old = frozen.rows(released_url), portrait(released_url)
    whole = _statements(copy_of(f"{released}-counted", partial(frozen.load, revision=released)), 0)
    assert whole > STATEMENTS[released]

    for at in [*range(1, whole, stride), whole]:
        assert _statements(released_url, at) == at
        assert frozen.rows(released_url) == before

    # Whatever one of them had left in the schema would still be there.
    assert portrait(released_url) == old
    assert _statements(released_url, whole + 1) == whole
    assert portrait(released_url) != old


_KILLED = """
import os, signal, sys
import sqlalchemy as sa
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD

def kill(connection, cursor, statement, *rest):
    if statement.startswith(f"UPDATE alembic_version SET version_num='{HEAD}'"):
        os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(sa.Engine, "before_cursor_execute", kill)
migrate.upgrade(Database.open(sys.argv[1]))
"""


@pytest.mark.parametrize("released", [NEWEST], indirect=True)
def test_an_upgrade_that_is_killed_changes_nothing(released_url: str) -> None:
    """As by ``kill -9``, after all of its changes and before it ends."""
    before, old = frozen.rows(released_url), portrait(released_url)

    done = subprocess.run([sys.executable, "-c", _KILLED, released_url], check=False)

    assert done.returncode == -signal.SIGKILL
    assert frozen.rows(released_url) == before
    assert portrait(released_url) == old
    _upgraded(released_url)
    assert portrait(released_url) != old


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("released", ["0001"], indirect=True)
def test_no_migration_runs_where_it_would_delete_what_refers_to_voices(released_url: str) -> None:
    """With ``foreign_keys=ON``, as everywhere but in a migration, dropping a table cascades."""
    before = frozen.rows(released_url)
    database = Database.open(released_url)

    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        with pytest.raises(RuntimeError, match="foreign_keys"):
            command.upgrade(config, "0002")

    assert frozen.rows(released_url) == before
    database.close()


@pytest.mark.parametrize("released", ["0002", "0003"], indirect=True)
def test_no_voice_is_lost_when_the_schema_before_sync_cannot_hold_it(upgraded_url: str) -> None:
    upgraded = frozen.rows(upgraded_url)
    unknown = {voice["id"] for voice in upgraded["voices"] if voice["target_model"] is None}
    assert unknown

    _downgraded(upgraded_url, "0001")

    rows = frozen.rows(upgraded_url)
    assert {row["id"] for row in rows["voices"]} == {row["id"] for row in upgraded["voices"]}
    assert {
        voice["state"]: voice["lease_expires_at"] is None
        for voice in rows["voices"]
        if voice["state"] in {"creating", "unresolved"}
    } == {"creating": False, "unresolved": True}
    assert {
        voice["id"]: voice["target_model"]
        for voice in upgraded["voices"]
        if voice["target_model"] is not None
    } | dict.fromkeys(unknown, "unknown") == {
        voice["id"]: voice["target_model"] for voice in rows["voices"]
    }
    assert all("unseen" not in limit for limit in rows["quota_limits"])
    for table in ("voice_tags", "voice_previews", "events", "accounts", "quota_groups"):
        assert rows[table] == upgraded[table]

    _upgraded(upgraded_url)
    database = Database.open(upgraded_url)
    assert problems(database) == []
    database.close()
