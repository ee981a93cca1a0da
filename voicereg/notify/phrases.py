"""What a language has to say, and what all languages write alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from voicereg.domain.messages import Item
from voicereg.domain.quotas import Quota
from voicereg.notify.commands import Commands
from voicereg.notify.markup import Markup, Section
from voicereg.notify.topics import Group, Topic


class Phrases(Protocol):
    """One language. What is passed in as ``written`` has been made harmless already."""

    colon: str
    semicolon: str
    maybe_repeat: str
    """At the top of a message of which something may have been sent before."""
    repeat_mark: str
    """At an item that may have been sent before."""
    pinned: str

    def title(self, parts: Sequence[str], accounts: Sequence[str]) -> str:
        """The title: what there is, and of which accounts where there are several."""

    def part(self, group: Group, now: datetime) -> str:
        """What the title says of a group."""

    def heading(self, topic: Topic) -> str:
        """What stands over the items of a topic."""

    def what(self, item: Item, topic: Topic, now: datetime) -> str:
        """What there is to say of an item."""

    def account(self, written: str) -> str:
        """That it is of an account."""

    def owner(self, written: str) -> str:
        """That it has an owner."""

    def source(self, written: str) -> str:
        """Who has used it."""

    def aliases(self, written: str, count: int) -> str:
        """That it has aliases."""

    def voices(self, written: str, left_out: int) -> str:
        """Which voices it is about, and how many more."""

    def why(self, written: str) -> str:
        """What went wrong."""

    def advice(self, commands: Commands, m: Markup) -> str | None:
        """What can be done about a group."""

    def more(self, count: int, written: str) -> str:
        """That there are more items, and what shows them."""

    def left_out(self, count: int) -> str:
        """That there was no room for more items, of whatever topic."""

    def trial_title(self, channel: str) -> str:
        """The title of a test of a channel."""

    def trial(self, channel: str, registry: str, sent: str, host: str) -> Section:
        """That it is a test, from where, and that nothing is to be done."""


def day(moment: datetime) -> str:
    """The date of a moment; that it is of UTC is said, for it is not everybody's date."""
    return f"{moment.astimezone(UTC):%Y-%m-%d} UTC"


def minute(moment: datetime) -> str:
    """A moment to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def taken(quota: Quota) -> int:
    """The slots that are taken, those included that the provider alone knows of."""
    return quota.used + quota.unseen


def percent(quota: Quota) -> int:
    """How much of a quota is taken."""
    return taken(quota) * 100 // quota.limit if quota.limit else 100
