"""What a channel is told in a round: what is new since it was told last, and what has passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from voicereg.domain.concerns import Concern, ConcernKind, Subject
from voicereg.domain.messages import Item, News
from voicereg.domain.routes import VoiceRule


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel has been told of a subject, and no all-clear was given for."""

    subject: Subject
    grade: int
    """The most urgent."""
    uncertain: News | None = None
    """What a round was sending when it died: it may have been told, and may not."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What an item of a message is about, as it is noted before the message is sent."""

    subject: Subject
    grade: int
    news: News

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "account": self.subject.account,
            "kind": self.subject.kind.value,
            "key": self.subject.key,
            "grade": self.grade,
            "news": self.news.value,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Intent:
        """What :meth:`as_dict` made."""
        subject = Subject(values["account"], ConcernKind(values["kind"]), values["key"])
        return cls(subject, values["grade"], News(values["news"]))

    @classmethod
    def of(cls, item: Item) -> Intent:
        """What an item is about."""
        return cls(item.concern.subject, item.concern.grade, item.news)


class Aftermath(Enum):
    """What becomes of a warning whose cause is not there any more."""

    FORGET = "forget"
    """It is over, or something else is told of it: nothing is said."""
    WAIT = "wait"
    """Nobody knows yet whether it is over."""


Cleared = Callable[[Subject], Concern | Aftermath]
"""How things stand with a subject that was told of, and of which there is no concern now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be told to a channel, and what is noted without a word."""

    items: tuple[Item, ...]
    rearmed: tuple[Told, ...]
    """Less urgent than what was told, or known to have been told: noted, so that the next tighter
    mark is news."""
    forgotten: tuple[Subject, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.items or self.rearmed or self.forgotten)


def make_plan(
    concerns: Iterable[Concern],
    told: Mapping[Subject, Told],
    rule: VoiceRule,
    cleared: Cleared,
) -> Plan:
    """What a channel is to be told.

    Args:
        concerns: all that stands, for whichever channel.
        told: what this channel was told before, of the same accounts.
        rule: what the channel is to hear of.
        cleared: asked of what was told, and stands no more.
    """
    items: list[Item] = []
    rearmed: list[Told] = []
    forgotten: list[Subject] = []
    standing = {concern.subject: concern for concern in concerns}
    for subject, concern in standing.items():
        before = told.get(subject)
        routed = _routed(concern, rule)
        if routed is None:
            if before is not None:
                forgotten.append(subject)
        elif before is None or before.uncertain is News.ALL_CLEAR or concern.grade < before.grade:
            items.append(Item(News.WARNING, routed))
        elif before.uncertain is News.WARNING:
            items.append(Item(News.WARNING, routed, maybe_repeat=True))
        elif concern.grade > before.grade:
            rearmed.append(Told(subject, concern.grade))
    for subject, before in told.items():
        if subject in standing:
            continue
        after = cleared(subject)
        if after is Aftermath.FORGET:
            forgotten.append(subject)
        elif isinstance(after, Concern):
            routed = _routed(after, rule)
            if routed is None:
                forgotten.append(subject)
            else:
                repeat = before.uncertain is News.ALL_CLEAR
                items.append(Item(News.ALL_CLEAR, routed, maybe_repeat=repeat))
    return Plan(tuple(items), tuple(rearmed), tuple(forgotten))


def after_a_crash(told: Mapping[Subject, Told], intents: Iterable[Intent]) -> list[Told]:
    """What a channel may have been told by a message whose outcome nobody noted.

    Args:
        told: what it was certainly told.
        intents: what the message was about.
    """
    found = []
    for intent in intents:
        grade = intent.grade
        before = told.get(intent.subject)
        if before is not None and intent.news is News.ALL_CLEAR:
            grade = before.grade
        found.append(Told(intent.subject, grade, uncertain=intent.news))
    return found


def after_delivery(intents: Iterable[Intent]) -> tuple[list[Told], list[Subject]]:
    """What a channel has been told by a message, and what it need not remember any more."""
    told, forgotten = [], []
    for intent in intents:
        if intent.news is News.WARNING:
            told.append(Told(intent.subject, intent.grade))
        else:
            forgotten.append(intent.subject)
    return told, forgotten


def _routed(concern: Concern, rule: VoiceRule) -> Concern | None:
    """What of a concern is for those whom a rule names."""
    quota = concern.quota
    if quota is not None:
        names = concern.shared_by or (concern.subject.account,)
        fits = rule.is_of_all_voices and any(rule.fits_family(name, quota.family) for name in names)
        return concern if fits else None
    voices = tuple(voice for voice in concern.voices if rule.fits(voice))
    return replace(concern, voices=voices) if voices else None
