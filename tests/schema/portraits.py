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
    for name in sorted(name for name in names if not name.startswith(BESIDE_TABLES)):
        found[name] = {
            "columns": sorted(
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            ),
            "primary key": repr(inspector.get_pk_constraint(name)),
            "foreign keys": sorted(map(repr, inspector.get_foreign_keys(name))),
            "unique": sorted(map(repr, inspector.get_unique_constraints(name))),
            "indexes": sorted(
                _described(index)
                for index in inspector.get_indexes(name)
                if not str(index["name"]).startswith(BESIDE_TABLES)
            ),
            "checks": {
                str(check["name"]): " ".join(check["sqltext"].split())
                for check in inspector.get_check_constraints(name)
            },
        }
    engine.dispose()
    return found


def _described(index: Any) -> str:
    """An index, with the condition of a partial one as text."""
    options = {name: str(value) for name, value in index["dialect_options"].items()}
    return repr({**index, "dialect_options": options})
