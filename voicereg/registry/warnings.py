"""What stands that is to be warned of, and what each channel is told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from voicereg.domain import concerns as of
from voicereg.domain.concerns import Concern, ConcernKind, Subject
from voicereg.domain.families import Family
from voicereg.domain.filters import SortField, VoiceFilter
from voicereg.domain.keep_alive import KeptAlive, is_to_stay
from voicereg.domain.ledger import (
    Aftermath,
    Intent,
    Plan,
    Told,
    after_a_crash,
    after_delivery,
    make_plan,
)
from voicereg.domain.messages import Message, Outcome
from voicereg.domain.quotas import QuotaLevel
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.context import Context
from voicereg.registry.leases import Lease, Leases
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent
from voicereg.registry.texts import mended
from voicereg.settings import ChannelSettings
from voicereg.store import accounts, voice_queries, voices, warnings

if TYPE_CHECKING:
    from voicereg.domain.accounts import Account

_STANDING = frozenset({State.PENDING, State.ACTIVE, State.MISSING})
_TOLD_OF = frozenset({State.REJECTED, State.CREATING, State.UNRESOLVED})


class Warnings:
    """Finds what is to be warned of, and remembers what was."""

    def __init__(self, context: Context, quotas: Quotas, leases: Leases) -> None:
        self._context = context
        self._quotas = quotas
        self._leases = leases

    @idempotent
    def concerns(self, account: str, kept: KeptAlive | None) -> list[Concern]:
        """Everything that stands of an account, the grade of each.

        Args:
            account: its name.
            kept: how its voices that are to stay were kept alive; None: nobody tried.
        """
        with self._context.database.read() as connection:
            now = self._context.database.now(connection)
            owner = self._context.account(connection, account)
            return [
                *self._of_deadlines(connection, owner, kept, now),
                *self._of_states(connection, owner, now),
                *self._of_models(connection, owner, now),
                *self._of_quotas(connection, owner),
            ]

    @idempotent
    def prepare(
        self,
        channel: ChannelSettings,
        concerns: Iterable[Concern],
        kept: Mapping[str, KeptAlive | None],
        lease: Lease | None,
    ) -> Message | None:
        """What is new to a channel, noted before it is sent.

        Args:
            channel: whom it is for.
            concerns: all that stands of the accounts.
            kept: the accounts by name, and how their voices were kept alive.
            lease: of the round that tells; None: nothing is told, and nothing noted.

        Returns:
            The message; None where there is nothing new.

        Raises:
            LeaseHeld: another round has taken over.
        """
        database = self._context.database
        if lease is None:
            with database.read() as connection:
                now = database.now(connection)
                left = warnings.unsettled(connection, channel.name)
                told = self._told(connection, channel, kept)
                told |= _uncertain(told, left, self._are_of(connection, kept))
                plan = self._plan(connection, channel, concerns, told, kept, now)
                return self._message(channel, plan, now)
        with database.write() as connection:
            self._leases.check(connection, lease)
            now = database.now(connection)
            ids = self._ids(connection)
            told = self._told(connection, channel, kept)
            left = warnings.unsettled(connection, channel.name)
            if left:
                # A round died: what it was sending may have arrived.
                unsure = _uncertain(told, left, lambda subject: subject.account in ids)
                warnings.put(connection, channel.name, unsure.values(), ids, now)
                warnings.settle(connection, left, Outcome.UNKNOWN, None, now)
                told = self._told(connection, channel, kept)
            plan = self._plan(connection, channel, concerns, told, kept, now)
            warnings.put(connection, channel.name, plan.rearmed, ids, now)
            warnings.forget(connection, channel.name, plan.forgotten, ids)
            message = self._message(channel, plan, now)
            if message is not None:
                intents = [Intent.of(item) for item in message.items]
                warnings.intend(connection, message.id, channel.name, intents, now)
            return message

    def settle(self, message: Message, error: str | None) -> None:
        """Note that a message was delivered, or why it was not."""
        self._context.patiently(lambda: self._settle(message, error))

    @idempotent
    def _settle(self, message: Message, error: str | None) -> None:
        outcome = Outcome.SENT if error is None else Outcome.FAILED
        with self._context.database.write() as connection:
            now = self._context.database.now(connection)
            why = None if error is None else mended(error)
            warnings.settle(connection, [message.id], outcome, why, now)
            if outcome is Outcome.SENT:
                ids = self._ids(connection)
                told, forgotten = after_delivery(Intent.of(item) for item in message.items)
                warnings.put(connection, message.channel, told, ids, now)
                warnings.forget(connection, message.channel, forgotten, ids)

    def _of_deadlines(
        self, connection: sa.Connection, owner: Account, kept: KeptAlive | None, now: datetime
    ) -> list[Concern]:
        marks = self._context.settings.warn.marks
        horizon = max(timedelta(days=max(marks)), self._context.settings.keep_alive.within)
        near = VoiceFilter(states=_STANDING, due_by=now + horizon)
        found = []
        for voice in voice_queries.select(connection, [owner.id], near, sort=SortField.DEADLINE):
            if kept is not None and voice.id in kept.failed:
                why = kept.failed[voice.id]
                found.append(of.of_failed_keep_alive(voice, now, why, marks))
            elif not self._is_seen_to(voice, kept, now):
                concern = of.of_deadline(voice, now, marks)
                found += [] if concern is None else [concern]
        return found

    def _is_seen_to(self, voice: Voice, kept: KeptAlive | None, now: datetime) -> bool:
        """Whether rounds keep a voice alive, so that there is nothing to warn of."""
        settings = self._context.settings.keep_alive
        if (
            kept is None
            or settings.daily_limit == 0
            or voice.state is not State.ACTIVE
            or voice.id in kept.left_out
        ):
            return False
        return is_to_stay(voice, settings.rules)

    def _of_states(self, connection: sa.Connection, owner: Account, now: datetime) -> list[Concern]:
        told_of = voice_queries.select(connection, [owner.id], VoiceFilter(states=_TOLD_OF))
        gone = voice_queries.gone_since(connection, owner.id, now - of.GONE_NEWS_FOR)
        return [concern for voice in [*told_of, *gone] if (concern := of.of_state(voice, now))]

    def _of_models(self, connection: sa.Connection, owner: Account, now: datetime) -> list[Concern]:
        marks = self._context.settings.warn.marks
        found = []
        for retiring in self._context.settings.retiring:
            bound = voice_queries.select(
                connection,
                [owner.id],
                VoiceFilter(states=_STANDING, target_model=retiring.model),
                sort=SortField.NAME,
            )
            concern = of.of_retiring(owner.name, retiring.model, retiring.on, bound, now, marks)
            found += [] if concern is None else [concern]
        return found

    def _of_quotas(self, connection: sa.Connection, owner: Account) -> list[Concern]:
        # A quota is one, however many accounts share it: it goes by the first of their names,
        # whichever of them are looked at.
        sharing = self._sharing(connection, owner)
        first = self._context.account(connection, sharing[0])
        quotas = self._quotas.of(connection, first).values()
        return [concern for quota in quotas if (concern := of.of_quota(quota, sharing))]

    def _ids(self, connection: sa.Connection) -> dict[str, int]:
        return accounts.ids(connection)

    def _told(
        self, connection: sa.Connection, channel: ChannelSettings, names: Collection[str]
    ) -> dict[Subject, Told]:
        are_theirs = self._are_of(connection, names)
        everyone = {number: name for name, number in self._ids(connection).items()}
        told = warnings.told(connection, channel.name, everyone)
        return {subject: one for subject, one in told.items() if are_theirs(subject)}

    def _are_of(
        self, connection: sa.Connection, names: Collection[str]
    ) -> Callable[[Subject], bool]:
        """What tells whether a subject is one of some accounts; a quota is of all who share it."""
        groups = accounts.groups(connection)
        theirs = {groups[name] for name in names if name in groups}

        def is_theirs(subject: Subject) -> bool:
            if subject.kind is ConcernKind.QUOTA:
                return groups.get(subject.account) in theirs
            return subject.account in names

        return is_theirs

    def _plan(
        self,
        connection: sa.Connection,
        channel: ChannelSettings,
        concerns: Iterable[Concern],
        told: Mapping[Subject, Told],
        kept: Mapping[str, KeptAlive | None],
        now: datetime,
    ) -> Plan:
        def cleared(subject: Subject) -> Concern | Aftermath:
            if subject.kind is ConcernKind.QUOTA:
                return self._cleared_quota(connection, subject)
            voice = voices.get(connection, subject.key)
            if voice is None:
                return Aftermath.FORGET
            return self._cleared_voice(subject, voice, kept[subject.account], now)

        return make_plan(concerns, told, channel.rule, cleared)

    def _cleared_quota(self, connection: sa.Connection, subject: Subject) -> Concern | Aftermath:
        owner = self._context.account(connection, subject.account)
        quota = self._quotas.of(connection, owner)[Family(subject.key)]
        if quota.level is not QuotaLevel.OK:
            # The account came into a group whose quota is told of under another one's name.
            return Aftermath.FORGET
        return Concern(subject, 0, quota=quota, shared_by=self._sharing(connection, owner))

    def _sharing(self, connection: sa.Connection, owner: Account) -> tuple[str, ...]:
        """The names of the accounts with the same quota, sorted."""
        return tuple(accounts.sharing(connection, owner.quota_group_id))

    def _cleared_voice(
        self, subject: Subject, voice: Voice, kept: KeptAlive | None, now: datetime
    ) -> Concern | Aftermath:
        clear = Concern(subject, 0, voice.deadline_at, (voice,), why=voice.state_reason)
        if subject.kind is ConcernKind.UNRESOLVED:
            settled = voice.state in _STANDING or voice.state is State.FAILED
            return clear if settled else Aftermath.FORGET
        if subject.kind is ConcernKind.GONE:
            # It was told to be gone, and is listed again.
            return clear if voice.state in _STANDING else Aftermath.FORGET
        if subject.kind not in (ConcernKind.DEADLINE, ConcernKind.KEEP_ALIVE):
            return Aftermath.FORGET
        if voice.state is State.DELETING:
            return Aftermath.WAIT
        if voice.state not in _STANDING:
            return Aftermath.FORGET
        left = voice.deadline_at - now
        if of.tightest_mark(left, self._context.settings.warn.marks) is None:
            return clear
        settings = self._context.settings.keep_alive
        if subject.kind is ConcernKind.KEEP_ALIVE:
            if left > settings.within:
                return clear
            # Not tried this time: it may still be in danger.
            is_kept = is_to_stay(voice, settings.rules) and settings.daily_limit
            return Aftermath.WAIT if is_kept else Aftermath.FORGET
        if kept is not None and voice.id in kept.failed:
            return Aftermath.FORGET
        return clear if self._is_seen_to(voice, kept, now) else Aftermath.FORGET

    def _message(self, channel: ChannelSettings, plan: Plan, now: datetime) -> Message | None:
        if not plan.items:
            return None
        items = sorted(plan.items, key=lambda item: item.urgency(now))
        return Message(self._context.new_id(), channel.name, now, tuple(items))


def _uncertain(
    told: Mapping[Subject, Told],
    left: Mapping[str, Sequence[Intent]],
    are_known: Callable[[Subject], bool],
) -> dict[Subject, Told]:
    """What messages without an outcome may have told of some subjects."""
    unsure: dict[Subject, Told] = {}
    for intents in left.values():
        for one in after_a_crash({**told, **unsure}, intents):
            if are_known(one.subject):
                unsure[one.subject] = one
    return unsure
