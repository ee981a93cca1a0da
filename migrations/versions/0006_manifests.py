"""What a manifest calls a voice, and voices to be chosen from.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXED = ("manifest_key", "candidate_for")
CANDIDATE = (
    "(manifest_key IS NULL OR candidate_for IS NULL) "
    "AND (candidate_alias IS NULL OR candidate_for IS NOT NULL)"
)


def upgrade() -> None:
    op.add_column("voices", sa.Column("manifest_key", sa.Text()))
    op.add_column("voices", sa.Column("candidate_for", sa.Text()))
    if op.get_bind().dialect.name == "sqlite":
        # With the column, so that a large table need not be written anew for it.
        op.execute(
            "ALTER TABLE voices ADD COLUMN candidate_alias TEXT "
            f"CONSTRAINT ck_voices_candidate CHECK ({CANDIDATE})"
        )
    else:
        op.add_column("voices", sa.Column("candidate_alias", sa.Text()))
        op.create_check_constraint(op.f("ck_voices_candidate"), "voices", CANDIDATE)
    for column in INDEXED:
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_voices_{column}",
            "voices",
            ["account_id", column],
            sqlite_where=given,
            postgresql_where=given,
        )


def downgrade() -> None:
    for column in INDEXED:
        op.drop_index(f"ix_voices_{column}", "voices")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_voices_candidate"), "voices", type_="check")
    # On SQLite the constraint goes with its column, which therefore goes first.
    for column in ("candidate_alias", "candidate_for", "manifest_key"):
        op.drop_column("voices", column)
