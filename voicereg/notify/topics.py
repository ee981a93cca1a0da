"""What a message is about: its items, those that are alike under one heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from voicereg.domain.concerns import ConcernKind
from voicereg.domain.messages import Item, Message, News


class Topic(Enum):
    """What items that stand under one heading have in common."""

    ANY_DAY = auto()
    """Voices past their deadline."""
    DEADLINE = auto()
    """Voices near their deadline."""
    KEEP_ALIVE = auto()
    GONE = auto()
    QUOTA = auto()
    RETIRING = auto()
    UNRESOLVED = auto()
    REJECTED = auto()
    SAFE = auto()
    """All clear: voices that have been used, or kept alive."""
    ROOM = auto()
    """All clear: quotas with room in them again."""
    SETTLED = auto()
    """All clear: creates whose outcome is known now."""
    CLEARED = auto()
    """All clear: anything else."""


_WARNINGS = {
    ConcernKind.KEEP_ALIVE: Topic.KEEP_ALIVE,
    ConcernKind.DEADLINE: Topic.DEADLINE,
    ConcernKind.GONE: Topic.GONE,
    ConcernKind.QUOTA: Topic.QUOTA,
    ConcernKind.RETIRING: Topic.RETIRING,
    ConcernKind.UNRESOLVED: Topic.UNRESOLVED,
    ConcernKind.REJECTED: Topic.REJECTED,
}
_ALL_CLEARS = {
    ConcernKind.KEEP_ALIVE: Topic.SAFE,
    ConcernKind.DEADLINE: Topic.SAFE,
    ConcernKind.QUOTA: Topic.ROOM,
    ConcernKind.UNRESOLVED: Topic.SETTLED,
}


@dataclass(frozen=True, slots=True)
class Group:
    """The items of one topic, the most urgent first."""

    topic: Topic
    items: Sequence[Item]

    @property
    def accounts(self) -> list[str]:
        """The accounts that they are of, in order."""
        return list(dict.fromkeys(item.concern.subject.account for item in self.items))

    @property
    def only(self) -> Item | None:
        """The item, where there is just one."""
        return self.items[0] if len(self.items) == 1 else None


def grouped(message: Message) -> list[Group]:
    """A message's items by topic; topics in the order of their most urgent item."""
    groups: dict[Topic, list[Item]] = {}
    for item in message.items:
        groups.setdefault(_topic(item, message.made_at), []).append(item)
    return [Group(topic, items) for topic, items in groups.items()]


def _topic(item: Item, now: datetime) -> Topic:
    kind = item.concern.subject.kind
    if item.news is News.ALL_CLEAR:
        return _ALL_CLEARS.get(kind, Topic.CLEARED)
    if kind is ConcernKind.DEADLINE and item.left(now) == timedelta(0):
        # Apart from the others: a thousand of them may come at once, and hide what is sure to go.
        return Topic.ANY_DAY
    return _WARNINGS[kind]
