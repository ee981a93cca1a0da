"""Which listed voice an unresolved create made: found only where nothing has to be guessed.

A create has no idempotency token (provider's API reference), so a voice is recognised by what it
was made from, and by when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from voicereg.domain.remote import RemoteVoice
from voicereg.domain.states import State
from voicereg.domain.voices import Origin, Voice

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the provider's clock may be from the database's."""


class Fit(IntEnum):
    """Whether a create may have made a voice."""

    NO = 0
    MAYBE = 1
    """Nothing speaks against it, but the provider does not show all that tells voices apart."""
    YES = 2


def settles_at(attempt: Voice, settle_after: timedelta) -> datetime:
    """From when a create has certainly ended, for the registry and for the provider."""
    end = attempt.created_at + settle_after
    return max(end, attempt.lease_expires_at or end)


def is_at_work(attempt: Voice, now: datetime) -> bool:
    """Whether somebody may still be working on a create."""
    return (
        attempt.state is State.CREATING
        and attempt.lease_expires_at is not None
        and attempt.lease_expires_at > now
    )


def fit(attempt: Voice, remote: RemoteVoice, settle_after: timedelta) -> Fit:
    """Whether ``attempt`` may have made ``remote``.

    Args:
        attempt: a voice that is ``creating`` or ``unresolved``.
        remote: a voice that is on no record.
        settle_after: how long a create can last.
    """
    if remote.family is not attempt.family or remote.origin is not Origin.DESIGNED:
        return Fit.NO
    language = remote.language if attempt.language is not None else None
    return min(
        _same(attempt.target_model, remote.target_model),
        _same(attempt.prompt, remote.prompt),
        _same(attempt.preview_text, remote.preview_text),
        # Ids are free-form: one that shows no name says nothing against it, and of a name that was
        # not checked it shows what comes before a dash. Neither does a missing language, which the
        # provider has a default for.
        Fit.YES if remote.name is None else _same(attempt.name.partition("-")[0], remote.name),
        Fit.YES if language is None else _same(attempt.language, language),
        _in_time(attempt, remote, settle_after),
    )


def _same(ours: str | None, theirs: str | None) -> Fit:
    if theirs is None:
        return Fit.MAYBE
    # A provider may trim a text; no two designs differ in nothing but spaces.
    return Fit.YES if (ours or "").split() == theirs.split() else Fit.NO


def _in_time(attempt: Voice, remote: RemoteVoice, settle_after: timedelta) -> Fit:
    readings = [
        reading for reading in (remote.created_at, remote.created_at_latest) if reading is not None
    ]
    if not readings:
        return Fit.MAYBE
    begin = attempt.created_at - CLOCK_TOLERANCE
    end = settles_at(attempt, settle_after) + CLOCK_TOLERANCE
    return Fit.YES if any(begin <= reading <= end for reading in readings) else Fit.NO


@dataclass(frozen=True, slots=True)
class Doubt:
    """Creates and listed voices that cannot be told apart."""

    attempts: tuple[Voice, ...]
    voices: tuple[RemoteVoice, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was found of the creates whose outcome is unknown."""

    adoptions: tuple[tuple[Voice, RemoteVoice], ...]
    doubts: tuple[Doubt, ...]
    waiting: tuple[Doubt, ...]
    """Voices that a create under way may be making, and what else it cannot be told from."""

    @property
    def surplus(self) -> int:
        """Voices beyond the slots that the creates in question hold."""
        return sum(
            max(0, len(group.voices) - len(group.attempts))
            for group in (*self.doubts, *self.waiting)
        )


def pair(
    attempts: Sequence[Voice],
    voices: Collection[RemoteVoice],
    *,
    settle_after: timedelta,
    is_open: Callable[[Voice], bool],
) -> Pairing:
    """Find what each create made.

    Args:
        attempts: the creates in question.
        voices: listed voices on no record.
        settle_after: how long a create can last.
        is_open: whether a create can be settled now: nobody works on it, and it is of the account
            that was listed.
    """
    adoptions: list[tuple[Voice, RemoteVoice]] = []
    doubts: list[Doubt] = []
    waiting: list[Doubt] = []
    for group, certain in _groups(attempts, voices, settle_after):
        if not all(is_open(attempt) for attempt in group.attempts):
            waiting.append(group)
        elif (
            not certain
            or len(group.voices) > len(group.attempts)
            or not _interchangeable(group.attempts)
        ):
            doubts.append(group)
        else:
            paired = _oldest_to_oldest(group, settle_after)
            if paired is None:
                doubts.append(group)
            else:
                adoptions += paired
    return Pairing(tuple(adoptions), tuple(doubts), tuple(waiting))


def _groups(
    attempts: Sequence[Voice], voices: Collection[RemoteVoice], settle_after: timedelta
) -> Iterator[tuple[Doubt, bool]]:
    """Creates and voices that hang together by what fits, and whether every fit is certain."""
    fits = {
        attempt.id: {
            voice.voice_id: (voice, found)
            for voice in voices
            if (found := fit(attempt, voice, settle_after)) is not Fit.NO
        }
        for attempt in attempts
    }
    left = {attempt.id: attempt for attempt in attempts if fits[attempt.id]}
    while left:
        members = [left.pop(next(iter(left)))]
        shared = dict(fits[members[0].id])
        while near := [one for one in left.values() if not shared.keys().isdisjoint(fits[one.id])]:
            for attempt in near:
                members.append(left.pop(attempt.id))
                shared |= fits[attempt.id]
        certain = all(
            found is Fit.YES for member in members for _, found in fits[member.id].values()
        )
        yield (
            Doubt(
                tuple(sorted(members, key=lambda one: (one.created_at, one.id))),
                tuple(voice for voice, _ in shared.values()),
            ),
            certain,
        )


def _interchangeable(attempts: Sequence[Voice]) -> bool:
    """Whether the creates are alike in everything that the user gave."""
    first = _given(attempts[0])
    return all(_given(attempt) == first for attempt in attempts[1:])


def _given(attempt: Voice) -> tuple[object, ...]:
    return (
        attempt.account,
        attempt.target_model,
        attempt.name,
        attempt.prompt,
        attempt.preview_text,
        attempt.language,
        attempt.sample_rate,
        attempt.response_format,
        attempt.pinned,
        attempt.owner,
        attempt.note,
        attempt.replaces,
        dict(attempt.tags),
    )


def _oldest_to_oldest(
    group: Doubt, settle_after: timedelta
) -> list[tuple[Voice, RemoteVoice]] | None:
    """Each voice with the oldest create left that fits it; None where one is left over."""
    left = list(group.attempts)
    paired: list[tuple[Voice, RemoteVoice]] = []
    for voice in sorted(group.voices, key=_made_at):
        attempt = next((one for one in left if fit(one, voice, settle_after) is Fit.YES), None)
        if attempt is None:
            return None
        left.remove(attempt)
        paired.append((attempt, voice))
    return paired


def _made_at(voice: RemoteVoice) -> tuple[bool, datetime | None, str]:
    return voice.created_at is None, voice.created_at, voice.voice_id
