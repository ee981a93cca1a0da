"""What messages say in English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from voicereg.domain.counts import many
from voicereg.domain.messages import Item
from voicereg.domain.quotas import QuotaLevel
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis
from voicereg.notify.commands import Commands
from voicereg.notify.inert import plain_words
from voicereg.notify.markup import Markup, Section
from voicereg.notify.phrases import day, percent, taken
from voicereg.notify.topics import Group, Topic

_HEADINGS = {
    Topic.ANY_DAY: "Voices that may be deleted any day",
    Topic.DEADLINE: "Voices near their deletion for inactivity",
    Topic.KEEP_ALIVE: "Voices that could not be kept alive",
    Topic.GONE: "Voices that the provider has no more",
    Topic.QUOTA: "Quotas that fill up",
    Topic.RETIRING: "Models that are being withdrawn",
    Topic.UNRESOLVED: "Creates whose outcome is unknown",
    Topic.REJECTED: "Voices that the provider's review refused",
    Topic.SAFE: "All clear: voices that are safe again",
    Topic.ROOM: "All clear: quotas with room again",
    Topic.SETTLED: "All clear: creates whose outcome is known now",
    Topic.CLEARED: "All clear: no longer a concern",
}

_AT_PROVIDER = (Topic.ANY_DAY, Topic.DEADLINE)
"""Topics of voices that are expected to be at the provider."""


class English:
    """Messages in English."""

    colon = ": "
    semicolon = "; "
    maybe_repeat = (
        "Some of this may have been sent before: a round ended between sending and noting it."
    )
    repeat_mark = "(perhaps sent before)"
    pinned = "pinned"

    def title(self, parts: Sequence[str], accounts: Sequence[str]) -> str:
        """The title: what there is, and of which accounts where there are several."""
        of = f" ({', '.join(accounts)})" if accounts else ""
        return f"voicereg{of}: {', '.join(parts)}"

    def part(self, group: Group, now: datetime) -> str:
        """What the title says of a group."""
        count = len(group.items)
        concern = group.items[0].concern
        match group.topic:
            case Topic.ANY_DAY:
                return f"{many(count, 'voice')} may go any day"
            case Topic.DEADLINE:
                return f"{many(count, 'voice')} near deletion"
            case Topic.KEEP_ALIVE:
                return f"{many(count, 'voice')} not kept alive"
            case Topic.GONE:
                return f"{many(count, 'voice')} gone"
            case Topic.QUOTA if concern.quota and count == 1:
                full = concern.quota.level is QuotaLevel.FULL
                used = "" if full else f"{percent(concern.quota)} % "
                return f"{concern.quota.family.value} quota {used}full"
            case Topic.QUOTA:
                return f"{many(count, 'quota')} filling up"
            case Topic.RETIRING if count == 1:
                model = plain_words(concern.subject.key, 40)
                return f"{model} withdrawn {_when(group.items[0], now)}"
            case Topic.RETIRING:
                return f"{many(count, 'model')} being withdrawn"
            case Topic.UNRESOLVED:
                return f"{many(count, 'create')} unresolved"
            case Topic.REJECTED:
                return f"{many(count, 'voice')} refused by review"
            case Topic.SAFE:
                return f"{many(count, 'voice')} safe again"
            case Topic.ROOM if concern.quota and count == 1:
                return f"{concern.quota.family.value} quota has room again"
            case Topic.ROOM:
                return f"{many(count, 'quota')} with room again"
            case Topic.SETTLED:
                return f"{many(count, 'create')} settled"
            case Topic.CLEARED:
                return f"{many(count, 'concern')} cleared"

    def heading(self, topic: Topic) -> str:
        """What stands over the items of a topic."""
        return _HEADINGS[topic]

    def what(self, item: Item, topic: Topic, now: datetime) -> str:
        """What there is to say of an item."""
        concern, voice = item.concern, item.voice
        quota, deadline = concern.quota, concern.deadline_at
        if quota is not None:
            figures = (
                f"{taken(quota):,} of {quota.limit:,} slots taken ({percent(quota)} %), "
                f"{quota.remaining:,} remaining"
            )
            return f"{figures}; the figures may be out of date" if quota.stale else figures
        if topic is Topic.RETIRING and deadline is not None:
            bound = many(len(concern.voices), "voice")
            return f"withdrawn on {day(deadline)} ({_when(item, now)}), with {bound}"
        if topic in _AT_PROVIDER and voice is not None and voice.state is State.MISSING:
            return "not listed by the provider any more: probably gone"
        if topic is Topic.ANY_DAY and deadline is not None:
            return f"may go any day, since {day(deadline)}"
        if topic in (Topic.DEADLINE, Topic.KEEP_ALIVE) and deadline is not None:
            estimated = voice is not None and voice.deadline_basis is DeadlineBasis.ESTIMATED
            return f"{_left(item, now)}, until {day(deadline)}" + (
                " (estimated: the earliest possible)" if estimated else ""
            )
        if voice is None:
            return "no voice is bound to it any more" if topic is Topic.CLEARED else "no more known"
        if topic is Topic.UNRESOLVED:
            return f"sent on {day(voice.created_at)}; it may exist, and holds a slot"
        if topic is Topic.REJECTED:
            return "it can never be used, and still holds a slot"
        if voice.state in (State.EXPIRED, State.LOST):
            when = "" if voice.gone_at is None else f" since {day(voice.gone_at)}"
            how = "after its deadline" if voice.state is State.EXPIRED else "before its deadline"
            return f"gone{when}, {how}"
        if voice.state is State.DELETED:
            return "deleted on request"
        if voice.state is State.FAILED:
            return "it was never made; its slot is free"
        if topic is Topic.SAFE:
            used = voice.last_used_at
            last = "" if used is None else f"used on {day(used)}, "
            return f"{last}safe until {day(deadline or voice.deadline_at)}"
        return f"it is {voice.state.value} now"

    def account(self, written: str) -> str:
        """That it is of an account."""
        return f"account {written}"

    def owner(self, written: str) -> str:
        """That it has an owner."""
        return f"owner {written}"

    def source(self, written: str) -> str:
        """Who has used it."""
        return f"used by {written}"

    def aliases(self, written: str, count: int) -> str:
        """That it has aliases."""
        return f"{'alias' if count == 1 else 'aliases'} {written}"

    def voices(self, written: str, left_out: int) -> str:
        """Which voices it is about, and how many more."""
        return f"{written} and {left_out:,} more" if left_out else written

    def why(self, written: str) -> str:
        """What went wrong."""
        return f"why: {written}"

    def advice(self, commands: Commands, m: Markup) -> str | None:
        """What can be done about a group."""
        match commands.group.topic:
            case Topic.ANY_DAY | Topic.DEADLINE:
                use = m.code(commands.of_voice("synthesize", '"…" -o FILE'))
                pin = m.code(commands.of_voice("edit", "--pin"))
                return f"To keep it: {use} uses it, {pin} lets housekeeping keep it alive."
            case Topic.KEEP_ALIVE:
                use = m.code(commands.of_voice("synthesize", '"…" -o FILE'))
                return f"To see what is wrong, and to use it: {use}"
            case Topic.GONE:
                show = m.code(commands.of_voice("show"))
                anew = m.code(commands.of_voice("recreate"))
                return (
                    "The same description never gives the same voice again. "
                    f"On record: {show}; another in its place: {anew}"
                )
            case Topic.QUOTA:
                unused, delete = m.code(commands.list_unused()), m.code(commands.of_voice("delete"))
                return f"To make room: {unused} shows what nobody uses, {delete} frees a slot."
            case Topic.RETIRING:
                bound = m.code(commands.list_model())
                anew = m.code(commands.of_voice("recreate", "--model MODEL"))
                return f"Bound to it: {bound}; design them anew for a model that stays: {anew}"
            case Topic.UNRESOLVED:
                sync = m.code(commands.sync())
                adopt = m.code(commands.of_voice("resolve", "--adopt VOICE_ID"))
                release = m.code(commands.of_voice("resolve", "--release"))
                return (
                    f"First {sync}; what that leaves open: {adopt} if it made that voice, "
                    f"{release} if it made none."
                )
            case Topic.REJECTED:
                return f"To free the slot: {m.code(commands.of_voice('delete'))}"
            case _:
                return None

    def more(self, count: int, written: str) -> str:
        """That there are more items, and what shows them."""
        return f"… and {count:,} more: {written}"

    def left_out(self, count: int) -> str:
        """That there was no room for more items, of whatever topic."""
        return f"… and {many(count, 'notice')} more, for which there was no room here"

    def trial_title(self, channel: str) -> str:
        """The title of a test of a channel."""
        return f"voicereg: a test of channel {channel}, nothing is to be done"

    def trial(self, channel: str, registry: str, sent: str, host: str) -> Section:
        """That it is a test, from where, and that nothing is to be done."""
        return Section(
            "This is a test",
            (
                f"channel: {channel}",
                f"registry: {registry}",
                f"sent: {sent}, by voicereg doctor on {host}",
            ),
            "Nothing is to be done. Warnings of voices and quotas will come this way.",
        )


def _left(item: Item, now: datetime) -> str:
    left = item.left(now) or timedelta(0)
    if left == timedelta(0):
        return "may go any day"
    return f"{many(left.days, 'day')} left" if left.days else "less than a day left"


def _when(item: Item, now: datetime) -> str:
    left = item.left(now) or timedelta(0)
    if left == timedelta(0):
        return "by now"
    return f"in {many(left.days, 'day')}" if left.days else "in less than a day"
