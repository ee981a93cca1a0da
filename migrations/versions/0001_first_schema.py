"""Accounts, quota groups, voices with tags and previews, and the audit log.

A migration is a record of what was done: it names every column itself, and takes nothing from the
program, which goes on changing.

Revision ID: 0001
Revises:
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FAMILY = "family IN ('cosyvoice', 'qwen-tts')"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "quota_groups",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quota_groups"),
        sa.UniqueConstraint("name", name="uq_quota_groups_name"),
    )
    op.create_table(
        "quota_limits",
        sa.Column("quota_group_id", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
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
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("workspace", sa.Text),
        sa.Column("base_url", sa.Text),
        sa.Column("api_key_env", sa.Text, nullable=False),
        sa.Column("quota_group_id", sa.Integer, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.ForeignKeyConstraint(
            ["quota_group_id"],
            ["quota_groups.id"],
            name="fk_accounts_quota_group_id_quota_groups",
        ),
    )
    op.create_index("ix_accounts_quota_group_id", "accounts", ["quota_group_id"])
    op.create_table(
        "voices",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("quota_group_id", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("voice_id", sa.Text),
        sa.Column("target_model", sa.Text, nullable=False),
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
        sa.CheckConstraint(
            "(state = 'creating') = (lease_holder IS NOT NULL) "
            "AND (lease_holder IS NULL) = (lease_expires_at IS NULL)",
            name=op.f("ck_voices_lease"),
        ),
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
            postgresql_where=sa.text("gone_at IS NULL"),
        )
    op.create_index("ix_voices_voice_id", "voices", ["voice_id"])
    op.create_table(
        "voice_tags",
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("voice", "key", name="pk_voice_tags"),
        sa.ForeignKeyConstraint(
            ["voice"], ["voices.id"], name="fk_voice_tags_voice_voices", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_voice_tags_key_value", "voice_tags", ["key", "value"])
    op.create_table(
        "voice_previews",
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("response_format", sa.Text, nullable=False),
        sa.Column("sample_rate", sa.Integer),
        sa.Column("kept_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("voice", name="pk_voice_previews"),
        sa.ForeignKeyConstraint(
            ["voice"], ["voices.id"], name="fk_voice_previews_voice_voices", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("account", sa.Text),
        sa.Column("voice", sa.Text),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_voice", "events", ["voice"])
    _make_default_account()


def _make_default_account() -> None:
    """The account `default`: Beijing, shared host, DASHSCOPE_API_KEY, 1,000 and 1,000."""
    connection = op.get_bind()
    now: object = datetime.now(UTC)
    time: sa.types.TypeEngine[object] = TIME
    if connection.dialect.name == "sqlite":
        # SQLite keeps times as text, which says that it is UTC.
        now, time = f"{now:%Y-%m-%d %H:%M:%S.%f}+00:00", sa.Text()
    groups = sa.table(
        "quota_groups",
        sa.column("id", sa.Integer),
        sa.column("name", sa.Text),
        sa.column("created_at", time),
    )
    limits = sa.table(
        "quota_limits",
        sa.column("quota_group_id", sa.Integer),
        sa.column("family", sa.Text),
        sa.column("slots", sa.Integer),
        sa.column("updated_at", time),
    )
    accounts = sa.table(
        "accounts",
        sa.column("name", sa.Text),
        sa.column("region", sa.Text),
        sa.column("api_key_env", sa.Text),
        sa.column("quota_group_id", sa.Integer),
        sa.column("created_at", time),
        sa.column("updated_at", time),
    )
    group = connection.execute(
        sa.insert(groups).values(name="default", created_at=now).returning(groups.c.id)
    ).scalar_one()
    op.bulk_insert(
        limits,
        [
            {"quota_group_id": group, "family": family, "slots": 1000, "updated_at": now}
            for family in ("cosyvoice", "qwen-tts")
        ],
    )
    op.bulk_insert(
        accounts,
        [
            {
                "name": "default",
                "region": "cn-beijing",
                "api_key_env": "DASHSCOPE_API_KEY",
                "quota_group_id": group,
                "created_at": now,
                "updated_at": now,
            }
        ],
    )


def downgrade() -> None:
    for table in (
        "events",
        "voice_previews",
        "voice_tags",
        "voices",
        "accounts",
        "quota_limits",
        "quota_groups",
    ):
        op.drop_table(table)
