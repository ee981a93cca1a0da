"""The tables of the registry, as this version expects them; ``migrations/`` makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from voicereg.domain.concerns import ConcernKind
from voicereg.domain.families import Family
from voicereg.domain.messages import News, Outcome
from voicereg.domain.states import GONE, WITHOUT_VOICE_ID, State
from voicereg.domain.voices import DeadlineBasis, Origin

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, kept in UTC on every database.

    SQLite alone would drop the offset; here its text ends in ``+00:00``, so that it sorts, says
    what it is, and is read back without a step in Python (a long list has thousands of times).
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """On SQLite, text of one form."""
        if dialect.name == "sqlite":
            text = sqlite.DATETIME(storage_format=_SQLITE_FORMAT)  # type: ignore[no-untyped-call]
            return dialect.type_descriptor(text)
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive time; the others go in as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not stored")
        return value.astimezone(UTC)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        """Every time that comes out is aware, and in UTC."""
        if dialect.name == "sqlite":
            return self.load_dialect_impl(dialect).result_processor(dialect, coltype)
        return _as_utc

    def process_literal_param(self, value: Any, dialect: sa.Dialect) -> str:
        """Times are bound, never written into a statement."""
        raise NotImplementedError("times are bound parameters")


_SQLITE_FORMAT = (
    "%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06d+00:00"
)


def _as_utc(value: datetime | None) -> datetime | None:
    """What PostgreSQL tells in the session's zone, in UTC."""
    return None if value is None else value.astimezone(UTC)


_BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_Json = sa.JSON(none_as_null=True)


def _one_of(column: str, values: Any) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


_GONE = _one_of("state", sorted(GONE))


