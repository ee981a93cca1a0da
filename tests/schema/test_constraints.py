"""What the database itself refuses, whatever the program does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.databases import PostgresServer, SqliteTemplate
from tests.fakes import START
from tests.schema.rows import GROUP, voice_row
from voicereg import DatabaseUnusable, tables
from voicereg.domain.concerns import ConcernKind
from voicereg.domain.messages import News, Outcome
from voicereg.domain.states import GONE, State
from voicereg.domain.voices import DeadlineBasis
from voicereg.engine import Database

_ACCOUNT = {
    "name": "studio",
    "region": "cn-beijing",
    "api_key_env": "STUDIO_KEY",
    "quota_group_id": GROUP,
    "created_at": START,
    "updated_at": START,
}
_LIMIT = {"quota_group_id": 2, "family": "cosyvoice", "slots": 1}
_OF_SYNC: dict[str, dict[str, Any]] = {
    "sync_states": {
        "account_id": 2,
        "family": "cosyvoice",
        "tried_at": START,
        "problem": "no answer",
    },
    "absences": {"voice": "avoice", "since": START, "listings": 1},
}
_USES = {"day": START.date(), "source": "reader.py", "uses": 1}
_OF_USES: dict[str, dict[str, Any]] = {
    "aliases": {"account_id": 2, "name": "anchor", "voice": "avoice", "updated_at": START},
    "voice_uses": {"voice": "avoice", **_USES},
    "unclaimed_uses": {"voice_id": "cosyvoice-unknown", "last_used_at": START, **_USES},
    "use_writers": {"writer": "host:1:a", "batch": 1, "written_at": START},
    "use_files": {"digest": "00ff", "size_bytes": 1, "read_at": START},
}
_ROUND = {"holder": "lin@studio-1", "started_at": START}
_LATER = START + timedelta(minutes=5)
_OF_HOUSEKEEPING: dict[str, dict[str, Any]] = {
    "leases": {
        "name": "round",
        "token": "a1b2",
        "holder": "lin@studio-1",
        "taken_at": START,
        "expires_at": _LATER,
    },
    "rounds": {"id": 1, **_ROUND},
    "step_states": {
        "name": "sync",
        "account": "studio",
        "tried_at": START,
        "error": "no answer",
    },
    "warnings": {
        "channel": "mail",
        "account_id": 2,
        "kind": "deadline",
        "key": "avoice",
        "grade": 30,
        "told_at": START,
    },
    "messages": {"id": "m1", "channel": "mail", "made_at": START, "items": []},
}
_LARGE = 2**40
WITH_ID = [state for state in State if state not in {"creating", "unresolved", "failed"}]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: SqliteTemplate,
) -> Iterator[Database]:
    """One for all tests here: only rows are added to it."""
    if request.param == "sqlite":
        opened = Database.open(
            sqlite_template.copy_to(tmp_path_factory.mktemp("constraints") / "voicereg.db")
        )
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create(migrated=True)
    opened = Database.open(url)
    yield opened
    opened.close()
    server.drop(url)


@pytest.fixture
def database(shared_database: Database) -> Iterator[Database]:
    """A database with nothing but the default account."""
    yield shared_database
    with shared_database.write() as connection:
        for table in (*_OF_USES, *_OF_HOUSEKEEPING):
            connection.execute(sa.delete(tables.metadata.tables[table]))
        connection.execute(sa.update(tables.voices).values(replaces=None))
        connection.execute(sa.delete(tables.voices))
        connection.execute(sa.delete(tables.accounts).where(tables.accounts.c.id > GROUP))
        connection.execute(sa.delete(tables.quota_groups).where(tables.quota_groups.c.id > GROUP))


def _insert(database: Database, table: sa.Table, *rows: dict[str, Any]) -> None:
    with database.write() as connection:
        for row in rows:
            connection.execute(sa.insert(table).values(**row))


def _refused(database: Database, table: sa.Table, *rows: dict[str, Any]) -> str:
    """What the database says; the last of the rows alone is at fault."""
    with database.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    if rows[:-1]:
        _insert(database, table, *rows[:-1])
    with pytest.raises(DatabaseUnusable) as caught:
        _insert(database, table, rows[-1])
    assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
    with database.read() as connection:
        after = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    assert after == before + len(rows) - 1
    return str(caught.value)


@pytest.mark.parametrize("state", State)
def test_a_fitting_voice_of_each_state_is_taken(database: Database, state: State) -> None:
    _insert(database, tables.voices, voice_row(state=state))

    with database.read() as connection:
        assert connection.execute(sa.select(tables.voices.c.state)).scalars().all() == [state]


@pytest.mark.parametrize(
    ("constraint", "changed"),
    [
        ("family", {"family": "sambert"}),
        ("origin", {"origin": "found"}),
        ("state", {"state": "asleep"}),
        ("deadline_basis", {"deadline_basis": "guessed"}),
        *(("voice_id", {"state": state, "voice_id": None}) for state in WITH_ID),
        ("lease", {"state": State.CREATING, "lease_holder": None}),
        ("lease", {"state": State.CREATING, "lease_expires_at": None}),
        ("lease", {"state": State.CREATING, "lease_holder": None, "lease_expires_at": None}),
        ("lease", {"lease_holder": "host:1:a"}),
        ("lease", {"lease_expires_at": START}),
        ("lease", {"lease_holder": "host:1:a", "lease_expires_at": START}),
        ("lease", {"state": State.UNRESOLVED, "lease_holder": "host:1:a"}),
        *(
            ("lease", {"state": state, "lease_expires_at": START})
            for state in State
            if state not in {State.CREATING, State.UNRESOLVED}
        ),
        ("target_model", {"target_model": None, "deadline_basis": DeadlineBasis.CREATED}),
        ("delete_intent", {"state": State.DELETING, "delete_asked_at": None}),
        ("delete_intent", {"state": State.DELETING, "state_before_delete": None}),
        (
            "delete_intent",
            {"state": State.DELETING, "delete_asked_at": None, "state_before_delete": None},
        ),
        ("delete_intent", {"delete_asked_at": START}),
        ("delete_intent", {"state_before_delete": State.ACTIVE}),
        *(("gone_at", {"state": state, "gone_at": None}) for state in sorted(GONE)),
        ("gone_at", {"gone_at": START}),
        ("deadline_at", {"deadline_at": START}),
        ("deadline_at", {"deadline_at": START - timedelta(days=1)}),
        ("used_deadline", {"deadline_basis": DeadlineBasis.USED, "last_used_at": None}),
    ],
)
def test_a_voice_that_breaks_a_check_is_refused(
    database: Database, constraint: str, changed: dict[str, Any]
) -> None:
    assert f"ck_voices_{constraint}" in _refused(database, tables.voices, voice_row(**changed))


@pytest.mark.parametrize("state", ["creating", "unresolved", "failed"])
def test_a_voice_that_was_not_made_needs_no_id(database: Database, state: str) -> None:
    rows = [voice_row(id=key, state=state, voice_id=None) for key in ("one", "two")]

    _insert(database, tables.voices, *rows)

    with database.read() as connection:
        assert len(connection.execute(sa.select(tables.voices.c.id)).all()) == 2


@pytest.mark.parametrize("expires_at", [None, START])
def test_an_unresolved_create_may_keep_the_end_of_its_lease(
    database: Database, expires_at: Any
) -> None:
    row = voice_row(state=State.UNRESOLVED, voice_id=None, lease_expires_at=expires_at)

    _insert(database, tables.voices, row)

    with database.read() as connection:
        kept = connection.execute(sa.select(tables.voices.c.lease_expires_at)).scalar_one()
    assert kept == expires_at


@pytest.mark.parametrize(
    "changed",
    [
        {"deadline_basis": DeadlineBasis.ESTIMATED},
        {"deadline_basis": DeadlineBasis.USED, "last_used_at": START},
    ],
)
def test_a_voice_that_was_not_made_here_may_have_a_model_yet_to_be_told(
    database: Database, changed: dict[str, Any]
) -> None:
    _insert(database, tables.voices, voice_row(target_model=None, **changed))

    with database.read() as connection:
        assert connection.execute(sa.select(tables.voices.c.target_model)).scalars().all() == [None]


def test_a_used_voice_may_rest_on_its_use(database: Database) -> None:
    _insert(database, tables.voices, voice_row(deadline_basis="used", last_used_at=START))

    with database.read() as connection:
        assert connection.execute(sa.select(tables.voices.c.last_used_at)).scalar_one() == START


@pytest.mark.parametrize(
    ("constraint", "row"),
    [
        ("ck_quota_limits_family", {"quota_group_id": GROUP, "family": "sambert", "slots": 1}),
        ("ck_quota_limits_slots", _LIMIT | {"slots": -1}),
        ("ck_quota_limits_unseen", _LIMIT | {"unseen": -1, "refused_at": START}),
        ("ck_quota_limits_unseen", _LIMIT | {"surplus": -1}),
        ("ck_quota_limits_refused_at", _LIMIT | {"unseen": 1}),
    ],
)
def test_a_limit_that_breaks_a_check_is_refused(
    database: Database, constraint: str, row: dict[str, Any]
) -> None:
    _insert(database, tables.quota_groups, {"id": 2, "name": "second", "created_at": START})

    assert constraint in _refused(database, tables.quota_limits, row | {"updated_at": START})


@pytest.mark.parametrize("changed", [{"refused_at": START}, {"unseen": 1, "refused_at": START}])
def test_a_fitting_limit_is_taken(database: Database, changed: dict[str, Any]) -> None:
    _insert(database, tables.quota_groups, {"id": 2, "name": "second", "created_at": START})

    _insert(database, tables.quota_limits, _LIMIT | {"updated_at": START} | changed)

    with database.read() as connection:
        kept = connection.execute(
            sa.select(tables.quota_limits).where(tables.quota_limits.c.quota_group_id == 2)
        ).one()
    assert kept.surplus == 0
    assert kept.unseen == changed.get("unseen", 0)
    assert kept.refused_at == START


@pytest.mark.parametrize(
    ("constraint", "table", "row"),
    [
        ("ck_sync_states_family", "sync_states", {"family": "sambert"}),
        ("ck_sync_states_problem", "sync_states", {"problem": None}),
        ("ck_absences_listings", "absences", {"listings": 0}),
    ],
)
def test_a_row_of_a_sync_that_breaks_a_check_is_refused(
    database: Database, constraint: str, table: str, row: dict[str, Any]
) -> None:
    _insert(database, tables.voices, voice_row())

    assert constraint in _refused(database, tables.metadata.tables[table], _OF_SYNC[table] | row)


@pytest.mark.parametrize("table", ["sync_states", "absences"])
def test_what_a_sync_noted_goes_with_what_it_is_about(database: Database, table: str) -> None:
    _insert(
        database,
        tables.accounts,
        _ACCOUNT | {"id": 2},
    )
    _insert(database, tables.voices, voice_row())
    noted = tables.metadata.tables[table]
    _insert(database, noted, _OF_SYNC[table])
    assert "unique" in _refused(database, noted, _OF_SYNC[table]).lower()

    with database.write() as connection:
        connection.execute(sa.delete(tables.voices))
        connection.execute(sa.delete(tables.accounts).where(tables.accounts.c.id == 2))

    with database.read() as connection:
        assert connection.execute(sa.select(noted)).all() == []


@pytest.fixture
def with_voice(database: Database) -> Database:
    """A database with a voice, and with a second account."""
    _insert(database, tables.accounts, _ACCOUNT | {"id": 2})
    _insert(database, tables.voices, voice_row())
    return database


@pytest.mark.parametrize("uses", [0, -1])
@pytest.mark.parametrize("table", ["voice_uses", "unclaimed_uses"])
def test_no_use_is_not_recorded(with_voice: Database, table: str, uses: int) -> None:
    row = _OF_USES[table] | {"uses": uses}

    assert f"ck_{table}_uses" in _refused(with_voice, tables.metadata.tables[table], row)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("voice_uses", "uses"),
        ("unclaimed_uses", "uses"),
        ("use_writers", "batch"),
        ("use_files", "size_bytes"),
    ],
)
def test_large_numbers_are_taken(with_voice: Database, table: str, column: str) -> None:
    noted = tables.metadata.tables[table]

    _insert(with_voice, noted, _OF_USES[table] | {column: _LARGE})

    with with_voice.read() as connection:
        assert connection.execute(sa.select(noted.c[column])).scalar_one() == _LARGE


@pytest.mark.parametrize("table", _OF_USES)
def test_of_uses_too_nothing_is_recorded_twice(with_voice: Database, table: str) -> None:
    row = _OF_USES[table]
    # The key alone counts, whatever else is said.
    other: dict[str, Any] = {"voice": "other"} if table == "aliases" else {}
    other |= {name: 2 for name in ("uses", "batch", "size_bytes") if name in row}
    _insert(with_voice, tables.voices, voice_row(id="other", voice_id="other"))

    refusal = _refused(with_voice, tables.metadata.tables[table], row, row | other)

    assert "unique" in refusal.lower()


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("aliases", {"account_id": 1}),
        ("aliases", {"name": "主播"}),
        ("voice_uses", {"voice": "other"}),
        ("voice_uses", {"day": START.date() + timedelta(days=1)}),
        ("voice_uses", {"source": "读者"}),
        ("unclaimed_uses", {"voice_id": "cosyvoice-other"}),
        ("unclaimed_uses", {"day": START.date() + timedelta(days=1)}),
        ("unclaimed_uses", {"source": "读者"}),
        ("use_writers", {"writer": "host:1:b"}),
        ("use_files", {"digest": "00fe"}),
    ],
)
def test_what_differs_in_any_part_of_its_key_is_recorded_beside(
    with_voice: Database, table: str, changed: dict[str, Any]
) -> None:
    noted = tables.metadata.tables[table]
    _insert(with_voice, tables.voices, voice_row(id="other", voice_id="other"))

    _insert(with_voice, noted, _OF_USES[table], _OF_USES[table] | changed)

    with with_voice.read() as connection:
        assert len(connection.execute(sa.select(noted)).all()) == 2


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("aliases", {"account_id": 99}),
        ("aliases", {"voice": "nobody"}),
        ("voice_uses", {"voice": "nobody"}),
    ],
)
def test_a_name_or_a_use_of_nothing_is_refused(
    with_voice: Database, table: str, changed: dict[str, Any]
) -> None:
    row = _OF_USES[table] | changed

    assert "foreign key" in _refused(with_voice, tables.metadata.tables[table], row).lower()


def test_uses_go_with_their_voice_and_no_other(with_voice: Database) -> None:
    row = _OF_USES["voice_uses"]
    _insert(with_voice, tables.voices, voice_row(id="other", voice_id="other"))
    _insert(with_voice, tables.voice_uses, row, row | {"source": "b"}, row | {"voice": "other"})
    _insert(with_voice, tables.unclaimed_uses, _OF_USES["unclaimed_uses"])

    with with_voice.write() as connection:
        connection.execute(sa.delete(tables.voices).where(tables.voices.c.id == "avoice"))

    with with_voice.read() as connection:
        assert connection.execute(sa.select(tables.voice_uses.c.voice)).scalars().all() == ["other"]
        assert len(connection.execute(sa.select(tables.unclaimed_uses)).all()) == 1


def test_an_alias_goes_with_its_account_and_leaves_the_voice(with_voice: Database) -> None:
    row = _OF_USES["aliases"]
    _insert(with_voice, tables.aliases, row, row | {"account_id": 1})

    with with_voice.write() as connection:
        connection.execute(sa.delete(tables.accounts).where(tables.accounts.c.id == 2))

    with with_voice.read() as connection:
        assert connection.execute(sa.select(tables.aliases.c.account_id)).scalars().all() == [1]
        assert connection.execute(sa.select(tables.voices.c.id)).scalars().all() == ["avoice"]


def test_an_alias_keeps_its_voice_from_being_erased(with_voice: Database) -> None:
    _insert(with_voice, tables.aliases, _OF_USES["aliases"])
    _insert(with_voice, tables.voice_uses, _OF_USES["voice_uses"])

    with (
        pytest.raises(DatabaseUnusable, match=r"(?i)foreign key"),
        with_voice.write() as connection,
    ):
        connection.execute(sa.delete(tables.voices))

    with with_voice.read() as connection:
        for table in (tables.voices, tables.aliases, tables.voice_uses):
            assert len(connection.execute(sa.select(table)).all()) == 1
    with with_voice.write() as connection:
        connection.execute(sa.delete(tables.aliases))
        connection.execute(sa.delete(tables.voices))
    with with_voice.read() as connection:
        assert connection.execute(sa.select(tables.voices)).all() == []


@pytest.mark.parametrize(
    ("constraint", "table", "changed"),
    [
        ("expires_at", "leases", {"expires_at": START - timedelta(seconds=1)}),
        ("finished_at", "rounds", {"finished_at": _LATER}),
        *(("finished_at", "rounds", {"ok": ok}) for ok in (True, False)),
        ("error", "step_states", {"error": None}),
        ("kind", "warnings", {"kind": "weather"}),
        ("kind", "warnings", {"kind": ""}),
        ("uncertain", "warnings", {"uncertain": "perhaps"}),
        ("outcome", "messages", {"settled_at": _LATER, "outcome": "lost"}),
        ("settled_at", "messages", {"settled_at": _LATER}),
        ("settled_at", "messages", {"outcome": "sent"}),
    ],
)
def test_a_row_of_housekeeping_that_breaks_a_check_is_refused(
    with_voice: Database, constraint: str, table: str, changed: dict[str, Any]
) -> None:
    row = _OF_HOUSEKEEPING[table] | changed

    assert f"ck_{table}_{constraint}" in _refused(with_voice, tables.metadata.tables[table], row)


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("leases", {"place": "studio-1/4711", "expires_at": START}),
        *(("rounds", {"finished_at": _LATER, "ok": ok}) for ok in (True, False)),
        ("rounds", {"id": _LARGE}),
        ("step_states", {"good_at": START, "error": None}),
        ("step_states", {"account": "", "good_at": START}),
        *(("warnings", {"kind": kind}) for kind in ConcernKind),
        *(("warnings", {"uncertain": news}) for news in News),
        *(("messages", {"settled_at": _LATER, "outcome": outcome}) for outcome in Outcome),
        ("messages", {"items": [{"key": "avoice", "text": "旁白"}]}),
    ],
)
def test_a_fitting_row_of_housekeeping_is_taken(
    with_voice: Database, table: str, changed: dict[str, Any]
) -> None:
    noted = tables.metadata.tables[table]
    row = _OF_HOUSEKEEPING[table] | changed

    _insert(with_voice, noted, row)

    with with_voice.read() as connection:
        kept = connection.execute(sa.select(noted)).mappings().one()
    assert {name: kept[name] for name in row} == row


@pytest.mark.parametrize("table", _OF_HOUSEKEEPING)
def test_of_housekeeping_too_nothing_is_recorded_twice(with_voice: Database, table: str) -> None:
    row = _OF_HOUSEKEEPING[table]
    # The key alone counts, whatever else is said.
    others = {"token": "c3d4", "holder": "王", "error": "late", "grade": 7, "made_at": _LATER}

    refusal = _refused(
        with_voice,
        tables.metadata.tables[table],
        row,
        row | {name: value for name, value in others.items() if name in row},
    )

    assert "unique" in refusal.lower()


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("leases", {"name": "other"}),
        ("step_states", {"name": "notify"}),
        ("step_states", {"account": ""}),
        ("warnings", {"channel": "群"}),
        ("warnings", {"account_id": 1}),
        ("warnings", {"kind": "gone"}),
        ("warnings", {"key": "cosyvoice"}),
    ],
)
def test_what_housekeeping_knows_of_other_things_is_recorded_beside(
    with_voice: Database, table: str, changed: dict[str, Any]
) -> None:
    noted = tables.metadata.tables[table]

    _insert(with_voice, noted, _OF_HOUSEKEEPING[table], _OF_HOUSEKEEPING[table] | changed)

    with with_voice.read() as connection:
        assert len(connection.execute(sa.select(noted)).all()) == 2


def test_rounds_are_numbered(with_voice: Database) -> None:
    _insert(with_voice, tables.rounds, _ROUND, _ROUND)

    with with_voice.read() as connection:
        first, second = connection.execute(
            sa.select(tables.rounds.c.id).order_by(tables.rounds.c.id)
        ).scalars()
    assert second == first + 1


def test_warnings_go_with_their_account_and_no_other(with_voice: Database) -> None:
    row = _OF_HOUSEKEEPING["warnings"]
    _insert(with_voice, tables.warnings, row, row | {"key": "qwen-tts"}, row | {"account_id": 1})
    for table in ("step_states", "messages"):
        _insert(with_voice, tables.metadata.tables[table], _OF_HOUSEKEEPING[table])

    with with_voice.write() as connection:
        connection.execute(sa.delete(tables.accounts).where(tables.accounts.c.id == 2))

    with with_voice.read() as connection:
        assert connection.execute(sa.select(tables.warnings.c.account_id)).scalars().all() == [1]
        for kept in (tables.step_states, tables.messages):
            assert len(connection.execute(sa.select(kept)).all()) == 1


def test_a_warning_outlives_its_voice(with_voice: Database) -> None:
    _insert(with_voice, tables.warnings, _OF_HOUSEKEEPING["warnings"])

    with with_voice.write() as connection:
        connection.execute(sa.delete(tables.voices))

    with with_voice.read() as connection:
        assert connection.execute(sa.select(tables.warnings.c.key)).scalars().all() == ["avoice"]


def test_a_voice_id_is_recorded_once_per_quota_group(database: Database) -> None:
    refusal = _refused(
        database, tables.voices, voice_row(id="one"), voice_row(id="two", state="lost")
    )

    assert "unique" in refusal.lower()
    _insert(database, tables.quota_groups, {"id": 2, "name": "second", "created_at": START})
    _insert(database, tables.voices, voice_row(id="three", quota_group_id=2))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (tables.voices, voice_row()),
        (tables.accounts, _ACCOUNT),
        (tables.quota_groups, {"name": "second", "created_at": START}),
    ],
    ids=["voice", "account", "quota group"],
)
def test_nothing_is_recorded_twice(
    database: Database, table: sa.Table, row: dict[str, Any]
) -> None:
    assert "unique" in _refused(database, table, row, row).lower()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (
            tables.quota_limits,
            {"quota_group_id": GROUP, "family": "cosyvoice", "slots": 1, "updated_at": START},
        ),
    ],
)
def test_a_family_has_one_limit(database: Database, table: sa.Table, row: dict[str, Any]) -> None:
    assert "unique" in _refused(database, table, row).lower()


@pytest.mark.parametrize("table", ["voice_tags", "voice_previews"])
def test_a_voice_has_one_of_each_tag_and_one_preview(database: Database, table: str) -> None:
    _insert(database, tables.voices, voice_row())
    rows: dict[str, dict[str, Any]] = {
        "voice_tags": {"voice": "avoice", "key": "team", "value": "news"},
        "voice_previews": {
            "voice": "avoice",
            "data": b"sound",
            "response_format": "wav",
            "kept_at": START,
        },
    }

    refusal = _refused(database, tables.metadata.tables[table], rows[table], rows[table])

    assert "unique" in refusal.lower()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (tables.voices, voice_row(account_id=99)),
        (tables.voices, voice_row(quota_group_id=99)),
        (tables.voices, voice_row(replaces="nobody")),
        (tables.accounts, _ACCOUNT | {"quota_group_id": 99}),
        (
            tables.quota_limits,
            {"quota_group_id": 99, "family": "cosyvoice", "slots": 1, "updated_at": START},
        ),
        (tables.voice_tags, {"voice": "nobody", "key": "team", "value": "news"}),
        (tables.sync_states, _OF_SYNC["sync_states"] | {"account_id": 99}),
        (tables.absences, _OF_SYNC["absences"] | {"voice": "nobody"}),
        (tables.warnings, _OF_HOUSEKEEPING["warnings"] | {"account_id": 99}),
        (
            tables.voice_previews,
            {"voice": "nobody", "data": b"", "response_format": "wav", "kept_at": START},
        ),
    ],
    ids=[
        "voices.account_id",
        "voices.quota_group_id",
        "voices.replaces",
        "accounts.quota_group_id",
        "quota_limits.quota_group_id",
        "voice_tags.voice",
        "sync_states.account_id",
        "absences.voice",
        "warnings.account_id",
        "voice_previews.voice",
    ],
)
def test_a_reference_to_nothing_is_refused(
    database: Database, table: sa.Table, row: dict[str, Any]
) -> None:
    assert "foreign key" in _refused(database, table, row).lower()


@pytest.mark.parametrize("table", ["accounts", "quota_groups"])
def test_what_a_voice_belongs_to_is_not_deleted(database: Database, table: str) -> None:
    _insert(database, tables.voices, voice_row())

    with pytest.raises(DatabaseUnusable, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(sa.delete(tables.metadata.tables[table]))

    with database.read() as connection:
        assert connection.execute(sa.select(tables.accounts.c.name)).scalars().all() == ["default"]
