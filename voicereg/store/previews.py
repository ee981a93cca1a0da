"""Preview audio in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from voicereg.domain.audio import KeptPreview, PreviewAudio
from voicereg.store.batches import batches
from voicereg.tables import voice_previews


def insert(connection: sa.Connection, voice: str, preview: PreviewAudio, now: datetime) -> None:
    """Keep the preview audio of a voice, unless one is kept already."""
    if connection.execute(sa.select(sa.literal(1)).where(voice_previews.c.voice == voice)).first():
        return
    connection.execute(
        sa.insert(voice_previews).values(
            voice=voice,
            data=preview.data,
            response_format=preview.response_format,
            sample_rate=preview.sample_rate,
            kept_at=now,
        )
    )


def get(connection: sa.Connection, voice: str) -> PreviewAudio | None:
    """The preview audio kept of a voice."""
    row = connection.execute(
        sa.select(voice_previews).where(voice_previews.c.voice == voice)
    ).one_or_none()
    if row is None:
        return None
    return PreviewAudio(
        data=row.data,
        response_format=row.response_format,
        sample_rate=row.sample_rate,
        kept_at=row.kept_at,
    )


def kept_of(connection: sa.Connection, voices: Collection[str]) -> dict[str, KeptPreview]:
    """What is kept of some voices, by registry id, without the audio itself."""
    columns = sa.select(
        voice_previews.c.voice,
        voice_previews.c.response_format,
        voice_previews.c.sample_rate,
        sa.func.length(voice_previews.c.data),
    )
    return {
        voice: KeptPreview(*kept)
        for some in batches(voices)
        for voice, *kept in connection.execute(columns.where(voice_previews.c.voice.in_(some)))
    }
