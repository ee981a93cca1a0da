"""What a database says of its own tables, to be compared with what another of its kind says."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from voicereg.tables import BESIDE_TABLES


def portrait(url: str) -> dict[str, dict[str, Any]]:
    """Everything that the database itself says of its tables, as it words it.

    Columns are in the order of their names: PostgreSQL cannot add one in the middle.
    """
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    found: dict[str, dict[str, Any]] = {}
    names = set(inspector.get_table_names()) - {"alembic_version"}
    # To ask for all tables at once is quicker by far on PostgreSQL.
    columns = inspector.get_multi_columns()
    primary_keys = inspector.get_multi_pk_constraint()
    foreign_keys = inspector.get_multi_foreign_keys()
    unique = inspector.get_multi_unique_constraints()
    indexes = inspector.get_multi_indexes()
    checks = inspector.get_multi_check_constraints()
    for name in sorted(name for name in names if not name.startswith(BESIDE_TABLES)):
        table = (None, name)
        found[name] = {
            "columns": sorted(
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in columns[table]
            ),
            "primary key": repr(primary_keys[table]),
            "foreign keys": sorted(map(repr, foreign_keys[table])),
            "unique": sorted(map(repr, unique[table])),
            "indexes": sorted(
                _described(index)
                for index in indexes[table]
                if not str(index["name"]).startswith(BESIDE_TABLES)
            ),
            "checks": {
                str(check["name"]): " ".join(check["sqltext"].split()) for check in checks[table]
            },
        }
    engine.dispose()
    return found


def _described(index: Any) -> str:
    """An index, with the condition of a partial one as text."""
    options = {name: str(value) for name, value in index["dialect_options"].items()}
    return repr({**index, "dialect_options": options})
