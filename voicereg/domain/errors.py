"""Everything that can go wrong, as data.

The tree::

    VoiceregError
    ├── InvalidInput           what was asked for breaks a rule
    ├── KeyMissing             the account's environment variable is not set
    ├── QuotaExceeded          here, or by the provider's word
    ├── VoiceNotFound, AccountNotFound, AliasNotFound, NoPreview
    ├── UsesReadElsewhere      another program reads the same file of uses
    ├── AmbiguousVoice         a beginning that several voices share
    ├── AccountRejected        an account that cannot be added, changed or removed
    ├── VoiceProtected         pinned: not deleted without force
    ├── StateConflict          the voice's state does not allow it
    │   └── KeyTaken           the key of a manifest has its voice already
    ├── CreateUnresolved       nobody knows whether the voice was made
    ├── ConfirmNotRecorded     the voice was made, and could not be noted
    ├── DeleteUnconfirmed      nobody knows whether the voice was deleted
    ├── ReviewRefused          made, and refused by the provider's review
    ├── DeliveryFailed         a channel did not take a message
    ├── HeartbeatFailed        whoever waits for a sign of life did not get it
    ├── ExtraMissing           it needs a package that is installed on request
    ├── LeaseHeld              another process is at the same work
    ├── ProviderProblem        see voicereg.domain.provider_errors
    └── DatabaseProblem
        ├── DatabaseUnusable   cannot be opened, read or written
        │   └── DatabaseLost   the connection broke in the middle of something
        ├── DatabaseBusy       another writer held it for too long
        ├── LimitMissing       a quota group has no limit: somebody has deleted it
        └── SchemaMismatch     made by an older or a newer version, or not set up

Each carries ids and limits as attributes. ``str(error)`` says what happened and what is unharmed;
``error.advice`` says what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicereg.domain.clock import rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from voicereg.domain.audio import PreviewAudio
    from voicereg.domain.families import Family
    from voicereg.domain.states import State
    from voicereg.domain.voices import Voice


class VoiceregError(Exception):
    """The root of everything that voicereg raises on purpose."""

    advice: str | None = None
    """What to do next, in a sentence; None where the message says it all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that was broken."""

    where: str
    """The option, field or line that broke it."""
    value: str
    """What was given."""
    rule: str
    """What the rule is, or how the value breaks it."""

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 60 else self.value[:57] + "..."
        return f"{self.where}: {self.rule}" + (f" (given: {shown})" if shown else "")


class InvalidInput(VoiceregError):
    """What was asked for breaks a rule. Nothing was changed and nothing was sent."""

    def __init__(self, *problems: Problem, advice: str | None = None) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
        self.advice = advice


class KeyMissing(VoiceregError):
    """The environment variable that an account names is not set. Nothing was sent."""

    def __init__(self, account: str, variable: str) -> None:
        super().__init__(f"no API key for account {account}: {variable} is not set")
        self.account = account
        self.variable = variable
        self.advice = f"put the key into the environment variable {variable}, and try again"


class QuotaExceeded(VoiceregError):
    """A family's quota does not hold what was asked for. No slot was taken."""

    def __init__(
        self,
        *,
        family: Family,
        quota_group: str,
        limit: int,
        used: int,
        needed: int,
        unresolved: int = 0,
        unseen: int = 0,
        synced_at: datetime | None = None,
        longest_idle: Sequence[Voice] = (),
        by_provider: bool = False,
        request_id: str | None = None,
    ) -> None:
        compared = (
            "was never compared with the provider"
            if synced_at is None
            else f"was last compared with the provider at {rfc3339(synced_at)}"
        )
        if by_provider:
            what = (
                f"the provider says that the {family.value} quota is full, though the registry, "
                f"which {compared}, counts {used} of {limit}; nothing was created"
            )
        else:
            slots = "a slot" if needed == 1 else f"{needed} slots"
            taken = f"{used} of {limit} used"
            if unseen:
                taken += f" and {unseen} taken unseen, by the provider's word"
            what = (
                f"the {family.value} quota of {quota_group} has no room for {slots}: "
                f"{taken}, {max(0, limit - used - unseen)} remaining; no slot was taken"
            )
            if unseen:
                what += f" (the registry {compared})"
        super().__init__(what)
        self.family = family
        self.quota_group = quota_group
        self.limit = limit
        self.used = used
        self.needed = needed
        self.unresolved = unresolved
        self.unseen = unseen
        """Slots that the provider says are taken, and that no voice on record stands for."""
        self.synced_at = synced_at
        """When the registry was last compared with the provider; None: never."""
        self.longest_idle = tuple(longest_idle)
        """The voices unused for the longest, pinned ones left out: deleting one frees a slot."""
        self.by_provider = by_provider
        self.request_id = request_id

    @property
    def remaining(self) -> int:
        """Slots that may still be taken, by the registry's count."""
        return max(0, self.limit - self.used - self.unseen)


