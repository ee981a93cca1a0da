"""How voices are shown to people."""

from __future__ import annotations

from datetime import datetime

from voicereg.cli.output.tables import Column
from voicereg.cli.output.text import local_date, local_time
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis, Voice

_STYLES = {
    State.CREATING: "cyan",
    State.PENDING: "yellow",
    State.UNRESOLVED: "magenta",
    State.ACTIVE: "green",
    State.REJECTED: "red",
    State.DELETING: "yellow",
    State.MISSING: "red",
}
_SOON_DAYS = 30


def _account_column(with_account: bool) -> list[Column[Voice]]:
    shown = Column[Voice]("ACCOUNT", lambda voice: voice.account, flexible=True)
    return [shown] if with_account else []


def voice_columns(now: datetime, *, with_account: bool) -> list[Column[Voice]]:
    """The columns of a list of voices."""
    return [
        Column("ID", lambda voice: voice.id),
        *_account_column(with_account),
        Column("NAME", lambda voice: voice.name),
        Column("MODEL", lambda voice: voice.target_model or "unknown", flexible=True),
        Column("STATE", lambda voice: voice.state.value, style=state_style),
        Column(
            "DAYS LEFT",
            lambda voice: _days_left(voice, now),
            right=True,
            style=lambda voice: _days_style(voice, now),
        ),
        Column("PIN", lambda voice: "pin" if voice.pinned else "", from_width=90),
        Column("CREATED", lambda voice: local_date(voice.created_at), from_width=100),
        Column("LAST USED", lambda voice: local_date(voice.last_used_at), from_width=112),
        Column("OWNER", lambda voice: voice.owner or "", from_width=126, flexible=True),
        Column("TAGS", lambda voice: tags_text(voice), from_width=126, flexible=True),
        Column("PROMPT", lambda voice: voice.prompt or "", from_width=140, flexible=True),
        Column("VOICE ID", lambda voice: voice.voice_id or "", from_width=220),
        Column(
            "KEY",
            lambda voice: voice.manifest_key or voice.candidate_for or "",
            from_width=180,
            flexible=True,
        ),
    ]


def deadline_columns(now: datetime, *, with_account: bool) -> list[Column[Voice]]:
    """The columns of a list of voices nearing their deletion."""
    return [
        Column(
            "DAYS LEFT",
            lambda voice: _days_left(voice, now),
            right=True,
            style=lambda voice: _days_style(voice, now),
        ),
        Column("DEADLINE", lambda voice: local_date(voice.deadline_at)),
        Column("BASIS", lambda voice: voice.deadline_basis.value),
        Column("ID", lambda voice: voice.id),
        *_account_column(with_account),
        Column("NAME", lambda voice: voice.name, flexible=True),
        Column("STATE", lambda voice: voice.state.value, style=state_style),
        Column("PIN", lambda voice: "pin" if voice.pinned else "", from_width=90),
        Column("LAST USED", lambda voice: local_date(voice.last_used_at), from_width=100),
        Column("OWNER", lambda voice: voice.owner or "", from_width=112, flexible=True),
        Column("TAGS", lambda voice: tags_text(voice), from_width=126, flexible=True),
        Column("MODEL", lambda voice: voice.target_model or "unknown", from_width=140),
        Column("VOICE ID", lambda voice: voice.voice_id or "", from_width=200),
    ]


def voice_fields(voice: Voice, now: datetime) -> list[tuple[str, str]]:
    """Everything known of a voice, as names and values."""
    return [
        ("id", voice.id),
        ("voice_id", voice.voice_id or ("unknown" if voice.state.holds_slot else "")),
        ("account", voice.account),
        ("family", voice.family.value),
        ("target_model", voice.target_model or "unknown"),
        ("origin", voice.origin.value),
        ("state", voice.state.value),
        ("state_reason", voice.state_reason or ""),
        ("name", voice.name),
        ("prompt", voice.prompt or ""),
        ("preview_text", voice.preview_text or ""),
        ("language", voice.language or ""),
        ("preview_format", _preview_text(voice)),
        ("created_at", local_time(voice.created_at)),
        ("last_used_at", local_time(voice.last_used_at) or "unknown"),
        ("last_used_source", voice.last_used_source or ""),
        ("deadline_at", _deadline_text(voice, now)),
        ("gone_at", local_time(voice.gone_at)),
        ("pinned", "yes" if voice.pinned else ""),
        ("owner", voice.owner or ""),
        ("note", voice.note or ""),
        ("tags", tags_text(voice)),
        ("aliases", ", ".join(voice.aliases)),
        ("replaces", voice.replaces or ""),
        ("manifest_key", voice.manifest_key or ""),
        ("candidate_for", voice.candidate_for or ""),
        ("lease_expires_at", local_time(voice.lease_expires_at)),
        ("delete_asked_at", local_time(voice.delete_asked_at)),
        ("request_id", voice.request_id or ""),
        ("updated_at", local_time(voice.updated_at)),
    ]


def tags_text(voice: Voice) -> str:
    """Tags as ``key=value``, separated by spaces."""
    return " ".join(f"{key}={value}" if value else key for key, value in voice.tags.items())


def _preview_text(voice: Voice) -> str:
    if voice.sample_rate is None or voice.response_format is None:
        return ""
    return f"{voice.response_format}, {voice.sample_rate} Hz"


def _deadline_text(voice: Voice, now: datetime) -> str:
    days = voice.days_left(now)
    if days is None:
        return ""
    basis = {
        DeadlineBasis.USED: "counted from its last known use",
        DeadlineBasis.CREATED: "counted from its creation; no use is known",
        DeadlineBasis.ESTIMATED: "estimated: uses before it was found are unknown",
    }[voice.deadline_basis]
    if voice.last_used_at is not None and voice.last_used_at < voice.created_at:
        basis = "counted from its creation; the last known use is told to be before it"
    left = "may go any day" if days == 0 else f"{days} days left"
    return f"{local_time(voice.deadline_at)} ({left}; {basis})"


def state_style(voice: Voice) -> str:
    """The colour of a voice's state."""
    return _STYLES.get(voice.state, "dim")


def _days_left(voice: Voice, now: datetime) -> str:
    days = voice.days_left(now)
    if days == 0:
        return "any day"
    return "" if days is None else str(days)


def _days_style(voice: Voice, now: datetime) -> str:
    days = voice.days_left(now)
    if days is None or days > _SOON_DAYS:
        return ""
    return "bold red" if days == 0 else "yellow"
