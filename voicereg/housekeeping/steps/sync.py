"""Compare an account with the provider."""

from __future__ import annotations

from voicereg.domain.syncs import ChangeKind
from voicereg.housekeeping.work import Done, Work


def run(work: Work, account: str) -> Done:
    """Sync an account; what could not be compared is as it was, and is a problem."""
    done = work.registry.sync(account=account, dry_run=work.dry_run)
    counts = {"requests": done.requests, "listed": done.listed, "held_back": done.held_back}
    counts |= {kind.value: done.count(kind) for kind in ChangeKind}
    problems: tuple[str, ...] = ()
    if not done.complete:
        # One wrong key fails every listing alike: the first says enough.
        first = done.problems[0] if done.problems else "the sync is not complete"
        more = len(done.problems) - 1
        problems = (first, f"{more} more: voicereg sync shows them") if more > 0 else (first,)
    return Done(counts, problems)
