"""Voices as rows of a file: what an export writes of each, and how an import reads it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voicereg.domain import cells
from voicereg.domain.aliases import checked_alias
from voicereg.domain.clock import rfc3339
from voicereg.domain.designs import key_problems, label_problems, labels_of
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family
from voicereg.domain.rules import family_of_model
from voicereg.domain.states import WITHOUT_VOICE_ID, State
from voicereg.domain.uses import FUTURE_TOLERANCE
from voicereg.domain.voices import (
    INACTIVITY_LIMIT,
    VOICE_KEYS,
    DeadlineBasis,
    Origin,
    Voice,
)

_COUNTED = "days_left"
"""Counted anew each day: it is not written, and not read where it is there."""
_OPEN = ("lease_expires_at", "delete_asked_at", "state_before_delete", "candidate_alias")
"""What only a voice has of which something is not settled: its create, its delete, a choice."""
EXCHANGE_KEYS = tuple(key for key in VOICE_KEYS if key != _COUNTED) + _OPEN
"""The keys of a row, in order."""

LABELS = ("tags", "owner", "note", "pinned", "aliases")
"""What people add to a voice: a row may change it."""
DECLARED = ("manifest_key", "candidate_for", "candidate_alias")
"""What manifests and choices make of a voice: a row may change it."""
FACTS = (
    "target_model",
    "prompt",
    "preview_text",
    "language",
    "sample_rate",
    "response_format",
    "request_id",
)
"""What never changes: a row may fill it in where it is not known."""
SAME = ("family", "origin", "name")
"""What tells that a row is of another voice than the one on record."""


def as_row(voice: Voice) -> dict[str, Any]:
    """A voice with the keys of :data:`EXCHANGE_KEYS`, as JSON can hold them."""
    row = voice.as_dict(voice.updated_at)
    del row[_COUNTED]
    return row | {
        "lease_expires_at": rfc3339(voice.lease_expires_at),
        "delete_asked_at": rfc3339(voice.delete_asked_at),
        "state_before_delete": voice.state_before_delete and str(voice.state_before_delete),
        "candidate_alias": voice.candidate_alias,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRow:
    """One row of a file, checked by itself. None: it says nothing, or that there is none."""

    given: frozenset[str]
    """The keys that it speaks of."""
    id: str | None = None
    voice_id: str | None = None
    account: str | None = None
    family: Family | None = None
    target_model: str | None = None
    origin: Origin | None = None
    state: State | None = None
    state_reason: str | None = None
    name: str | None = None
    prompt: str | None = None
    preview_text: str | None = None
    language: str | None = None
    sample_rate: int | None = None
    response_format: str | None = None
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_source: str | None = None
    deadline_at: datetime | None = None
    deadline_basis: DeadlineBasis | None = None
    pinned: bool | None = None
    owner: str | None = None
    note: str | None = None
    tags: Mapping[str, str] | None = None
    aliases: tuple[str, ...] | None = None
    replaces: str | None = None
    request_id: str | None = None
    gone_at: datetime | None = None
    updated_at: datetime | None = None
    lease_expires_at: datetime | None = None
    delete_asked_at: datetime | None = None
    state_before_delete: State | None = None
    manifest_key: str | None = None
    candidate_for: str | None = None
    candidate_alias: str | None = None


def read_row(row: Mapping[str, Any], now: datetime) -> VoiceRow:
    """What a row says.

    Args:
        row: by key, as JSON gives them, or as texts.
        now: the moment that the future begins at.

    Raises:
        InvalidInput: one problem for each cell that says nothing that can be.
    """
    problems = [
        Problem(str(key)[:60], "", cells.unknown(key, EXCHANGE_KEYS, "column"))
        for key in row
        if key not in EXCHANGE_KEYS and key != _COUNTED
    ]
    values: dict[str, Any] = {}
    for key in EXCHANGE_KEYS:
        if key not in row:
            continue
        given = row[key]
        try:
            values[key] = None if given is None or given == "" else _READ[key](given)
        except (ValueError, OverflowError) as error:
            problems.append(Problem(key, cells.shown(given), str(error)))
        except InvalidInput as refused:
            problems += refused.problems
    problems += label_problems(labels_of(values)) + _key_problems(values)
    if values.get("last_used_at") and values["last_used_at"] > now + FUTURE_TOLERANCE:
        problems.append(Problem("last_used_at", str(row["last_used_at"]), "it is in the future"))
    if values.get("created_at") and values["created_at"] > now + FUTURE_TOLERANCE:
        problems.append(Problem("created_at", str(row["created_at"]), "it is in the future"))
    if not values.get("id") and not values.get("voice_id"):
        problems.append(Problem("voice_id", "", "a row says the voice_id or the id of its voice"))
    if problems:
        raise InvalidInput(*problems)
    return VoiceRow(given=frozenset(values), **values)


def new_voice(
    row: VoiceRow, *, registry_id: str, account: str, group_id: int, now: datetime
) -> Voice:
    """The voice that a row puts on record.

    Args:
        row: what it says.
        registry_id: the id that it gets.
        account: its account.
        group_id: the account's quota group.
        now: the moment of the import.

    Raises:
        InvalidInput: the row does not say enough, or contradicts itself.
    """
    state = row.state or State.ACTIVE
    if state is State.CREATING:
        # Whoever was at work on it is not here.
        state = State.UNRESOLVED
    family = row.family or (family_of_model(row.target_model) if row.target_model else None)
    created_at: datetime = row.created_at or now
    last_used_at: datetime | None = row.last_used_at
    basis = row.deadline_basis or (DeadlineBasis.USED if last_used_at else DeadlineBasis.ESTIMATED)
    activity = max(created_at, last_used_at or created_at)
    deadline_at: datetime = row.deadline_at or activity + INACTIVITY_LIMIT
    gone_at = row.gone_at
    if state.is_gone and gone_at is None:
        gone_at = now
    problems = []
    if family is None:
        problems.append(Problem("family", "", "it is missing, and no target model tells it"))
    if row.created_at is None:
        problems.append(Problem("created_at", "", "it is missing: the deadline is counted from it"))
    if row.voice_id is None and state not in WITHOUT_VOICE_ID:
        problems.append(Problem("voice_id", "", f"a voice that is {state.value} has one"))
    if (state is State.DELETING) != (row.delete_asked_at is not None):
        problems.append(
            Problem("delete_asked_at", "", "a voice that is deleting has one, and no other")
        )
    if (row.delete_asked_at is None) != (row.state_before_delete is None):
        problems.append(Problem("state_before_delete", "", "it goes with delete_asked_at"))
    if row.lease_expires_at is not None and state is not State.UNRESOLVED:
        problems.append(Problem("lease_expires_at", "", "only an unresolved create has one"))
    if gone_at is not None and not state.is_gone:
        problems.append(Problem("gone_at", "", f"a voice that is {state.value} is not gone"))
    if basis is DeadlineBasis.USED and last_used_at is None:
        problems.append(Problem("deadline_basis", "used", "no last use is given"))
    if basis is DeadlineBasis.CREATED and row.target_model is None:
        problems.append(Problem("target_model", "", "a voice that was made here has one"))
    if not created_at < deadline_at <= activity + INACTIVITY_LIMIT:
        problems.append(
            Problem(
                "deadline_at",
                str(deadline_at),
                "it lies after the creation, and at most 365 days after the last activity",
            )
        )
    if problems or family is None:
        raise InvalidInput(*problems)
    return Voice(
        id=registry_id,
        voice_id=row.voice_id,
        account=account,
        quota_group_id=group_id,
        family=family,
        target_model=row.target_model,
        origin=row.origin or Origin.DESIGNED,
        state=state,
        state_reason=row.state_reason,
        name=row.name or "",
        prompt=row.prompt,
        preview_text=row.preview_text,
        language=row.language,
        sample_rate=row.sample_rate,
        response_format=row.response_format,
        created_at=created_at,
        last_used_at=last_used_at,
        last_used_source=row.last_used_source,
        deadline_at=deadline_at,
        deadline_basis=basis,
        pinned=bool(row.pinned),
        owner=row.owner,
        note=row.note,
        replaces=row.replaces,
        request_id=row.request_id,
        lease_holder=None,
        lease_expires_at=row.lease_expires_at,
        delete_asked_at=row.delete_asked_at,
        state_before_delete=row.state_before_delete,
        gone_at=gone_at,
        updated_at=row.updated_at or now,
        manifest_key=row.manifest_key,
        candidate_for=row.candidate_for,
        candidate_alias=row.candidate_alias,
        tags=row.tags or {},
    )


def contradictions(row: VoiceRow, voice: Voice) -> list[Problem]:
    """What a row says of a voice on record that cannot be, as it never changes."""
    return [
        Problem(key, str(said), f"the voice on record has {str(known)[:60]!r}, which never changes")
        for key in (*SAME, *FACTS)
        if (said := getattr(row, key)) is not None
        and (known := getattr(voice, key)) is not None
        and said != known
    ]


def _key_problems(values: Mapping[str, Any]) -> list[Problem]:
    problems = [
        problem
        for name in ("manifest_key", "candidate_for")
        if values.get(name)
        for problem in key_problems(values[name], name)
    ]
    if values.get("manifest_key") and values.get("candidate_for"):
        problems.append(Problem("candidate_for", "", "a voice with a manifest_key is chosen"))
    if values.get("candidate_alias") and not values.get("candidate_for"):
        problems.append(Problem("candidate_alias", "", "it goes with candidate_for"))
    return problems


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(EXCHANGE_KEYS, cells.text),
    "id": cells.registry_id,
    "voice_id": cells.voice_id,
    "family": cells.one_of(Family),
    "origin": cells.one_of(Origin),
    "state": cells.one_of(State),
    "state_before_delete": cells.one_of(State),
    "deadline_basis": cells.one_of(DeadlineBasis),
    "sample_rate": cells.number,
    "pinned": cells.truth,
    "tags": cells.tags,
    "aliases": cells.aliases,
    "replaces": cells.registry_id,
    "candidate_alias": lambda given: checked_alias(cells.text(given)),
    **dict.fromkeys([key for key in EXCHANGE_KEYS if key.endswith("_at")], cells.moment),
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row of a file that cannot be taken as it is."""

    line: int
    """Where the row begins, counted from 1."""
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The problem with the keys that JSON output shows."""
        return {"line": self.line, "why": self.why}


@dataclass(slots=True)
class VoicesImported:
    """What an import found in a file, and did."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    """Of every bad row; where there are some and they are not passed over, nothing was changed."""
    is_done: bool = False
    """Whether what is counted here has come about."""

    def as_dict(self) -> dict[str, Any]:
        """What was found and done, with the keys that JSON output shows."""
        return {
            "rows": self.rows,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "bad": len(self.problems),
            "done": self.is_done,
            "problems": [problem.as_dict() for problem in self.problems],
        }
