"""What one listing means for the registry: a plan, made without touching either.

What a listing shows is believed at once; what it does not show only with care. A listing that lags,
is cut, or is another account's must not make the registry forget a voice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from voicereg.domain.attempts import Doubt, Fit, fit, is_at_work, pair, settles_at
from voicereg.domain.families import Family
from voicereg.domain.remote import RemoteVoice
from voicereg.domain.rules import RULES
from voicereg.domain.states import State
from voicereg.domain.syncs import ChangeKind
from voicereg.domain.trust import PROOF_LISTINGS, PROOF_SPAN
from voicereg.domain.voices import Origin, Voice

_MADE = frozenset({State.PENDING, State.ACTIVE, State.REJECTED})
_LISTED = _MADE | {State.MISSING, State.DELETING}
"""A voice in one of these ought to be listed, or was so until lately."""
RELEASE_LISTINGS = 2
"""Complete listings without a voice that fits, before a create counts as failed."""


@dataclass(frozen=True, slots=True)
class Absence:
    """How often in a row complete listings have not shown a voice."""

    since: datetime
    """When the first of them had been read: from then on at the latest it was not there."""
    listings: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the registry held of an account's family at one moment."""

    taken_at: datetime
    voices: Mapping[str, Voice]
    """The account's voices that are not gone, by registry id."""
    attempts: tuple[Voice, ...]
    """The creates of the whole quota group whose outcome is not known."""
    absences: Mapping[str, Absence]

    def scope(self, origins: frozenset[Origin]) -> list[Voice]:
        """The voices that a listing of such origins ought to show."""
        return [
            voice
            for voice in self.voices.values()
            if voice.origin in origins and voice.state in _LISTED
        ]


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the provider's listings, read to its end."""

    account: str
    family: Family
    origins: frozenset[Origin]
    """What it shows."""
    voices: Mapping[str, RemoteVoice]
    """By the provider's id."""
    before: Snapshot
    """What the registry held before the first page was asked for."""

    def scope(self) -> list[Voice]:
        """The known voices that it ought to show."""
        return self.before.scope(self.origins)

    def absent(self) -> list[Voice]:
        """The known voices that it does not show."""
        return [voice for voice in self.scope() if voice.voice_id not in self.voices]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long what is under way can last."""

    settle_after: timedelta
    longest_delete: timedelta


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a record."""

    kind: ChangeKind
    voice: Voice
    """The record as the plan found it."""
    values: Mapping[str, Any]
    why: str

    def still_fits(self, current: Voice) -> bool:
        """Whether the record is as the plan found it."""
        return _unchanged(self.voice, current)


@dataclass(slots=True)
class Plan:
    """What is to be done, and what is not."""

    imports: list[RemoteVoice] = field(default_factory=list)
    """Listed voices on no record, which get one."""
    steps: list[Step] = field(default_factory=list)
    absences: dict[str, Absence | None] = field(default_factory=dict)
    """What to note of voices by registry id; None: that they were seen."""
    unproved: list[Voice] = field(default_factory=list)
    """Absent voices that are left as they are: their absence is not proved."""
    doubts: tuple[Doubt, ...] = ()
    surplus: int = 0
    """Listed voices on no record, beyond the slots of the creates that may have made them."""

    def seen(self, voice: Voice, now: Snapshot) -> None:
        """Forget that earlier listings did not show a voice."""
        if voice.id in now.absences:
            self.absences[voice.id] = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was learnt beyond the listing itself."""

    recorded: Mapping[str, Voice]
    """The listed ids that are on record in the quota group, gone ones and other accounts' too."""
    trusted: bool
    """Whether absences count as they are: the listing is not suspicious, or the user says so."""
    proofs: Mapping[str, bool]
    """Of voices asked for, by registry id: whether the provider knows them no more."""
    blank: bool = False
    """Whether nothing of the account was seen anywhere, so that a query proves little."""


def make_plan(listed: Listed, now: Snapshot, evidence: Evidence, timing: Timing) -> Plan:
    """What a listing means for the registry as it is now.

    What changed while the listing was read is left to the next sync: the listing may be older.

    Args:
        listed: what the provider shows, and what the registry held before.
        now: what the registry holds.
        evidence: what else is known.
        timing: how long creates and deletes can last.
    """
    plan = Plan()
    for voice_id, remote in listed.voices.items():
        if (record := evidence.recorded.get(voice_id)) is not None:
            _present(plan, listed, now, record, remote, timing)
    for voice in listed.absent():
        current = now.voices.get(voice.id)
        if (
            current is not None
            and _unchanged(voice, current)
            and not _spoke_since(current, listed.before.taken_at)
        ):
            # As it is now: a use that was written meanwhile has moved its deadline.
            _absent(plan, now, current, listed, evidence)
    _unknown(plan, listed, now, evidence, timing)
    return plan


