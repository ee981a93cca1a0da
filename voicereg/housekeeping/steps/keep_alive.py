"""Use the voices that are to stay, before the provider deletes them."""

from __future__ import annotations

from voicereg.domain.errors import InvalidInput, StateConflict, VoiceregError
from voicereg.domain.keep_alive import KeptAlive
from voicereg.domain.provider_errors import (
    AccessDenied,
    Arrearage,
    InvalidKey,
    ProviderRefused,
    RateLimited,
)
from voicereg.housekeeping.work import Done, Work

_MOST_FAILURES = 3
"""So many in a row that are not about a voice itself: the others would fail alike."""

_OF_THE_ACCOUNT = (InvalidKey, AccessDenied, Arrearage, RateLimited)


def run(work: Work, account: str) -> Done:
    """Say a few words with each voice that is due, the nearest to its deadline first."""
    keep_alives = work.registry.keep_alives
    due = keep_alives.due(account)
    room = keep_alives.room_today(account) if due else 0
    kept: set[str] = set()
    failed: dict[str, str] = {}
    in_a_row = 0
    left_out: set[str] = set()
    for voice in due:
        if len(kept) >= room:
            left_out.add(voice.id)
        elif work.dry_run:
            kept.add(voice.id)
        elif in_a_row >= _MOST_FAILURES:
            failed[voice.id] = "not tried: the provider did not serve the voices before it"
        else:
            if work.lease is not None:
                work.lease.check()
            try:
                keep_alives.keep(voice)
            except VoiceregError as error:
                failed[voice.id] = str(error)
                in_a_row += not _is_of_the_voice(error)
            else:
                kept.add(voice.id)
                in_a_row = 0
    work.kept[account] = KeptAlive(frozenset(kept), failed, frozenset(left_out))
    counts = {
        "due": len(due),
        "kept": len(kept),
        "failed": len(failed),
        "left_out": len(left_out),
    }
    problems = []
    if failed:
        first = next(iter(failed.values()))
        problems.append(f"{len(failed)} of {len(due)} voices could not be kept alive: {first}")
    return Done(counts, problems)


def _is_of_the_voice(error: VoiceregError) -> bool:
    """Whether another voice may fare better."""
    if isinstance(error, ProviderRefused):
        return not isinstance(error, _OF_THE_ACCOUNT)
    return isinstance(error, InvalidInput | StateConflict)