def _only(condition: str) -> dict[str, Any]:
    """What has an index hold nothing but the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_LIVE = _only("gone_at IS NULL")
_GONE_ONLY = _only("gone_at IS NOT NULL")

quota_groups = sa.Table(
    "quota_groups",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("name"),
)

quota_limits = sa.Table(
    "quota_limits",
    metadata,
    sa.Column(
        "quota_group_id", sa.ForeignKey("quota_groups.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("slots", sa.Integer, nullable=False),
    # Slots that the provider said were taken, and no voice on record stands for.
    sa.Column("unseen", sa.Integer, nullable=False, server_default="0"),
    # When it said so; until a sync explains it, or a create succeeds.
    sa.Column("refused_at", UtcDateTime),
    # The surplus of the last syncs of all accounts of the group.
    sa.Column("surplus", sa.Integer, nullable=False, server_default="0"),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.CheckConstraint(_one_of("family", Family), name="family"),
    sa.CheckConstraint("slots >= 0", name="slots"),
    sa.CheckConstraint("unseen >= 0 AND surplus >= 0", name="unseen"),
    sa.CheckConstraint("unseen = 0 OR refused_at IS NOT NULL", name="refused_at"),
)
"""The limit of each quota group's family; its row is what creates and syncs lock on PostgreSQL."""

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("workspace", sa.Text),
    sa.Column("base_url", sa.Text),
    sa.Column("api_key_env", sa.Text, nullable=False),
    sa.Column("quota_group_id", sa.ForeignKey("quota_groups.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("name"),
)

sync_states = sa.Table(
    "sync_states",
    metadata,
    sa.Column("account_id", sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("family", sa.Text, primary_key=True),
    sa.Column("tried_at", UtcDateTime, nullable=False),
    # When the last complete sync began; None: there was none.
    sa.Column("synced_at", UtcDateTime),
    # Why the last sync was not complete; None: it was.
    sa.Column("problem", sa.Text),
    # Listed voices that it could not tell from those of unresolved creates, beyond their slots.
    sa.Column("surplus", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint(_one_of("family", Family), name="family"),
    sa.CheckConstraint("problem IS NOT NULL OR synced_at IS NOT NULL", name="problem"),
)
"""How the last sync of each account's family went."""

voices = sa.Table(
    "voices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("quota_group_id", sa.ForeignKey("quota_groups.id"), nullable=False),
    sa.Column("family", sa.Text, nullable=False),
    sa.Column("voice_id", sa.Text),
    # None: neither the listing nor a query told it yet.
    sa.Column("target_model", sa.Text),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text),
    sa.Column("preview_text", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("sample_rate", sa.Integer),
    sa.Column("response_format", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("last_used_source", sa.Text),
    sa.Column("deadline_at", UtcDateTime, nullable=False),
    sa.Column("deadline_basis", sa.Text, nullable=False),
    sa.Column("pinned", sa.Boolean, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("replaces", sa.ForeignKey("voices.id"), index=True),
    # What a manifest calls it; of one to be chosen from, what the chosen one will be called.
    sa.Column("manifest_key", sa.Text),
    sa.Column("candidate_for", sa.Text),
    # The alias that it takes when it is chosen.
    sa.Column("candidate_alias", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("lease_holder", sa.Text),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Column("delete_asked_at", UtcDateTime),
    sa.Column("state_before_delete", sa.Text),
    sa.Column("gone_at", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    # A voice id that two accounts of a group list counts once.
    sa.UniqueConstraint("quota_group_id", "voice_id"),
    sa.CheckConstraint(_one_of("family", Family), name="family"),
    sa.CheckConstraint(_one_of("origin", Origin), name="origin"),
    sa.CheckConstraint(_one_of("state", State), name="state"),
    sa.CheckConstraint(_one_of("deadline_basis", DeadlineBasis), name="deadline_basis"),
    sa.CheckConstraint(
        f"voice_id IS NOT NULL OR {_one_of('state', sorted(WITHOUT_VOICE_ID))}", name="voice_id"
    ),
    sa.CheckConstraint(
        # An unresolved create keeps the end of its lease: until then its call may have lasted.
        "(state = 'creating') = (lease_holder IS NOT NULL) "
        "AND (lease_holder IS NULL OR lease_expires_at IS NOT NULL) "
        "AND (lease_expires_at IS NULL OR state IN ('creating', 'unresolved'))",
        name="lease",
    ),
    sa.CheckConstraint(
        "target_model IS NOT NULL OR deadline_basis <> 'created'", name="target_model"
    ),
    sa.CheckConstraint(
        "(state = 'deleting') = (delete_asked_at IS NOT NULL) "
        "AND (delete_asked_at IS NULL) = (state_before_delete IS NULL)",
        name="delete_intent",
    ),
    sa.CheckConstraint(f"({_GONE}) = (gone_at IS NOT NULL)", name="gone_at"),
    sa.CheckConstraint("deadline_at > created_at", name="deadline_at"),
    sa.CheckConstraint(
        "deadline_basis <> 'used' OR last_used_at IS NOT NULL", name="used_deadline"
    ),
    sa.CheckConstraint(
        "(manifest_key IS NULL OR candidate_for IS NULL) "
        "AND (candidate_alias IS NULL OR candidate_for IS NOT NULL)",
        name="candidate",
    ),
    sa.Index("ix_voices_slots", "quota_group_id", "family", "state", "deadline_at"),
    sa.Index("ix_voices_account_created", "account_id", "created_at", "id"),
    # Gone voices gather over the years; what is asked of live ones must not walk past them.
    sa.Index("ix_voices_live_created", "account_id", "created_at", "id", **_LIVE),
    sa.Index("ix_voices_live_deadline", "account_id", "deadline_at", "id", **_LIVE),
    sa.Index("ix_voices_gone", "account_id", "gone_at", "id", **_GONE_ONLY),
    # Lists of all accounts.
    sa.Index("ix_voices_created", "created_at", "id"),
    sa.Index("ix_voices_all_live_created", "created_at", "id", **_LIVE),
    sa.Index("ix_voices_all_live_deadline", "deadline_at", "id", **_LIVE),
    sa.Index("ix_voices_voice_id", "voice_id"),
    # Most voices are in no manifest.
    sa.Index(
        "ix_voices_manifest_key",
        "account_id",
        "manifest_key",
        **_only("manifest_key IS NOT NULL"),
    ),
    sa.Index(
        "ix_voices_candidate_for",
        "account_id",
        "candidate_for",
        **_only("candidate_for IS NOT NULL"),
    ),
)

absences = sa.Table(
    "absences",
    metadata,
    sa.Column("voice", sa.ForeignKey("voices.id", ondelete="CASCADE"), primary_key=True),
    # By when the first of the listings had been read.
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("listings", sa.Integer, nullable=False),
    sa.CheckConstraint("listings >= 1", name="listings"),
)
"""How often in a row complete listings have not shown a voice, or what a create may have made.

A row goes when the voice is seen again, or has come to its end.
"""

voice_tags = sa.Table(
    "voice_tags",
    metadata,
    sa.Column("voice", sa.ForeignKey("voices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("ix_voice_tags_key_value", "key", "value"),
)

voice_texts = sa.Table(
    "voice_texts",
    metadata,
    # SQLite's index of words names rows by a number that nothing changes.
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("voice", sa.ForeignKey("voices.id", ondelete="CASCADE"), nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
)
"""What a voice is searched by, in small letters; the migrations make an index of its words."""

BESIDE_TABLES = ("voice_words", "voice_word_list", "ix_voice_texts_grams")
"""What the names of tables and indexes begin with that only migrations make, and each database in
its own way."""


def is_described(name: str | None, kind: str, parents: object) -> bool:
    """Whether a table or an index is to be found here, for what compares a database with this."""
    return name is None or not name.startswith(BESIDE_TABLES)


voice_previews = sa.Table(
    "voice_previews",
    metadata,
    sa.Column("voice", sa.ForeignKey("voices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("response_format", sa.Text, nullable=False),
    sa.Column("sample_rate", sa.Integer),
    sa.Column("kept_at", UtcDateTime, nullable=False),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("account_id", sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("voice", sa.ForeignKey("voices.id"), nullable=False, index=True),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
"""Stable names that services resolve to the voice of the day."""

voice_uses = sa.Table(
    "voice_uses",
    metadata,
    sa.Column("voice", sa.ForeignKey("voices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.CheckConstraint("uses >= 1", name="uses"),
)
"""How often each voice was used, by day (in UTC) and by source."""

unclaimed_uses = sa.Table(
    "unclaimed_uses",
    metadata,
    sa.Column("voice_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("uses >= 1", name="uses"),
)
"""Uses of voices that are on no record yet; a voice that is put on record takes its own."""

use_writers = sa.Table(
    "use_writers",
    metadata,
    sa.Column("writer", sa.Text, primary_key=True),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
)
"""The last batch of each process that writes uses, so that none is counted twice."""

use_files = sa.Table(
    "use_files",
    metadata,
    # Of the first so many bytes: the same file, grown since, is read on from there.
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False, index=True),
    sa.Column("read_at", UtcDateTime, nullable=False),
)
"""How far files of uses have been read."""

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    # Known to its holder alone: a lease that was taken over is not renewed by mistake.
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    # The machine and process, where another process can see whether it still runs.
    sa.Column("place", sa.Text),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("expires_at >= taken_at", name="expires_at"),
)
"""Work that only one process does at a time; a row goes when it is done."""

rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    # When the schedule wanted it; None: somebody asked for it.
    sa.Column("due_at", UtcDateTime, index=True),
    # Earlier ones that it stands for, too, as nobody could run them.
    sa.Column("missed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("started_at", UtcDateTime, nullable=False, index=True),
    # None: it is under way, or was killed.
    sa.Column("finished_at", UtcDateTime),
    sa.Column("ok", sa.Boolean),
    sa.CheckConstraint("(finished_at IS NULL) = (ok IS NULL)", name="finished_at"),
    sa.CheckConstraint("missed >= 0 AND (missed = 0 OR due_at IS NOT NULL)", name="missed"),
)
"""Rounds of housekeeping."""

step_states = sa.Table(
    "step_states",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    # A name, empty where the step is about all accounts at once.
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("tried_at", UtcDateTime, nullable=False),
    # When it last went well; None: never.
    sa.Column("good_at", UtcDateTime),
    # What went wrong the last time; None: nothing.
    sa.Column("error", sa.Text),
    sa.CheckConstraint("error IS NOT NULL OR good_at IS NOT NULL", name="error"),
)
"""How each step of housekeeping went last."""

warnings = sa.Table(
    "warnings",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    # The registry id of a voice, a family, or a target model.
    sa.Column("key", sa.Text, primary_key=True),
    # The most urgent one that was told: the smaller, the more urgent.
    sa.Column("grade", sa.Integer, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),
    # What may have been told before a crash, and may not; None: it was told.
    sa.Column("uncertain", sa.Text),
    sa.CheckConstraint(_one_of("kind", ConcernKind), name="kind"),
    sa.CheckConstraint(f"uncertain IS NULL OR {_one_of('uncertain', News)}", name="uncertain"),
)
"""What each channel has been told and no all-clear was given for."""

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    # None: it is being sent, or a crash came before its outcome was noted.
    sa.Column("settled_at", UtcDateTime),
    sa.Column("outcome", sa.Text),
    sa.Column("error", sa.Text),
    # What it tells: account, kind, key, grade and news of each item.
    sa.Column("items", _Json, nullable=False),
    sa.CheckConstraint(f"outcome IS NULL OR {_one_of('outcome', Outcome)}", name="outcome"),
    sa.CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="settled_at"),
    sa.Index("ix_messages_channel_made_at", "channel", "made_at"),
    sa.Index(
        "ix_messages_unsettled",
        "channel",
        **_only("outcome IS NULL"),
    ),
)
"""Messages to channels: each is noted before it is sent."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    # Names, not references: what was logged stays as it was.
    sa.Column("account", sa.Text),
    sa.Column("voice", sa.Text, index=True),
    sa.Column("before", _Json),
    sa.Column("after", _Json),
    sa.Column("reason", sa.Text),
    sa.Index("ix_events_account", "account", "id"),
    sqlite_autoincrement=True,
)
