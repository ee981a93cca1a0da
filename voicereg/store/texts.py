"""What voices are searched by: their texts in small letters, and the index of their words.

Each database has an index of its own kind. It only narrows the choice: every text that it names is
looked at once more, so both databases find the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from voicereg.domain.voices import Voice
from voicereg.store.inserts import insert_into
from voicereg.tables import voice_texts, voices

SEARCHED = ("name", "prompt", "preview_text", "note", "voice_id")
"""The fields that are searched."""
_BETWEEN = "\x1f"
_END = _BETWEEN * 2
"""After a text, so that its last letters, too, begin three."""
_LETTERS = 3
"""So many make an entry of the index; on PostgreSQL, fewer do as well."""

_INSERT = sa.insert(voice_texts)
_PUTS: dict[str, Any] = {}
"""What puts in a text, or changes it, by the name of the database; made when it is needed."""
_READ = sa.select(*(voices.c[name] for name in SEARCHED)).where(
    voices.c.id == sa.bindparam("which")
)
_LONG = sa.text("SELECT rowid AS id FROM voice_words WHERE voice_words MATCH :words").columns(
    sa.column("id", sa.Integer)
)
_SHORT = sa.text(
    "SELECT doc AS id FROM voice_word_list WHERE term >= :word AND term < :after"
).columns(sa.column("id", sa.Integer))
_GRAMS = sa.text("voicereg_grams(text) @> :grams").bindparams(
    sa.bindparam("grams", type_=sa.ARRAY(sa.Text))
)


def text_of(fields: Iterable[str | None]) -> str:
    """The text that a voice is searched by, of its fields in the order of :data:`SEARCHED`."""
    return _BETWEEN.join(field for field in fields if field).lower() + _END


def add(connection: sa.Connection, voice: Voice) -> None:
    """Have a new voice found."""
    text = text_of(getattr(voice, name) for name in SEARCHED)
    connection.execute(_INSERT, {"voice": voice.id, "text": text})


def refresh(connection: sa.Connection, voice: str) -> None:
    """Have a voice found by what it is called now."""
    text = text_of(connection.execute(_READ, {"which": voice}).one())
    dialect = connection.dialect.name
    if dialect not in _PUTS:
        row = insert_into(connection, voice_texts)
        changed = {"text": row.excluded.text}
        _PUTS[dialect] = row.on_conflict_do_update(index_elements=["voice"], set_=changed)
    connection.execute(_PUTS[dialect], {"voice": voice, "text": text})


def containing(connection: sa.Connection, searched: str) -> sa.Select[str]:
    """A query for the registry ids of the voices in whose texts something occurs."""
    searched = searched.lower()
    query = sa.select(voice_texts.c.voice).where(
        voice_texts.c.text.contains(searched, autoescape=True)
    )
    length = min(len(searched), _LETTERS)
    words = sorted({searched[at : at + length] for at in range(len(searched) - length + 1)})
    if connection.dialect.name != "sqlite":
        return query.where(_GRAMS.bindparams(grams=words))
    if length < _LETTERS:
        # All entries that begin so; a text may have several.
        last = searched[:-1] + chr(min(ord(searched[-1]) + 1, 0x10FFFF))
        within = _SHORT.bindparams(word=searched, after=last).subquery()
        query = query.distinct()
    else:
        quoted = (word.replace('"', '""') for word in words)
        within = _LONG.bindparams(words=" AND ".join(f'"{word}"' for word in quoted)).subquery()
    # Joined, so that a reader who wants a few does not wait for all of them.
    return query.join(within, within.c.id == voice_texts.c.id)