class VoiceNotFound(VoiceregError):
    """No voice of the account is called that."""

    def __init__(
        self, reference: str, account: str, near: Sequence[str] = (), *, exact: bool = False
    ) -> None:
        whole = " by exactly that id: what deletes voices wants all of it" if exact else ""
        super().__init__(f"no voice {reference!r} in account {account}{whole}")
        self.reference = reference
        self.account = account
        self.near = tuple(near)
        """Ids and aliases that may be meant."""
        self.exact = exact
        """Whether a beginning would not have done."""
        self.advice = (
            "did you mean " + " or ".join(self.near) + "?"
            if self.near
            else "voicereg list --all shows every voice, gone ones included"
        )


class AmbiguousVoice(VoiceregError):
    """Several voices begin like that."""

    def __init__(self, reference: str, matches: Sequence[str]) -> None:
        super().__init__(f"{reference!r} is the beginning of several voices: {', '.join(matches)}")
        self.reference = reference
        self.matches = tuple(matches)
        self.advice = "give more of the id"


class AccountNotFound(VoiceregError):
    """The registry knows no account of that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no account {name!r}; there is {', '.join(known) or 'none'}")
        self.name = name
        self.known = tuple(known)
        self.advice = "voicereg account add makes one"


class UsesReadElsewhere(VoiceregError):
    """Another program reads the same file of uses. What it has read is not counted twice."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"another program has read the first {size_bytes:,} bytes of this file meanwhile; "
            "they are counted once"
        )
        self.size_bytes = size_bytes
        self.advice = "read it again when the other has ended: what is left is counted then"


class AliasNotFound(VoiceregError):
    """No voice of the account is given that name."""

    def __init__(self, name: str, account: str, known: Sequence[str]) -> None:
        from difflib import get_close_matches

        super().__init__(f"no alias {name!r} in account {account}")
        self.name = name
        self.account = account
        self.near = tuple(get_close_matches(name, known, n=3))
        self.advice = (
            "did you mean " + " or ".join(self.near) + "?"
            if self.near
            else f"voicereg alias set {name} VOICE makes it"
        )


class AccountRejected(VoiceregError):
    """An account cannot be added, changed or removed like that. Nothing was changed."""

    def __init__(self, name: str, why: str, advice: str | None = None) -> None:
        super().__init__(f"account {name}: {why}")
        self.name = name
        self.why = why
        self.advice = advice


class NoPreview(VoiceregError):
    """No preview audio is kept of a voice."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(f"no preview audio is kept of voice {voice.id}")
        self.voice = voice
        self.advice = (
            "only the answer to a create carries it; "
            f"voicereg preview {voice.id} --make speaks one with the voice, and keeps it"
        )


class VoiceProtected(VoiceregError):
    """A pinned voice, or one with an alias, is not deleted without force."""

    def __init__(self, voice: Voice, why: str) -> None:
        super().__init__(f"voice {voice.id} ({voice.name}) is {why}; it was not deleted")
        self.voice = voice
        self.why = why
        self.advice = "a deleted voice cannot be had back; --force deletes it all the same"


class StateConflict(VoiceregError):
    """A voice's state does not allow what was asked. Nothing was changed."""

    def __init__(self, voice: Voice, what: str, advice: str | None = None) -> None:
        super().__init__(f"voice {voice.id} is {voice.state.value}: {what}")
        self.voice = voice
        self.state: State = voice.state
        self.advice = advice


class KeyTaken(StateConflict):
    """The key of a manifest has its voice already: there is to be one, and no more."""

    def __init__(self, voice: Voice, key: str) -> None:
        super().__init__(voice, f"it is there for the key {key} already", "voicereg apply compares")
        self.key = key


class CreateUnresolved(VoiceregError):
    """A create was sent, and nobody knows what became of it. Its slot stays held."""

    def __init__(self, voice: Voice, cause: str) -> None:
        super().__init__(
            f"the outcome of creating voice {voice.id} is unknown ({cause}); it may exist at the "
            "provider, so it is recorded as unresolved and its slot stays held"
        )
        self.voice = voice
        self.cause = cause
        self.advice = (
            "do not repeat it blindly: the provider may have made the voice. "
            "voicereg sync finds out, once the create has certainly ended"
        )


class ConfirmNotRecorded(VoiceregError):
    """The provider made the voice, and the registry could not note its id."""

    def __init__(
        self, voice: Voice, voice_id: str, cause: str, preview: PreviewAudio | None = None
    ) -> None:
        super().__init__(
            f"the provider made voice {voice_id}, but the registry could not note it ({cause}); "
            f"voice {voice.id} keeps its slot"
        )
        self.voice = voice
        self.voice_id = voice_id
        self.cause = cause
        self.preview = preview
        """The preview audio, which the provider sends only once."""
        self.advice = f"voicereg resolve {voice.id} --adopt {voice_id} notes it"


class DeleteUnconfirmed(VoiceregError):
    """A delete was sent, and nobody knows what became of it. The voice keeps its slot."""

    def __init__(self, voice: Voice, cause: str) -> None:
        super().__init__(
            f"the outcome of deleting voice {voice.id} is unknown ({cause}); "
            "it is recorded as deleting and keeps its slot"
        )
        self.voice = voice
        self.cause = cause
        self.advice = (
            f"voicereg delete {voice.id} asks again: a voice that is gone counts as done; "
            "voicereg sync finds out, too"
        )


