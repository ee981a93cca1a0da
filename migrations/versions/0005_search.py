"""Texts that can be searched, and lists of all accounts on indexes.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIVE = sa.text("gone_at IS NULL")
GONE = sa.text("gone_at IS NOT NULL")
SEARCHED = ("name", "prompt", "preview_text", "note", "voice_id")
BETWEEN = "\x1f"
END = BETWEEN * 2
BATCH = 5_000

# Three letters each, so that any part of a word is found, and Chinese needs no words at all; the
# list of them finds what is shorter. Without places: a text is looked at once more anyway.
ON_SQLITE = (
    "CREATE VIRTUAL TABLE voice_words USING fts5(text, content='voice_texts', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', detail=none)",
    "INSERT INTO voice_words (voice_words) VALUES ('rebuild')",
    "CREATE VIRTUAL TABLE voice_word_list USING fts5vocab('voice_words', 'instance')",
    "CREATE TRIGGER voice_texts_added AFTER INSERT ON voice_texts BEGIN "
    "INSERT INTO voice_words (rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER voice_texts_removed AFTER DELETE ON voice_texts BEGIN "
    "INSERT INTO voice_words (voice_words, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER voice_texts_changed AFTER UPDATE OF text ON voice_texts BEGIN "
    "INSERT INTO voice_words (voice_words, rowid, text) VALUES ('delete', old.id, old.text); "
    "INSERT INTO voice_words (rowid, text) VALUES (new.id, new.text); END",
)
# Every letter, every two and every three letters of a text: what an extension would do is not to be
# had everywhere, and knows no Chinese in every locale.
ON_POSTGRESQL = (
    "CREATE FUNCTION voicereg_grams(value text) RETURNS text[] "
    "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ "
    "DECLARE letters text[] := string_to_array(value, NULL); BEGIN "
    "RETURN letters || ARRAY(SELECT unnest(ARRAY[first || second, first || second || third]) "
    "FROM unnest(letters, letters[2:], letters[3:]) AS following (first, second, third) "
    "WHERE second IS NOT NULL); END $$",
    "CREATE INDEX ix_voice_texts_grams ON voice_texts USING gin (voicereg_grams(text))",
)


def upgrade() -> None:
    op.create_table(
        "voice_texts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("voice", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_voice_texts"),
        sa.ForeignKeyConstraint(
            ["voice"], ["voices.id"], name="fk_voice_texts_voice_voices", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("voice", name="uq_voice_texts_voice"),
    )
    connection = op.get_bind()
    _fill(connection)
    # Over all texts at once: that is quicker than text by text.
    for statement in ON_SQLITE if connection.dialect.name == "sqlite" else ON_POSTGRESQL:
        op.execute(statement)
    op.create_index("ix_voices_created", "voices", ["created_at", "id"])
    op.create_index(
        "ix_voices_all_live_created",
        "voices",
        ["created_at", "id"],
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_index(
        "ix_voices_all_live_deadline",
        "voices",
        ["deadline_at", "id"],
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_index(
        "ix_voices_gone",
        "voices",
        ["account_id", "gone_at", "id"],
        sqlite_where=GONE,
        postgresql_where=GONE,
    )
    op.create_index("ix_events_account", "events", ["account", "id"])


def _fill(connection: sa.Connection) -> None:
    """The texts of all voices, some thousand at a time."""
    voices = sa.table("voices", sa.column("id"), *map(sa.column, SEARCHED))
    texts = sa.table("voice_texts", sa.column("voice"), sa.column("text"))
    page = sa.select(voices).order_by(voices.c.id).limit(BATCH)
    last = ""
    while rows := connection.execute(page.where(voices.c.id > last)).all():
        connection.execute(
            sa.insert(texts),
            [
                {"voice": id_, "text": BETWEEN.join(filter(None, found)).lower() + END}
                for id_, *found in rows
            ],
        )
        last = rows[-1].id


def downgrade() -> None:
    op.drop_index("ix_events_account", "events")
    for name in ("gone", "all_live_deadline", "all_live_created", "created"):
        op.drop_index(f"ix_voices_{name}", "voices")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE voice_word_list")
        op.execute("DROP TABLE voice_words")
    op.drop_table("voice_texts")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION voicereg_grams")
