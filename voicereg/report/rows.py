"""The table of voices: a row for each, and what can be chosen from to narrow it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from voicereg.domain.audio import KeptPreview
from voicereg.domain.deadlines import Urgency, urgency_of
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.report.previews import Placement, Previews
from voicereg.report.wording import days_left

SHOWN_AT_FIRST = 100
"""Rows that a browser draws before it is asked for more; all are in the page."""
MOST_CHOICES = 400
"""Of owners, models and tags each; the search finds the others."""
_NOT_MADE = frozenset({State.CREATING, State.UNRESOLVED})
"""Nobody knows whether there is anything that could be deleted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    key: str
    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A voice in the table."""

    number: int
    """From 1; names the row within the page."""
    voice: Voice
    urgency: Urgency | None
    """None where it has no deadline, or none any more."""
    days_left: str
    tags: Sequence[str]
    tags_json: str
    is_drawn: bool
    """Whether it is seen before anything is asked for."""
    preview: Placement | None
    """None: there is none."""
    url: Callable[[], str | None]
    """What the page plays. It is read when it is written, one after the other."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the table can be narrowed to."""

    accounts: Sequence[str]
    models: Sequence[str]
    owners: Sequence[str]
    tags: Sequence[str]
    states: Sequence[State]


def columns(*, with_account: bool) -> list[Column]:
    """The columns that can be sorted by, after that of the previews."""
    return [
        Column("name", "Voice"),
        *([Column("account", "Account")] if with_account else []),
        Column("model", "Model"),
        Column("state", "State"),
        Column("deadline", "Deadline", is_number=True),
        Column("used", "Last used", is_number=True),
        Column("created", "Made", is_number=True),
        Column("owner", "Owner"),
        Column("tags", "Tags"),
    ]


def rows(
    voices: Sequence[Voice],
    now: datetime,
    previews: Previews,
    kept: Mapping[str, KeptPreview],
    url: Callable[[str], str | None],
) -> Iterator[Row]:
    """A row for each voice, in order.

    Args:
        voices: standing ones before gone ones.
        now: the moment that time is counted from.
        previews: where those go that are kept.
        kept: what is kept, by registry id.
        url: what the page plays for a registry id.
    """
    for number, voice in enumerate(voices, 1):
        has_deadline = not voice.state.is_gone and voice.state not in _NOT_MADE
        tags = _tags(voice)
        yield Row(
            number=number,
            voice=voice,
            urgency=urgency_of(voice.deadline_at - now) if has_deadline else None,
            days_left=days_left(voice, now) if has_deadline else "",
            tags=tags,
            tags_json=json.dumps(
                [*dict.fromkeys([*voice.tags, *tags])], ensure_ascii=False, separators=(",", ":")
            ),
            is_drawn=number <= SHOWN_AT_FIRST,
            preview=previews.placements.get(voice.id) if voice.id in kept else None,
            url=lambda voice=voice: url(voice.id),  # type: ignore[misc]
        )


def choices(voices: Iterable[Voice]) -> Choices:
    """What there is to choose from, each once and in order."""
    voices = list(voices)
    keys = _ordered(key for voice in voices for key in voice.tags)
    pairs = _ordered(tag for voice in voices for tag in _tags(voice))
    states = {voice.state for voice in voices}
    return Choices(
        accounts=_ordered(voice.account for voice in voices),
        models=_ordered(voice.target_model or "" for voice in voices)[:MOST_CHOICES],
        owners=_ordered(voice.owner or "" for voice in voices)[:MOST_CHOICES],
        tags=_ordered([*keys, *pairs] if len(pairs) <= MOST_CHOICES else keys)[:MOST_CHOICES],
        states=[state for state in State if state in states],
    )


def _tags(voice: Voice) -> list[str]:
    return [f"{key}={value}" if value else key for key, value in voice.tags.items()]


def _ordered(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text}, key=lambda text: (text.casefold(), text))
