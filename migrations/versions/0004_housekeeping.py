"""Rounds of housekeeping: who is at one, how each went, what was told to whom.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UNSETTLED = sa.text("outcome IS NULL")


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
        sa.CheckConstraint("expires_at >= taken_at", name=op.f("ck_leases_expires_at")),
    )
    op.create_table(
        "rounds",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("missed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("ok", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_rounds"),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (ok IS NULL)", name=op.f("ck_rounds_finished_at")
        ),
        sa.CheckConstraint(
            "missed >= 0 AND (missed = 0 OR due_at IS NOT NULL)", name=op.f("ck_rounds_missed")
        ),
    )
    op.create_index("ix_rounds_due_at", "rounds", ["due_at"])
    op.create_index("ix_rounds_started_at", "rounds", ["started_at"])
    op.create_table(
        "step_states",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("tried_at", TIME, nullable=False),
        sa.Column("good_at", TIME),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("name", "account", name="pk_step_states"),
        sa.CheckConstraint(
            "error IS NOT NULL OR good_at IS NOT NULL", name=op.f("ck_step_states_error")
        ),
    )
    op.create_table(
        "warnings",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("told_at", TIME, nullable=False),
        sa.Column("uncertain", sa.Text),
        sa.PrimaryKeyConstraint("channel", "account_id", "kind", "key", name="pk_warnings"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_warnings_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "kind IN ('keep_alive', 'deadline', 'gone', 'quota', 'retiring', 'unresolved', "
            "'rejected')",
            name=op.f("ck_warnings_kind"),
        ),
        sa.CheckConstraint(
            "uncertain IS NULL OR uncertain IN ('warning', 'all_clear')",
            name=op.f("ck_warnings_uncertain"),
        ),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.Column("outcome", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("items", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('sent', 'failed', 'unknown')",
            name=op.f("ck_messages_outcome"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (settled_at IS NULL)", name=op.f("ck_messages_settled_at")
        ),
    )
    op.create_index("ix_messages_channel_made_at", "messages", ["channel", "made_at"])
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["channel"],
        sqlite_where=UNSETTLED,
        postgresql_where=UNSETTLED,
    )


def downgrade() -> None:
    for table in ("messages", "warnings", "step_states", "rounds", "leases"):
        op.drop_table(table)