def unfound(listed: Listed, timing: Timing) -> list[Voice]:
    """The account's creates that can be settled, and that no listed voice fits."""
    known = {voice.voice_id for voice in listed.before.voices.values()}
    return [
        attempt
        for attempt in listed.before.attempts
        if attempt.account == listed.account
        and Origin.DESIGNED in listed.origins
        and settles_at(attempt, timing.settle_after) <= listed.before.taken_at
        and not any(
            fit(attempt, remote, timing.settle_after)
            for voice_id, remote in listed.voices.items()
            if voice_id not in known
        )
    ]


def in_doubt(listed: Listed, recorded: Set[str], timing: Timing) -> list[RemoteVoice]:
    """Listed voices on no record that an attempt may have made, and that show too little to say."""
    return [
        remote
        for voice_id, remote in listed.voices.items()
        if voice_id not in recorded
        and any(
            fit(attempt, remote, timing.settle_after) is Fit.MAYBE
            for attempt in listed.before.attempts
        )
    ]


def _spoke_since(voice: Voice, moment: datetime) -> bool:
    """Whether a voice was used after a moment: then it was there, whatever a listing shows."""
    return voice.last_used_at is not None and voice.last_used_at > moment


def _unchanged(before: Voice, now: Voice | None) -> bool:
    return now is not None and (
        before.state,
        before.voice_id,
        before.delete_asked_at,
        before.gone_at,
    ) == (now.state, now.voice_id, now.delete_asked_at, now.gone_at)


def _present(
    plan: Plan,
    listed: Listed,
    now: Snapshot,
    record: Voice,
    remote: RemoteVoice,
    timing: Timing,
) -> None:
    """A listed voice that is on record."""
    before = listed.before.voices.get(record.id)
    if record.state.is_gone or (record.account != listed.account and before is None):
        _returned(plan, listed, record, remote, timing)
        return
    if before is None or not _unchanged(before, record):
        return
    plan.seen(record, now)
    values = _told(record, remote)
    state = remote.state
    why = "what the provider's listing shows of it"
    if record.state is State.MISSING:
        values["state"] = remote.new_state
        why = "the provider lists it again"
    elif record.state is State.DELETING:
        asked_at = record.delete_asked_at
        if asked_at is None or asked_at + timing.longest_delete > listed.before.taken_at:
            return  # the delete may be under way
        values["state"] = state or record.state_before_delete
        why = "the provider still lists it: the delete came to nothing"
    elif state is not None and state is not record.state:
        values["state"] = state
        why = f"the provider's review: {remote.status}"
    values = {name: value for name, value in values.items() if getattr(record, name) != value}
    if values:
        plan.steps.append(Step(ChangeKind.REFRESHED, record, values, why))


def _returned(
    plan: Plan, listed: Listed, record: Voice, remote: RemoteVoice, timing: Timing
) -> None:
    """A listed voice that counts as gone, or that another account of the quota group misses."""
    if record.id in listed.before.voices:
        return  # it went while the listing was read
    if not record.state.is_gone and record.state is not State.MISSING:
        return  # the other account's own sync looks after it
    if (
        record.state is State.DELETED
        and record.gone_at is not None
        and record.gone_at + timing.settle_after > listed.before.taken_at
    ):
        return  # deleted so lately that the listing may lag
    values = _told(record, remote) | {"state": remote.new_state}
    plan.absences[record.id] = None
    plan.steps.append(Step(ChangeKind.REFRESHED, record, values, "the provider lists it again"))


def _told(record: Voice, remote: RemoteVoice) -> dict[str, Any]:
    """What the provider tells and the record lacks; its word on the model is the last."""
    values: dict[str, Any] = {}
    if remote.target_model is not None:
        values["target_model"] = remote.target_model
    for name in ("prompt", "preview_text", "language"):
        if getattr(record, name) is None and getattr(remote, name) is not None:
            values[name] = getattr(remote, name)
    return values


def _absent(plan: Plan, now: Snapshot, voice: Voice, listed: Listed, evidence: Evidence) -> None:
    """A known voice that the listing does not show."""
    began_at = listed.before.taken_at
    absence = _once_more(voice, listed, now)
    if not evidence.trusted and not _proved(voice, absence, began_at, evidence):
        plan.unproved.append(voice)
        if evidence.proofs.get(voice.id, voice.origin not in RULES[voice.family].queried):
            plan.absences[voice.id] = absence  # more listings can prove it
        return
    plan.absences[voice.id] = absence
    if voice.state is State.DELETING:
        step = (ChangeKind.GONE, State.DELETED, "the delete had been carried out")
    elif voice.state is not State.MISSING:
        step = (ChangeKind.MISSING, State.MISSING, "the provider does not list it any more")
    elif absence.since >= voice.deadline_at:
        step = (ChangeKind.GONE, State.EXPIRED, "not listed again, after its deadline")
    else:
        step = (ChangeKind.GONE, State.LOST, "not listed again, before its deadline")
    kind, state, why = step
    if state.is_gone:
        plan.absences[voice.id] = None
    values = {"state": state, "state_reason": why}
    plan.steps.append(Step(kind, voice, values, why))


