"""What a sync asks of the provider: listings, and single voices where a listing does not do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from voicereg.domain.errors import ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import VoiceGone
from voicereg.domain.reconcile import Listed, Snapshot, Timing, in_doubt, unfound
from voicereg.domain.remote import Listing, RemoteVoice
from voicereg.domain.rules import RULES
from voicereg.domain.syncs import SyncProgress, SyncStage
from voicereg.domain.voices import Origin, Voice

if TYPE_CHECKING:
    from voicereg.provider.client import ProviderClient

OnProgress = Callable[[SyncProgress], None]
Asked = TypeVar("Asked", Voice, RemoteVoice)
_MOST_FAILURES = 3
"""Questions in a row that stay without an answer, before no more are asked."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A listing that could not be read to its end."""

    family: Family
    origins: frozenset[Origin]
    problem: str
    known: int
    """How many voices on record it ought to have shown."""


class Inspection:
    """Reads an account at the provider, and counts the requests it takes."""

    def __init__(
        self, client: ProviderClient, account: str, timing: Timing, on_progress: OnProgress | None
    ) -> None:
        self._client = client
        self._account = account
        self._timing = timing
        self._tell = on_progress or (lambda progress: None)
        self.requests = 0

    def listings(self, family: Family, before: Snapshot) -> list[Listed | Unread]:
        """Every listing of a family.

        Pages move while voices are made and deleted, and one can slip through between two of them:
        before a voice counts as absent, a listing is read twice.

        Args:
            family: which one.
            before: what the registry held when nothing had been asked for.
        """
        count = self._counter(family, SyncStage.LISTING, len(before.voices))
        found: list[Listed | Unread] = []
        for listing in self._client.listings(family, on_page=count):
            first = self._read(listing, before)
            if isinstance(first, Listed) and (first.absent() or unfound(first, self._timing)):
                again = self._client.listing(family, listing.origins)
                second = self._read(again, before)
                if isinstance(second, Listed):
                    second = replace(second, voices={**first.voices, **second.voices})
                first = second
            found.append(first)
        return found

    def _read(self, listing: Listing, before: Snapshot) -> Listed | Unread:
        self.requests += listing.requests
        if listing.problem is not None:
            return Unread(
                listing.family,
                listing.origins,
                listing.problem,
                len(before.scope(listing.origins)),
            )
        return Listed(
            account=self._account,
            family=listing.family,
            origins=listing.origins,
            voices={voice.voice_id: voice for voice in listing.voices},
            before=before,
        )

    def completed(self, listed: Listed, recorded: Collection[str]) -> Listed:
        """A listing with what only a query tells: models, and what tells creates apart.

        Args:
            listed: the listing.
            recorded: the listed ids that are on record.
        """
        known = {voice.voice_id: voice for voice in listed.before.voices.values()}
        wanted = {
            voice_id: remote
            for voice_id, remote in listed.voices.items()
            if remote.target_model is None
            and (
                voice_id not in recorded
                or (voice_id in known and known[voice_id].target_model is None)
            )
        }
        wanted |= {
            remote.voice_id: remote for remote in in_doubt(listed, set(recorded), self._timing)
        }
        voices = dict(listed.voices)
        for remote, answer in self._ask(listed.family, wanted.values()):
            # Queries may lag: what is listed is there, though a query knows nothing of it yet.
            if answer is not None:
                voices[remote.voice_id] = _filled(remote, answer)
        return replace(listed, voices=voices)

    def proofs(self, listed: Listed) -> dict[str, bool]:
        """Of each absent voice that can be asked for, whether it is gone; by registry id.

        Where a question got no answer, nothing is told.
        """
        absent = {voice.voice_id: voice for voice in listed.absent()}
        return {
            voice.id: answer is None for voice, answer in self._ask(listed.family, absent.values())
        }

    def _ask(
        self, family: Family, voices: Iterable[Asked]
    ) -> Iterable[tuple[Asked, RemoteVoice | None]]:
        """What the provider says of each voice; None: that it knows none."""
        queried = [voice for voice in voices if voice.origin in RULES[family].queried]
        count = self._counter(family, SyncStage.CHECKING, len(queried))
        failures = 0
        for voice in queried:
            if failures >= _MOST_FAILURES:
                return
            if voice.voice_id is None:
                continue
            self.requests += 1
            try:
                answer = self._client.query(family, voice.voice_id, voice.origin)
            except VoiceGone:
                failures = 0
                yield voice, None
            except ProviderProblem:
                failures += 1
            else:
                failures = 0
                yield voice, answer
            count(1)

    def _counter(self, family: Family, stage: SyncStage, expected: int) -> Callable[[int], None]:
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self._tell(SyncProgress(family, stage, done, expected or None))

        return count


def _filled(remote: RemoteVoice, answer: RemoteVoice) -> RemoteVoice:
    """``remote`` with what it lacks and the answer has."""
    values = {
        field.name: getattr(answer, field.name)
        for field in fields(remote)
        if getattr(remote, field.name) is None
    }
    if answer.prompt is not None:
        values["origin"] = answer.origin  # only a design has a prompt
    return replace(remote, **values)
