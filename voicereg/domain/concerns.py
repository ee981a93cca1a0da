"""What is to be warned of: voices near their deletion, quotas that fill up, and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from voicereg.domain.quotas import Quota, QuotaLevel
from voicereg.domain.states import State
from voicereg.domain.voices import Voice

ANY_DAY = 0
"""The mark of a voice past its deadline."""
ANNOUNCED = 100_000
"""The grade of what was found out before its first mark."""
GONE_NEWS_FOR = timedelta(days=30)
"""For how long it is news that a voice is gone: a channel that is new hears of no older ones."""
UNRESOLVED_FOR = timedelta(days=1)
"""How long a create may be unresolved before that is told of."""


class ConcernKind(StrEnum):
    """What a warning is about."""

    KEEP_ALIVE = "keep_alive"
    """A voice that is to stay, and could not be kept alive."""
    DEADLINE = "deadline"
    """A voice that nothing has used for long."""
    GONE = "gone"
    """A voice that the provider has no more."""
    QUOTA = "quota"
    """A family whose slots run out."""
    RETIRING = "retiring"
    """A target model that is being withdrawn, with all voices bound to it."""
    UNRESOLVED = "unresolved"
    """A create whose outcome has been unknown for a day."""
    REJECTED = "rejected"
    """A voice that the provider's review refused, and that takes a slot."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a concern is about, the same from round to round."""

    account: str
    kind: ConcernKind
    key: str
    """The registry id of a voice; a family; a target model."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that stands, and that is to be warned of once for each grade."""

    subject: Subject
    grade: int
    """The smaller, the more urgent: news when it is smaller than what was told last."""
    deadline_at: datetime | None = None
    """When harm is done, where that is known."""
    voices: Sequence[Voice] = ()
    """The voice, or those that are bound to a model."""
    quota: Quota | None = None
    shared_by: Sequence[str] = ()
    """The accounts whose quota it is."""
    why: str | None = None
    """What went wrong, where something did."""

    @property
    def mark(self) -> int | None:
        """How many days before its deadline this is a warning of; 0: it may happen any day."""
        if self.subject.kind in _MARKED and self.grade != ANNOUNCED:
            return self.grade
        return None


_MARKED = frozenset({ConcernKind.DEADLINE, ConcernKind.RETIRING})
_WITH_DEADLINE = frozenset({State.PENDING, State.ACTIVE, State.MISSING})
_LEVELS = {QuotaLevel.WARNING: 2, QuotaLevel.CRITICAL: 1, QuotaLevel.FULL: 0}


def tightest_mark(left: timedelta, marks: Sequence[int]) -> int | None:
    """The mark that so much time is within; None: it is further away than all of them."""
    if left <= timedelta(0):
        return ANY_DAY
    return min((mark for mark in marks if left <= timedelta(days=mark)), default=None)


def of_deadline(voice: Voice, now: datetime, marks: Sequence[int]) -> Concern | None:
    """That a voice nears its deletion."""
    if voice.state not in _WITH_DEADLINE:
        return None
    mark = tightest_mark(voice.deadline_at - now, marks)
    if mark is None:
        return None
    subject = Subject(voice.account, ConcernKind.DEADLINE, voice.id)
    return Concern(subject, mark, voice.deadline_at, (voice,))


def of_failed_keep_alive(
    voice: Voice, now: datetime, why: str, marks: Sequence[int] = ()
) -> Concern:
    """That a voice could not be kept alive: told again every day while it is pinned, and at each
    mark while only a rule names it."""
    subject = Subject(voice.account, ConcernKind.KEEP_ALIVE, voice.id)
    mark = tightest_mark(voice.deadline_at - now, marks)
    grade = ANNOUNCED if mark is None else mark
    if voice.pinned:
        grade = -now.toordinal()
    return Concern(subject, grade, voice.deadline_at, (voice,), why=why)


def of_state(voice: Voice, now: datetime) -> Concern | None:
    """That a voice was refused, is gone, or that nobody knows whether it was made."""
    kind = {
        State.REJECTED: ConcernKind.REJECTED,
        State.EXPIRED: ConcernKind.GONE,
        State.LOST: ConcernKind.GONE,
        State.CREATING: ConcernKind.UNRESOLVED,
        State.UNRESOLVED: ConcernKind.UNRESOLVED,
    }.get(voice.state)
    if kind is ConcernKind.GONE and now - (voice.gone_at or now) > GONE_NEWS_FOR:
        return None
    if kind is ConcernKind.UNRESOLVED and now - voice.created_at < UNRESOLVED_FOR:
        return None
    if kind is None:
        return None
    return Concern(
        Subject(voice.account, kind, voice.id), 0, None, (voice,), why=voice.state_reason
    )


def of_quota(quota: Quota, shared_by: Sequence[str] = ()) -> Concern | None:
    """That a family's slots run out."""
    grade = _LEVELS.get(quota.level)
    if grade is None:
        return None
    subject = Subject(quota.account, ConcernKind.QUOTA, quota.family.value)
    return Concern(subject, grade, quota=quota, shared_by=shared_by)


def of_retiring(
    account: str,
    model: str,
    on: date,
    voices: Sequence[Voice],
    now: datetime,
    marks: Sequence[int],
) -> Concern | None:
    """That a target model is withdrawn on a date, and takes voices along; told at once."""
    if not voices:
        return None
    withdrawn_at = datetime(on.year, on.month, on.day, tzinfo=now.tzinfo)
    mark = tightest_mark(withdrawn_at - now, marks)
    subject = Subject(account, ConcernKind.RETIRING, model)
    return Concern(subject, ANNOUNCED if mark is None else mark, withdrawn_at, voices)
