"""Which voices are meant, and in what order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict, TypeVar, Unpack

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family
from voicereg.domain.keywords import check_keywords
from voicereg.domain.states import State
from voicereg.domain.voices import Origin

OneOf = TypeVar("OneOf", bound=StrEnum)


class SortField(StrEnum):
    """What a list of voices can be ordered by."""

    CREATED = "created"
    DEADLINE = "deadline"
    USED = "used"
    UPDATED = "updated"
    NAME = "name"
    MODEL = "model"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class VoiceFilter:
    """Which voices are meant. A field left alone does not narrow the choice."""

    family: Family | None = None
    target_model: str | None = None
    states: frozenset[State] | None = None
    """None: those that are not gone, unless ``with_gone``."""
    with_gone: bool = False
    tags: tuple[tuple[str, str | None], ...] = ()
    """Pairs of key and value that must all be there; a value of None stands for any."""
    owner: str | None = None
    origin: Origin | None = None
    pinned: bool | None = None
    search: str | None = None
    """A text that must occur in the name, prompt, preview text, note or voice id."""
    idle_since: datetime | None = None
    """Only voices whose last activity is at or before this moment."""
    due_by: datetime | None = None
    """Only voices whose deadline is at or before this moment."""


class FilterOptions(TypedDict, total=False):
    """Which voices a method speaks of; what is left out does not narrow the choice."""

    family: Family | str | None
    target_model: str | None
    states: Collection[State | str] | None
    """Only in these; None: those that are not gone."""
    with_gone: bool
    """Gone ones as well."""
    tags: Mapping[str, str | None] | None
    """Only with all of these; a value of None stands for any."""
    owner: str | None
    origin: Origin | str | None
    pinned: bool | None
    search: str | None
    """A text in the name, prompt, preview text, note or voice id."""
    unused_for: timedelta | None
    """Only with no known activity for this long."""


def voice_filter(now: datetime, **options: Unpack[FilterOptions]) -> VoiceFilter:
    """The filter that the options stand for.

    Args:
        now: the moment that ``unused_for`` is counted from.
        options: as a user gave them.

    Raises:
        InvalidInput: a family, a state or an origin that there is not.
        TypeError: an option that there is not.
    """
    check_keywords(options, FilterOptions.__annotations__)
    states = options.get("states")
    family, origin = options.get("family"), options.get("origin")
    unused_for = options.get("unused_for")
    try:
        idle_since = None if unused_for is None else now - unused_for
    except OverflowError:
        raise InvalidInput(Problem("unused-for", str(unused_for), "it is too long")) from None
    return VoiceFilter(
        family=None if family is None else _one_of(Family, family, "family"),
        target_model=options.get("target_model"),
        states=None
        if states is None
        else frozenset(_one_of(State, state, "state") for state in states),
        with_gone=options.get("with_gone", False),
        tags=tuple((options.get("tags") or {}).items()),
        owner=options.get("owner"),
        origin=None if origin is None else _one_of(Origin, origin, "origin"),
        pinned=options.get("pinned"),
        search=options.get("search"),
        idle_since=idle_since,
    )


def sort_field(value: SortField | str) -> SortField:
    """The field of that name.

    Raises:
        InvalidInput: there is none.
    """
    return _one_of(SortField, value, "sort")


def _one_of(kind: type[OneOf], value: str, where: str) -> OneOf:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise InvalidInput(Problem(where, str(value), f"it must be one of {known}")) from None
