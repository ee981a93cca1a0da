"""What is known of uses: counts by day and source, names that services resolve, files read.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "sync_states", sa.Column("surplus", sa.Integer, nullable=False, server_default="0")
    )
    op.create_table(
        "aliases",
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_aliases"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_aliases_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["voice"], ["voices.id"], name="fk_aliases_voice_voices"),
    )
    op.create_index("ix_aliases_voice", "aliases", ["voice"])
    op.create_table(
        "voice_uses",
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("voice", "day", "source", name="pk_voice_uses"),
        sa.ForeignKeyConstraint(
            ["voice"], ["voices.id"], name="fk_voice_uses_voice_voices", ondelete="CASCADE"
        ),
        sa.CheckConstraint("uses >= 1", name=op.f("ck_voice_uses_uses")),
    )
    op.create_table(
        "unclaimed_uses",
        sa.Column("voice_id", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("voice_id", "day", "source", name="pk_unclaimed_uses"),
        sa.CheckConstraint("uses >= 1", name=op.f("ck_unclaimed_uses_uses")),
    )
    op.create_table(
        "use_writers",
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_use_writers"),
    )
    op.create_table(
        "use_files",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_use_files"),
    )
    op.create_index("ix_use_files_size_bytes", "use_files", ["size_bytes"])


def downgrade() -> None:
    for table in ("use_files", "use_writers", "unclaimed_uses", "voice_uses", "aliases"):
        op.drop_table(table)
    op.drop_column("sync_states", "surplus")
