"""What is to be told of a voice, and what becomes of it, by its story alone.

Nothing here looks at the registry or remembers what was told: in each round a voice is in some
danger, and it is news when that is closer than it was in the round before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tests.housekeeping.stories import YEAR, Story

MARKS = (60, 30, 14, 7, 3, 1)
KEPT_WITHIN = timedelta(days=30)
LEVELS = ("ok", "warning", "critical", "full")


@dataclass(frozen=True, order=True)
class Telling:
    """One thing that a channel is told in a round."""

    at: datetime
    about: str
    """The name of a voice, or a family."""
    news: str
    kind: str
    mark: int | None = None
    deadline: datetime | None = None
    level: str | None = None
    """Of a quota."""

    @property
    def short(self) -> tuple[str, str, int | None]:
        return self.news, self.kind, self.mark


@dataclass(frozen=True)
class Outlook:
    """How a voice stands in one round."""

    kind: str
    mark: int | None
    """Within how many days it may go; None: it is in no danger."""
    deadline: datetime
    owner: str | None

    @property
    def distance(self) -> float:
        return math.inf if self.mark is None else self.mark


@dataclass
class Fate:
    """What becomes of a voice, round by round."""

    story: Story
    deadline: datetime
    state: str | None = None
    """None: the registry never heard of it."""
    gone_at: datetime | None = None
    outlooks: dict[datetime, Outlook] = field(default_factory=dict)
    kept_alive: list[datetime] = field(default_factory=list)
    held: set[datetime] = field(default_factory=set)
    """The rounds in which it takes a slot."""

    @property
    def is_there(self) -> bool:
        """Whether the provider has it in the end."""
        return self.state in ("active", "rejected")

    @property
    def deadline_basis(self) -> str:
        if self.kept_alive or any(use.noted_at is not None for use in self.story.uses):
            return "used"
        return "created" if self.story.designed else "estimated"


def fate_of(story: Story, rounds: Sequence[datetime]) -> Fate:
    """What becomes of a voice in rounds at these moments."""
    fate = Fate(story, story.made + YEAR)
    missing_since = None
    for now in rounds:
        if now < story.made:
            continue
        fate.deadline = _deadline(story, fate.kept_alive, now)
        if story.deleted is not None and story.deleted <= now:
            fate.state, fate.gone_at = "deleted", story.deleted
            break
        owner = story.owner_at(now)
        if _is_there(story, fate.kept_alive, now):
            if story.rejected:
                fate.state = "rejected"
                fate.outlooks[now] = Outlook("rejected", None, fate.deadline, owner)
            else:
                fate.state = "active"
                stays = story.stays_at(now)
                if stays and fate.deadline - now <= KEPT_WITHIN:
                    fate.kept_alive.append(now)
                    fate.deadline = now + YEAR
                mark = None if stays else _mark(fate.deadline - now)
                fate.outlooks[now] = Outlook("deadline", mark, fate.deadline, owner)
        elif missing_since is None:
            fate.state, missing_since = "missing", now
            fate.outlooks[now] = Outlook(
                "deadline", _mark(fate.deadline - now), fate.deadline, owner
            )
        else:
            fate.state = "expired" if missing_since >= fate.deadline else "lost"
            fate.gone_at = now
            fate.outlooks[now] = Outlook("gone", None, fate.deadline, owner)
            break
        fate.held.add(now)
    return fate


def tellings_of(
    fate: Fate, rounds: Sequence[datetime], owner: str | None = None
) -> Iterable[Telling]:
    """What a channel is told of a voice; one with an owner hears of that one's voices only."""
    before = None
    for now in rounds:
        outlook = fate.outlooks.get(now)
        if outlook is not None and owner not in (None, outlook.owner):
            outlook = None
        if outlook is not None:
            news = _news(outlook, before)
            if news is not None:
                dated = outlook.kind == "deadline"
                yield Telling(
                    now,
                    fate.story.name,
                    news,
                    outlook.kind,
                    outlook.mark,
                    outlook.deadline if dated else None,
                )
        before = outlook


def quota_tellings(
    fates: Iterable[Fate],
    rounds: Sequence[datetime],
    limits: Mapping[str, Sequence[tuple[datetime, int]]],
) -> Iterable[Telling]:
    """What is told of quotas, whose limits change at moments."""
    fates = list(fates)
    for family, changes in limits.items():
        before = 0
        for now in rounds:
            limit = [limit for at, limit in changes if at <= now][-1]
            used = sum(now in fate.held for fate in fates if fate.story.family == family)
            level = _level(used, limit)
            if level > before or (level == 0 and before > 0):
                news = "warning" if level else "all_clear"
                yield Telling(now, family, news, "quota", level=LEVELS[level])
            before = level


def _level(used: int, limit: int) -> int:
    if used >= limit:
        return 3
    return (100 * used >= 80 * limit) + (100 * used >= 95 * limit)


def _news(outlook: Outlook, before: Outlook | None) -> str | None:
    if before is None or before.kind != outlook.kind:
        warned = outlook.kind != "deadline" or outlook.mark is not None
        return "warning" if warned else None
    if outlook.distance < before.distance:
        return "warning"
    if outlook.mark is None and before.mark is not None:
        return "all_clear"
    return None


def _mark(left: timedelta) -> int | None:
    if left <= timedelta(0):
        return 0
    return min((mark for mark in MARKS if left <= timedelta(days=mark)), default=None)


def _deadline(story: Story, kept_alive: Sequence[datetime], now: datetime) -> datetime:
    """A year after the last use that the registry knows of."""
    known = [use.at for use in story.uses if use.noted_at is not None and use.noted_at <= now]
    return max([story.made, *known, *kept_alive]) + YEAR


def _is_there(story: Story, kept_alive: Sequence[datetime], now: datetime) -> bool:
    """Whether the provider still has it: nobody deleted it, and it was never idle for a year."""
    if story.removed is not None and story.removed <= now:
        return False
    used = [use.at for use in story.uses if use.at <= now]
    active = [story.made, *sorted([*used, *kept_alive]), now]
    return all(later - earlier < YEAR for earlier, later in pairwise(active))
