"""What the doctor asks of the database and no use case tells: queries that only read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from voicereg.domain.families import Family
from voicereg.tables import events, metadata, rounds, sync_states, unclaimed_uses, voices

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


class SyncState(NamedTuple):
    """How the last sync of an account's family went."""

    tried_at: datetime
    synced_at: datetime | None
    """When the last complete one began; None: there was none."""
    problem: str | None
    """Why the last one was not complete; None: it was."""


def sync_states_of(connection: sa.Connection, account_id: int) -> dict[Family, SyncState]:
    """How the last sync of each family of an account went; families without one are left out."""
    query = sa.select(sync_states).where(sync_states.c.account_id == account_id)
    return {
        Family(row.family): SyncState(row.tried_at, row.synced_at, row.problem)
        for row in connection.execute(query)
    }


def newest_use(connection: sa.Connection) -> datetime | None:
    """The latest last use of all voices, those on no record included; None: there is none."""
    found = [
        connection.execute(sa.select(sa.func.max(table.c.last_used_at))).scalar()
        for table in (voices, unclaimed_uses)
    ]
    return max((moment for moment in found if moment is not None), default=None)


def newest_event(connection: sa.Connection) -> datetime | None:
    """When the latest event was; None: there is none."""
    moment: datetime | None = connection.execute(sa.select(sa.func.max(events.c.at))).scalar()
    return moment


def newest_round(connection: sa.Connection) -> datetime | None:
    """When the latest round of housekeeping began; None: there was none."""
    query = sa.select(sa.func.max(rounds.c.started_at))
    moment: datetime | None = connection.execute(query).scalar()
    return moment


def first_damage(connection: sa.Connection) -> str | None:
    """What is damaged in a SQLite file, as far as a quick look tells; None: nothing."""
    found: str = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return None if found == "ok" else found


def server_version(connection: sa.Connection) -> str:
    """The version of a PostgreSQL server."""
    return str(connection.exec_driver_sql("SHOW server_version").scalar_one())


def server_time(connection: sa.Connection) -> datetime:
    """What time a PostgreSQL server has."""
    moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment


def is_read_only(connection: sa.Connection) -> bool:
    """Whether a PostgreSQL server takes no changes from anybody: a standby, for instance."""
    shown = connection.exec_driver_sql("SHOW transaction_read_only").scalar_one()
    return str(shown) == "on"


class User(NamedTuple):
    """Who asks a PostgreSQL server, and where; both as they are written in SQL."""

    name: str
    schema: str | None
    """None: there is none that the user may use."""


def user(connection: sa.Connection) -> User:
    """The user, and the schema that the tables stand in, or would."""
    query = "SELECT quote_ident(current_user), quote_ident(current_schema())"
    name, schema = connection.exec_driver_sql(query).one()
    return User(name, schema)


def may_create(connection: sa.Connection) -> bool:
    """Whether the user may make tables in the schema that they would stand in."""
    query = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
    return bool(connection.exec_driver_sql(query).scalar_one())


def rights_missing(connection: sa.Connection) -> list[str]:
    """What the user lacks to work on a PostgreSQL registry, such as ``INSERT on voices``."""
    tables = sa.text(
        "SELECT c.relname, r.right_ FROM pg_class c,"
        " unnest(CAST(:rights AS text[])) WITH ORDINALITY AS r(right_, place)"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
        " AND (c.relname = ANY(:names) OR c.relname = 'alembic_version' AND r.right_ = 'SELECT')"
        " AND NOT has_table_privilege(c.oid, r.right_) ORDER BY c.relname, r.place"
    )
    names = [table.name for table in metadata.sorted_tables]
    found = connection.execute(tables, {"rights": list(_RIGHTS), "names": names})
    missing = [f"{right} on {name}" for name, right in found]
    sequences = sa.text(
        "SELECT c.relname FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace"
        " AND NOT has_sequence_privilege(s.seqrelid, 'USAGE') ORDER BY c.relname"
    )
    return missing + [f"USAGE on {name}" for name in connection.execute(sequences).scalars()]