class ReviewRefused(VoiceregError):
    """The provider made the voice, and its review refused it. Its slot stays held."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(
            f"the provider's review refused voice {voice.id} ({voice.voice_id}); "
            "it can never be used and still holds a slot"
        )
        self.voice = voice
        self.advice = f"voicereg delete {voice.id} frees the slot; then change the prompt"


class DeliveryFailed(VoiceregError):
    """A channel did not take a message. It is sent again by the next round."""

    def __init__(self, channel: str, why: str, advice: str | None = None) -> None:
        super().__init__(f"channel {channel} did not take the message: {why}")
        self.channel = channel
        self.why = why
        """Without the secrets of the channel's URL."""
        self.advice = advice


class HeartbeatFailed(VoiceregError):
    """Whoever waits for the heartbeat did not get it. The next good round sends another."""

    def __init__(self, why: str, advice: str | None = None) -> None:
        super().__init__(f"the heartbeat was not taken: {why}")
        self.why = why
        """Without anything of its URL."""
        self.advice = advice


class ExtraMissing(VoiceregError):
    """Something needs a package that is installed on request only. Nothing was done."""

    def __init__(self, extra: str, what_for: str) -> None:
        super().__init__(f"{what_for} needs packages that are not installed")
        self.extra = extra
        """The name under which they are installed together."""
        self.what_for = what_for
        self.advice = f"install them with: pip install 'voicereg[{extra}]'"


class LeaseHeld(VoiceregError):
    """Another process is at work that only one may do at a time. Nothing was done."""

    def __init__(self, lease: str, holder: str, since: datetime, expires_at: datetime) -> None:
        super().__init__(f"{holder} is at the {lease} since {rfc3339(since)}; nothing was done")
        self.lease = lease
        self.holder = holder
        """Who, for people: user, host and process."""
        self.since = since
        self.expires_at = expires_at
        """When the lease ends, unless its holder renews it."""
        self.advice = (
            f"should that process have died, others may take over from {rfc3339(expires_at)} on"
        )


class ProviderProblem(VoiceregError):
    """The provider could not be reached, refused, or could not be understood."""


class DatabaseProblem(VoiceregError):
    """The registry's database cannot do what was asked."""


class DatabaseUnusable(DatabaseProblem):
    """The database cannot be opened, read or written."""

    def __init__(self, database: str, why: str, advice: str | None = None) -> None:
        super().__init__(f"the database {database} cannot be used: {why}")
        self.database = database
        self.why = why
        self.advice = advice


class DatabaseLost(DatabaseUnusable):
    """The connection to the database broke in the middle of something."""

    def __init__(self, database: str, why: str, *, is_known: bool) -> None:
        if is_known:
            outcome, advice = "this was not written", "try again"
        else:
            outcome = "whether this was written is not known"
            advice = "look whether it was done before you do it again"
        super().__init__(database, f"the connection was lost ({why}); {outcome}", advice)
        self.is_known = is_known
        """Whether it is certain that nothing was changed; otherwise nobody knows."""


class DatabaseBusy(DatabaseProblem):
    """Another program held the database for longer than it was waited for."""

    def __init__(self, database: str, *, deadlock: bool = False) -> None:
        super().__init__(
            f"the database {database} is held by another program; this was not written"
        )
        self.database = database
        self.deadlock = deadlock
        """Whether two transactions waited for each other: another try is likely to succeed."""
        self.advice = "try again when the other program has finished"


class LimitMissing(DatabaseProblem):
    """The quota group of an account has no limit: somebody has deleted it from the database."""

    def __init__(self, account: str, families: Sequence[Family]) -> None:
        names = [family.value for family in families]
        super().__init__(
            f"account {account}: its quota group has no limit for {' and '.join(names)}"
        )
        self.account = account
        self.families = tuple(families)
        limits = " ".join(f"--limit {name}=N" for name in names)
        self.advice = f"voicereg account edit {account} {limits} sets it"


class BackupFailed(DatabaseProblem):
    """No backup could be made; nothing is left of it."""

    def __init__(self, path: str, why: str, advice: str | None = None) -> None:
        super().__init__(f"no backup was made at {path}: {why}")
        self.path = path
        self.why = why
        self.advice = advice


class CopyRefused(DatabaseProblem):
    """A registry cannot be copied there, or not now."""

    def __init__(self, database: str, why: str, advice: str | None = None) -> None:
        super().__init__(f"the registry is not copied to {database}: {why}")
        self.database = database
        self.why = why
        self.advice = advice


class SchemaMismatch(DatabaseProblem):
    """The database was made by an older or a newer version, or is not set up."""

    def __init__(self, database: str, *, found: str | None, expected: str, why: str) -> None:
        super().__init__(
            f"the database {database} {why}: its schema is {found or 'not set up'}, "
            f"this version of voicereg needs {expected}; nothing was changed"
        )
        self.database = database
        self.found = found
        self.expected = expected
        self.why = why
