"""Voices as rows of a file: what an export writes of each, and how an import reads it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from voicereg.domain.aliases import checked_alias
from voicereg.domain.clock import rfc3339
from voicereg.domain.designs import Labels, checked_labels, checked_text
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family
from voicereg.domain.rules import family_of_model
from voicereg.domain.states import WITHOUT_VOICE_ID, State
from voicereg.domain.uses import FUTURE_TOLERANCE
from voicereg.domain.voice_ids import is_voice_id
from voicereg.domain.voices import (
    INACTIVITY_LIMIT,
    VOICE_KEYS,
    DeadlineBasis,
    Origin,
    Voice,
)

Kind = TypeVar("Kind", bound=StrEnum)

_COUNTED = "days_left"
"""Counted anew each day: it is not written, and not read where it is there."""
_OPEN = ("lease_expires_at", "delete_asked_at", "state_before_delete")
"""What only a create or a delete has that is not settled."""
EXCHANGE_KEYS = tuple(key for key in VOICE_KEYS if key != _COUNTED) + _OPEN
"""The keys of a row, in order."""

LABELS = ("tags", "owner", "note", "pinned", "aliases")
"""What people add to a voice: a row may change it."""
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
_LONGEST = 10_000


def as_row(voice: Voice) -> dict[str, Any]:
    """A voice with the keys of :data:`EXCHANGE_KEYS`, as JSON can hold them."""
    row = voice.as_dict(voice.updated_at)
    del row[_COUNTED]
    return row | {
        "lease_expires_at": rfc3339(voice.lease_expires_at),
        "delete_asked_at": rfc3339(voice.delete_asked_at),
        "state_before_delete": voice.state_before_delete and str(voice.state_before_delete),
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


def read_row(cells: Mapping[str, Any], now: datetime) -> VoiceRow:
    """What a row says.

    Args:
        cells: by key, as JSON gives them, or as texts.
        now: the moment that the future begins at.

    Raises:
        InvalidInput: one problem for each cell that says nothing that can be.
    """
    problems = [
        Problem(str(key)[:60], "", f"there is no such column; they are {', '.join(EXCHANGE_KEYS)}")
        for key in cells
        if key not in EXCHANGE_KEYS and key != _COUNTED
    ]
    values: dict[str, Any] = {}
    for key in EXCHANGE_KEYS:
        if key not in cells:
            continue
        given = cells[key]
        try:
            values[key] = None if given is None or given == "" else _READ[key](given)
        except (ValueError, OverflowError) as error:
            problems.append(Problem(key, str(given), str(error)))
        except InvalidInput as refused:
            problems += refused.problems
    problems += _label_problems(values)
    if values.get("last_used_at") and values["last_used_at"] > now + FUTURE_TOLERANCE:
        problems.append(Problem("last_used_at", str(cells["last_used_at"]), "it is in the future"))
    if values.get("created_at") and values["created_at"] > now + FUTURE_TOLERANCE:
        problems.append(Problem("created_at", str(cells["created_at"]), "it is in the future"))
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


def _label_problems(values: Mapping[str, Any]) -> list[Problem]:
    labels = Labels(
        tags=values.get("tags") or {}, owner=values.get("owner"), note=values.get("note")
    )
    try:
        checked_labels(labels)
    except InvalidInput as refused:
        return list(refused.problems)
    return []


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("it is not a text")
    problems = checked_text(given, "", longest=_LONGEST)
    if problems:
        raise ValueError(problems[0].rule)
    return given


def _voice_id(given: Any) -> str:
    if not isinstance(given, str) or not is_voice_id(given):
        raise ValueError("it is no id of a voice")
    return given


def _id(given: Any) -> str:
    text = _text(given)
    if not (text.isascii() and text.isalnum()) or len(text) > 40:
        raise ValueError("an id of the registry has letters and digits only")
    return text


def _moment(given: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError("it is no time such as 2026-11-23T09:00:00Z") from None
    if moment.utcoffset() is None:
        raise ValueError("a time needs a zone, such as Z or +08:00")
    return moment.astimezone(UTC)


def _number(given: Any) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**31:
        return given
    raise ValueError("it is no number")


_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}


def _truth(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    found = _TRUTHS.get(str(given).lower())
    if found is None:
        raise ValueError("it is true or false")
    return found


def _tags(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ValueError("it is no JSON object of texts")
    return dict(given)


def _aliases(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
        raise ValueError("it is no JSON array of texts")
    return tuple(checked_alias(name) for name in given)


def _one_of(kind: type[Kind]) -> Callable[[Any], Kind]:
    def read(given: Any) -> Kind:
        try:
            return kind(given)
        except ValueError:
            raise ValueError(f"it is one of {', '.join(kind)}") from None

    return read


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(EXCHANGE_KEYS, _text),
    "id": _id,
    "voice_id": _voice_id,
    "family": _one_of(Family),
    "origin": _one_of(Origin),
    "state": _one_of(State),
    "state_before_delete": _one_of(State),
    "deadline_basis": _one_of(DeadlineBasis),
    "sample_rate": _number,
    "pinned": _truth,
    "tags": _tags,
    "aliases": _aliases,
    "replaces": _id,
    **dict.fromkeys([key for key in EXCHANGE_KEYS if key.endswith("_at")], _moment),
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
