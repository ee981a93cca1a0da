"""Settle creates and deletes whose outcome is unknown, and that have certainly ended."""

from __future__ import annotations

from voicereg.domain.states import State
from voicereg.domain.syncs import ChangeKind
from voicereg.housekeeping.work import Done, Work

_OPEN = (State.CREATING, State.UNRESOLVED, State.DELETING)


def run(work: Work, account: str) -> Done:
    """Look at the listings of their families once more: it takes two to prove an absence."""
    registry = work.registry
    now = registry.now()
    settle_after = registry.settings.create.settle_after
    left = [
        voice
        for voice in registry.voices(states=_OPEN, account=account)
        if now - (voice.delete_asked_at or voice.created_at) >= settle_after
    ]
    counts = {"open": len(left), "adopted": 0, "released": 0, "gone": 0, "left": len(left)}
    problems: list[str] = []
    if work.dry_run or not left:
        return Done(counts)
    for family in sorted({voice.family for voice in left}):
        done = registry.sync(family=family, account=account)
        counts["adopted"] += done.count(ChangeKind.ADOPTED)
        counts["released"] += done.count(ChangeKind.RELEASED)
        counts["gone"] += done.count(ChangeKind.GONE)
        if not done.complete:
            problems += done.problems or (f"the sync of {family.value} is not complete",)
    ids = {voice.id for voice in left}
    still = registry.voices(states=_OPEN, account=account)
    counts["left"] = sum(voice.id in ids for voice in still)
    return Done(counts, problems)
