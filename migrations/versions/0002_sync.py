"""What a sync learns: when it ran, which voices it missed, what the provider counts beyond them.

A voice may be known before its model is, and an unresolved create keeps the end of its lease.

SQLite cannot change a constraint: there ``voices`` and ``quota_limits`` are made anew, written out
in full rather than read from the database, whose own account of itself leaves things out. The rows
go over inside SQLite, and stay what they were to the byte.

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FAMILY = "family IN ('cosyvoice', 'qwen-tts')"
TIME = sa.DateTime(timezone=True)

LIMIT_COLUMNS = ("quota_group_id", "family", "slots", "updated_at")
LIMIT_CHECKS = {
    "unseen": "unseen >= 0 AND surplus >= 0",
    "refused_at": "unseen = 0 OR refused_at IS NOT NULL",
}
MODEL = "target_model IS NOT NULL OR deadline_basis <> 'created'"
LEASE = (
    "(state = 'creating') = (lease_holder IS NOT NULL) "
    "AND (lease_holder IS NULL OR lease_expires_at IS NOT NULL) "
    "AND (lease_expires_at IS NULL OR state IN ('creating', 'unresolved'))"
)
LEASE_BEFORE = (
    "(state = 'creating') = (lease_holder IS NOT NULL) "
    "AND (lease_holder IS NULL) = (lease_expires_at IS NULL)"
)


def upgrade() -> None:
    if _is_sqlite():
        _make_anew("quota_limits", _make_limits, LIMIT_COLUMNS)
        _make_anew("voices", _make_voices, VOICE_COLUMNS)
        _index_voices()
    else:
        for column in _limit_columns():
            op.add_column("quota_limits", column)
        for name, condition in LIMIT_CHECKS.items():
            op.create_check_constraint(op.f(f"ck_quota_limits_{name}"), "quota_limits", condition)
        op.alter_column("voices", "target_model", existing_type=sa.Text, nullable=True)
        op.drop_constraint(op.f("ck_voices_lease"), "voices", type_="check")
        op.create_check_constraint(op.f("ck_voices_lease"), "voices", LEASE)
        op.create_check_constraint(op.f("ck_voices_target_model"), "voices", MODEL)
    op.create_table(
        "sync_states",
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("tried_at", TIME, nullable=False),
        sa.Column("synced_at", TIME),
        sa.Column("problem", sa.Text),
        sa.PrimaryKeyConstraint("account_id", "family", name="pk_sync_states"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_sync_states_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(FAMILY, name=op.f("ck_sync_states_family")),
        sa.CheckConstraint(
            "problem IS NOT NULL OR synced_at IS NOT NULL", name=op.f("ck_sync_states_problem")
        ),
    )
    op.create_table(
        "absences",
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("listings", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("voice", name="pk_absences"),
        sa.ForeignKeyConstraint(
            ["voice"], ["voices.id"], name="fk_absences_voice_voices", ondelete="CASCADE"
        ),
        sa.CheckConstraint("listings >= 1", name=op.f("ck_absences_listings")),
    )


def downgrade() -> None:
    op.drop_table("absences")
    op.drop_table("sync_states")
    # No voice may be lost: what the schema before cannot hold is made to fit.
    op.execute("UPDATE voices SET target_model = 'unknown' WHERE target_model IS NULL")
    op.execute("UPDATE voices SET lease_expires_at = NULL WHERE state = 'unresolved'")
    if _is_sqlite():
        _make_anew("voices", _make_voices_before, VOICE_COLUMNS)
        _index_voices()
        _make_anew("quota_limits", _make_limits_before, LIMIT_COLUMNS)
        return
    op.drop_constraint(op.f("ck_voices_target_model"), "voices", type_="check")
    op.drop_constraint(op.f("ck_voices_lease"), "voices", type_="check")
    op.create_check_constraint(op.f("ck_voices_lease"), "voices", LEASE_BEFORE)
    op.alter_column("voices", "target_model", existing_type=sa.Text, nullable=False)
    for name in LIMIT_CHECKS:
        op.drop_constraint(op.f(f"ck_quota_limits_{name}"), "quota_limits", type_="check")
    for column in _limit_columns():
        op.drop_column("quota_limits", column.name)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _make_anew(table: str, make: Callable[[str], None], columns: tuple[str, ...]) -> None:
    """Put a table of another form in the place of a SQLite table, with the same rows."""
    if op.get_bind().exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError(f"with foreign_keys=ON, dropping {table} would delete what refers to it")
    made = f"{table}_made_anew"
    names = ", ".join(columns)
    make(made)
    op.execute(f"INSERT INTO {made} ({names}) SELECT {names} FROM {table}")  # noqa: S608 - no input
    op.drop_table(table)
    op.rename_table(made, table)


def _limit_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("unseen", sa.Integer, nullable=False, server_default="0"),
        sa.Column("refused_at", TIME),
        sa.Column("surplus", sa.Integer, nullable=False, server_default="0"),
    )


def _make_limits(table: str) -> None:
    _make_limits_with(
        table,
        *_limit_columns(),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_quota_limits_{name}"))
            for name, condition in LIMIT_CHECKS.items()
        ),
    )


def _make_limits_before(table: str) -> None:
    _make_limits_with(table)


def _make_limits_with(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("quota_group_id", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("quota_group_id", "family", name="pk_quota_limits"),
        sa.ForeignKeyConstraint(
            ["quota_group_id"],
            ["quota_groups.id"],
            name="fk_quota_limits_quota_group_id_quota_groups",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(FAMILY, name=op.f("ck_quota_limits_family")),
        sa.CheckConstraint("slots >= 0", name=op.f("ck_quota_limits_slots")),
    )


VOICE_COLUMNS = (
    "id",
    "account_id",
    "quota_group_id",
    "family",
    "voice_id",
    "target_model",
    "origin",
    "state",
    "state_reason",
    "name",
    "prompt",
    "preview_text",
    "language",
    "sample_rate",
    "response_format",
    "created_at",
    "last_used_at",
    "last_used_source",
    "deadline_at",
    "deadline_basis",
    "pinned",
    "owner",
    "note",
    "replaces",
    "request_id",
    "lease_holder",
    "lease_expires_at",
    "delete_asked_at",
    "state_before_delete",
    "gone_at",
    "updated_at",
)


def _make_voices(table: str) -> None:
    _make_voices_with(
        table,
        sa.Column("target_model", sa.Text),
        sa.CheckConstraint(LEASE, name=op.f("ck_voices_lease")),
        sa.CheckConstraint(MODEL, name=op.f("ck_voices_target_model")),
    )


def _make_voices_before(table: str) -> None:
    _make_voices_with(
        table,
        sa.Column("target_model", sa.Text, nullable=False),
        sa.CheckConstraint(LEASE_BEFORE, name=op.f("ck_voices_lease")),
    )


def _make_voices_with(
    table: str, target_model: sa.Column[str], *checks: sa.CheckConstraint
) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("quota_group_id", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("voice_id", sa.Text),
        target_model,
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_reason", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text),
        sa.Column("preview_text", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("sample_rate", sa.Integer),
        sa.Column("response_format", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME),
        sa.Column("last_used_source", sa.Text),
        sa.Column("deadline_at", TIME, nullable=False),
        sa.Column("deadline_basis", sa.Text, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("replaces", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("lease_holder", sa.Text),
        sa.Column("lease_expires_at", TIME),
        sa.Column("delete_asked_at", TIME),
        sa.Column("state_before_delete", sa.Text),
        sa.Column("gone_at", TIME),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_voices"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_voices_account_id_accounts"
        ),
        sa.ForeignKeyConstraint(
            ["quota_group_id"], ["quota_groups.id"], name="fk_voices_quota_group_id_quota_groups"
        ),
        sa.ForeignKeyConstraint(["replaces"], ["voices.id"], name="fk_voices_replaces_voices"),
        sa.UniqueConstraint("quota_group_id", "voice_id", name="uq_voices_quota_group_id_voice_id"),
        sa.CheckConstraint(FAMILY, name=op.f("ck_voices_family")),
        sa.CheckConstraint("origin IN ('designed', 'cloned')", name=op.f("ck_voices_origin")),
        sa.CheckConstraint(
            "state IN ('creating', 'unresolved', 'pending', 'active', 'rejected', 'deleting', "
            "'missing', 'failed', 'deleted', 'expired', 'lost')",
            name=op.f("ck_voices_state"),
        ),
        sa.CheckConstraint(
            "deadline_basis IN ('used', 'created', 'estimated')",
            name=op.f("ck_voices_deadline_basis"),
        ),
        sa.CheckConstraint(
            "voice_id IS NOT NULL OR state IN ('creating', 'failed', 'unresolved')",
            name=op.f("ck_voices_voice_id"),
        ),
        *checks,
        sa.CheckConstraint(
            "(state = 'deleting') = (delete_asked_at IS NOT NULL) "
            "AND (delete_asked_at IS NULL) = (state_before_delete IS NULL)",
            name=op.f("ck_voices_delete_intent"),
        ),
        sa.CheckConstraint(
            "(state IN ('deleted', 'expired', 'failed', 'lost')) = (gone_at IS NOT NULL)",
            name=op.f("ck_voices_gone_at"),
        ),
        sa.CheckConstraint("deadline_at > created_at", name=op.f("ck_voices_deadline_at")),
        sa.CheckConstraint(
            "deadline_basis <> 'used' OR last_used_at IS NOT NULL",
            name=op.f("ck_voices_used_deadline"),
        ),
    )


def _index_voices() -> None:
    op.create_index("ix_voices_replaces", "voices", ["replaces"])
    op.create_index(
        "ix_voices_slots", "voices", ["quota_group_id", "family", "state", "deadline_at"]
    )
    op.create_index("ix_voices_account_created", "voices", ["account_id", "created_at", "id"])
    for name, time in (
        ("ix_voices_live_created", "created_at"),
        ("ix_voices_live_deadline", "deadline_at"),
    ):
        op.create_index(
            name,
            "voices",
            ["account_id", time, "id"],
            sqlite_where=sa.text("gone_at IS NULL"),
        )
    op.create_index("ix_voices_voice_id", "voices", ["voice_id"])
