"""Registries for benchmarks, filled directly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from voicereg.engine import Database
from voicereg.schema.migrate import upgrade
from voicereg.tables import accounts, quota_limits, voice_tags, voices

_PROMPTS = (
    "A composed middle-aged male announcer with a deep, rich and magnetic voice.",
    "沉稳的中年男性播音员，嗓音低沉浑厚，富有磁性，语速平稳，吐字清晰。",
)


def fill(path: Path, count: int) -> None:
    """Set a SQLite registry up with ``count`` usable voices, half of each family, a tag each."""
    database = Database.open(f"sqlite:///{path}")
    upgrade(database)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with database.write() as connection:
        account = connection.execute(sa.select(accounts)).one()
        connection.execute(sa.update(quota_limits).values(slots=max(1000, count)))
        rows = []
        for number in range(count):
            cosyvoice = number % 2 == 0
            model = "cosyvoice-v3.5-plus" if cosyvoice else "qwen3-tts-vd-2026-01-26"
            created = start + timedelta(minutes=number)
            rows.append(
                {
                    "id": f"v{number:011d}",
                    "account_id": account.id,
                    "quota_group_id": account.quota_group_id,
                    "family": "cosyvoice" if cosyvoice else "qwen-tts",
                    "voice_id": f"{model}-vd-bench-{number:08d}",
                    "target_model": model,
                    "origin": "designed",
                    "state": "active",
                    "name": f"bench{number % 1000}",
                    "prompt": _PROMPTS[number % len(_PROMPTS)],
                    "preview_text": "Dear listeners, hello everyone.",
                    "sample_rate": 24000,
                    "response_format": "wav",
                    "created_at": created,
                    "deadline_at": created + timedelta(days=365),
                    "deadline_basis": "created",
                    "pinned": False,
                    "owner": "studio",
                    "updated_at": created,
                }
            )
        connection.execute(sa.insert(voices), rows)
        connection.execute(
            sa.insert(voice_tags),
            [{"voice": row["id"], "key": "use", "value": "news"} for row in rows],
        )
    database.close()