def _once_more(voice: Voice, listed: Listed, now: Snapshot) -> Absence:
    """An absence with this listing counted."""
    earlier = now.absences.get(voice.id)
    if earlier is None:
        return Absence(now.taken_at, 1)
    if earlier != listed.before.absences.get(voice.id):
        return earlier  # counted while this was read: two syncs at once are one listing
    return replace(earlier, listings=earlier.listings + 1)


def _proved(voice: Voice, absence: Absence, now: datetime, evidence: Evidence) -> bool:
    for_long = absence.listings >= PROOF_LISTINGS and now - absence.since >= PROOF_SPAN
    if voice.id in evidence.proofs:
        # With another account's key every query says so: nothing is given up on that alone.
        suffices = not evidence.blank or voice.state in _MADE or for_long
        return evidence.proofs[voice.id] and suffices
    if voice.origin in RULES[voice.family].queried:
        return False
    return for_long


def _unknown(plan: Plan, listed: Listed, now: Snapshot, evidence: Evidence, timing: Timing) -> None:
    """Listed voices on no record, and the creates that may have made them."""
    unknown = {
        voice_id: remote
        for voice_id, remote in listed.voices.items()
        if voice_id not in evidence.recorded
    }
    earlier = {attempt.id: attempt for attempt in listed.before.attempts}

    def is_open(attempt: Voice) -> bool:
        before = earlier.get(attempt.id)
        return (
            before is not None
            and _unchanged(before, attempt)
            and attempt.account == listed.account
            and not is_at_work(before, listed.before.taken_at)
        )

    # Only designs are created here: a listing of clones says nothing of a create.
    attempts = now.attempts if Origin.DESIGNED in listed.origins else ()
    found = pair(attempts, unknown.values(), settle_after=timing.settle_after, is_open=is_open)
    plan.doubts = found.doubts + tuple(
        group for group in found.waiting if _is_for_nobody(group, listed, is_open, timing)
    )
    plan.surplus = found.surplus
    for attempt, remote in found.adoptions:
        values = {
            "state": remote.new_state,
            "voice_id": remote.voice_id,
            "target_model": remote.target_model or attempt.target_model,
        }
        why = "listed by the provider, and made from the same design at that time"
        plan.seen(attempt, now)
        plan.steps.append(Step(ChangeKind.ADOPTED, attempt, values, why))
    taken = {remote.voice_id for _, remote in found.adoptions}
    held = {remote.voice_id for group in (*found.doubts, *found.waiting) for remote in group.voices}
    plan.imports += [
        remote
        for voice_id, remote in unknown.items()
        if voice_id not in taken and voice_id not in held
    ]
    adopted = {attempt.id for attempt, _ in found.adoptions}
    fitted = {attempt.id for group in (*found.doubts, *found.waiting) for attempt in group.attempts}
    for attempt in attempts:
        if is_open(attempt) and attempt.id not in adopted:
            _outstanding(plan, listed, now, attempt, attempt.id in fitted, evidence, timing)


def _is_for_nobody(
    group: Doubt, listed: Listed, is_open: Callable[[Voice], bool], timing: Timing
) -> bool:
    """Whether other accounts' creates keep these waiting, and no account's sync settles them.

    With creates of several accounts none can; those of another account alone its own sync settles,
    soon after they have ended.
    """
    now = listed.before.taken_at
    others = [attempt for attempt in group.attempts if attempt.account != listed.account]
    ours = [attempt for attempt in group.attempts if attempt.account == listed.account]
    if not others or not all(is_open(attempt) for attempt in ours):
        return False
    if ours:
        return not any(is_at_work(attempt, now) for attempt in others)
    return all(settles_at(attempt, timing.settle_after) <= now for attempt in others)


def _outstanding(
    plan: Plan,
    listed: Listed,
    now: Snapshot,
    attempt: Voice,
    fitted: bool,
    evidence: Evidence,
    timing: Timing,
) -> None:
    """A create that no listed voice was paired with, and that nobody works on."""
    began_at = listed.before.taken_at
    if fitted:
        plan.seen(attempt, now)
    elif began_at >= settles_at(attempt, timing.settle_after) and (
        evidence.trusted or all(evidence.proofs.get(voice.id) for voice in listed.absent())
    ):
        absence = _once_more(attempt, listed, now)
        if absence.listings >= RELEASE_LISTINGS:
            why = f"{absence.listings} complete listings show no voice that it can have made"
            plan.seen(attempt, now)
            values = {"state": State.FAILED, "state_reason": why}
            plan.steps.append(Step(ChangeKind.RELEASED, attempt, values, why))
            return
        plan.absences[attempt.id] = absence
    if attempt.state is State.CREATING:
        why = "nobody has been heard of who was at work on it"
        values = {"state": State.UNRESOLVED, "state_reason": why}
        plan.steps.append(Step(ChangeKind.LAPSED, attempt, values, why))
