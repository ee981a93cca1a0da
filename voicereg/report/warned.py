"""What is warned of, as the page tells it: under headings, the most urgent first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from voicereg.domain.concerns import Concern, Subject
from voicereg.domain.messages import Item, Message, News
from voicereg.domain.voices import Voice
from voicereg.notify.commands import Commands
from voicereg.notify.english import English
from voicereg.notify.markup import Plain
from voicereg.notify.topics import Group, grouped

MOST_ITEMS = 8
"""Of each heading; the table of voices has them all."""
_WORDS = English()
_BEGINS, _ENDS = "\ue000", "\ue001"


class _Marked(Plain):
    """Text in which it is marked what is to be typed."""

    def code(self, command: str) -> str:
        """Something to be typed as it stands."""
        return f"{_BEGINS}{command}{_ENDS}"


@dataclass(frozen=True, slots=True)
class WarnedItem:
    """One thing that stands, or that an all-clear is given for."""

    name: str
    """A voice's name, a family or a target model."""
    voice: Voice | None
    account: str
    what: str
    why: str | None
    channels: Sequence[str]
    """Those that the next round tells; none: all that are to hear of it have been told."""


@dataclass(frozen=True, slots=True)
class WarnedGroup:
    """Items that stand under one heading."""

    heading: str
    is_all_clear: bool
    items: Sequence[WarnedItem]
    """The most urgent ones."""
    count: int
    """How many there are, those included that are left out."""
    advice: Sequence[tuple[str, bool]]
    """What can be done, in pieces; of each, whether it is to be typed as it stands."""
    more: str
    """What to type to see all of them."""

    @property
    def left_out(self) -> int:
        """How many items are not shown."""
        return self.count - len(self.items)


@dataclass(frozen=True, slots=True)
class Warned:
    """What the next round would tell, and what has been told already."""

    groups: Sequence[WarnedGroup]
    news: int
    """How many items some channel is yet to hear of."""
    told: int
    """How many stand, and have been told."""
    has_channels: bool
    """Whether the settings name any; where not, rounds write to their log."""


def what_is_warned_of(
    concerns: Sequence[Concern],
    messages: Sequence[Message],
    now: datetime,
    *,
    has_channels: bool,
) -> Warned:
    """Concerns and messages, put in words.

    Args:
        concerns: what stands.
        messages: what would be sent; something in them may be told to several channels.
        now: the moment that time is counted from.
        has_channels: whether the settings name any.
    """
    channels: dict[Subject, list[str]] = {}
    items = {concern.subject: Item(News.WARNING, concern) for concern in concerns}
    for message in messages:
        for item in message.items:
            channels.setdefault(item.concern.subject, []).append(message.channel)
            items[item.concern.subject] = item
    ordered = sorted(items.values(), key=lambda item: item.urgency(now))
    everything = Message(id="", channel="", made_at=now, items=ordered)
    return Warned(
        groups=[_group(group, channels, now) for group in grouped(everything)],
        news=sum(subject in channels for subject in items),
        told=sum(subject not in channels for subject in items),
        has_channels=has_channels,
    )


def _group(group: Group, channels: dict[Subject, list[str]], now: datetime) -> WarnedGroup:
    commands = Commands(group)
    shown = group.items[:MOST_ITEMS]
    return WarnedGroup(
        heading=_WORDS.heading(group.topic),
        is_all_clear=group.items[0].news is News.ALL_CLEAR,
        items=list(_items(group, shown, channels, now)),
        count=len(group.items),
        advice=_pieces(_WORDS.advice(commands, _Marked()) or ""),
        more=commands.more(),
    )


def _pieces(advice: str) -> list[tuple[str, bool]]:
    pieces = re.split(f"{_BEGINS}([^{_ENDS}]*){_ENDS}", advice)
    return [(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece]


def _items(
    group: Group, shown: Sequence[Item], channels: dict[Subject, list[str]], now: datetime
) -> Iterator[WarnedItem]:
    for item in shown:
        concern, voice, quota = item.concern, item.voice, item.concern.quota
        if voice is not None:
            name = voice.name
        else:
            name = concern.subject.key if quota is None else quota.family.value
        yield WarnedItem(
            name=name,
            voice=voice,
            account=concern.subject.account,
            what=_WORDS.what(item, group.topic, now),
            why=concern.why,
            channels=channels.get(concern.subject, ()),
        )
