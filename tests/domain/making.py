"""A voice and a quota with every field set, to be changed in one place by each test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from voicereg import DeadlineBasis, Family, Origin, Quota, State, Voice

MADE_AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

_VOICE = Voice(
    id="v-1",
    voice_id="cosyvoice-v3.5-plus-vd-calm-1a2b",
    account="studio",
    quota_group_id=1,
    family=Family.COSYVOICE,
    target_model="cosyvoice-v3.5-plus",
    origin=Origin.DESIGNED,
    state=State.ACTIVE,
    state_reason=None,
    name="calm",
    prompt="A calm voice",
    preview_text="Good evening",
    language="en",
    sample_rate=24000,
    response_format="wav",
    created_at=MADE_AT,
    last_used_at=None,
    last_used_source=None,
    deadline_at=MADE_AT + timedelta(days=365),
    deadline_basis=DeadlineBasis.CREATED,
    pinned=False,
    owner="radio",
    note=None,
    replaces=None,
    request_id="r-1",
    lease_holder=None,
    lease_expires_at=None,
    delete_asked_at=None,
    state_before_delete=None,
    gone_at=None,
    updated_at=MADE_AT,
    tags={"use": "news"},
    aliases=("narrator",),
)
_QUOTA = Quota(
    account="studio",
    quota_group="studio",
    family=Family.QWEN_TTS,
    limit=1000,
    used=12,
    creating=1,
    unresolved=2,
    unseen=0,
    synced_at=MADE_AT,
    stale=False,
)


def voice(**changes: Any) -> Voice:
    """A voice that is usable, but for ``changes``."""
    return replace(_VOICE, **changes)


def quota(**changes: Any) -> Quota:
    """A quota with room in it, but for ``changes``."""
    return replace(_QUOTA, **changes)
