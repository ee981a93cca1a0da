"""A plan: what has to be done so that a registry holds the voices that a manifest declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from voicereg.domain.designs import DesignOptions
from voicereg.domain.families import Family
from voicereg.domain.manifests import Entry, ManifestProblem
from voicereg.domain.rules import RULES, family_of_model
from voicereg.domain.voices import Voice

_NOTHING: Mapping[str, tuple[Any, Any]] = MappingProxyType({})


class Action(StrEnum):
    """What is done about a key."""

    DESIGN = "design"
    """There is no voice: one is made, or several to choose from."""
    RECREATE = "recreate"
    """What it is made from has changed: another is made in its place."""
    UPDATE = "update"
    """What the registry adds to it is changed; the provider never hears of it."""
    DELETE = "delete"
    """The file does not declare it, or another stands in for it."""
    LEAVE = "leave"
    """Something is to be known about it, and nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done about one key."""

    action: Action
    key: str
    entry: Entry | None = None
    """What the file says of it; None: nothing."""
    voice: Voice | None = None
    """Which voice on record it concerns."""
    count: int = 0
    """How many voices are made."""
    replaces: str | None = None
    """The registry id of the voice that what is made stands in for."""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=lambda: _NOTHING)
    """What it is, and what it becomes."""
    why: str | None = None
    is_open: bool = False
    """Whether the registry will not be as the file says, as nothing is done."""

    @property
    def family(self) -> Family | None:
        """The family of what is made."""
        if self.entry is None:
            return None
        stated: Family | None = self.entry.design.get("family")
        return stated or family_of_model(self.entry.design.get("target_model", ""))

    def asked(self, *, unchecked: bool) -> DesignOptions:
        """What to ask for, as :meth:`voicereg.Registry.design` takes it.

        Args:
            unchecked: leave to the provider the rules that it may have changed.

        Raises:
            ValueError: nothing is made by this step.
        """
        if self.entry is None or not self.count:
            raise ValueError(f"nothing is made for {self.key}")
        return self.entry.asked(replaces=self.replaces, unchecked=unchecked)

    def as_dict(self) -> dict[str, Any]:
        """The step with the keys that JSON output shows."""
        return {
            "action": self.action.value,
            "key": self.key,
            "line": None if self.entry is None else self.entry.line,
            "voice": None if self.voice is None else self.voice.id,
            "count": self.count,
            "replaces": self.replaces,
            "changes": {
                name: {"from": before, "to": after}
                for name, (before, after) in self.changes.items()
            },
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """What a manifest asks for, compared with what there is."""

    account: str
    steps: tuple[Step, ...]
    unchanged: int
    """So many voices are as the file says."""
    problems: tuple[ManifestProblem, ...] = ()
    """Where there are some, nothing of it can be done."""

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many voices each action is about."""
        found: Counter[Action] = Counter(dict.fromkeys(Action, 0))
        for step in self.steps:
            found[step.action] += max(1, step.count)
        return found

    @property
    def slots(self) -> Mapping[Family, int]:
        """How many slots of each family are needed, while nothing is deleted."""
        needed: Counter[Family] = Counter()
        for step in self.steps:
            if step.count and step.family is not None:
                needed[step.family] += step.count
        return needed

    @property
    def price_fen(self) -> int:
        """What the designs cost at most, in hundredths of a CNY."""
        return sum(RULES[family].design_price_fen * count for family, count in self.slots.items())

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is to be done."""
        return all(step.action is Action.LEAVE for step in self.steps)

    @property
    def is_open(self) -> bool:
        """Whether the registry will not be as the file says even when all of it is done."""
        return any(step.is_open for step in self.steps)
