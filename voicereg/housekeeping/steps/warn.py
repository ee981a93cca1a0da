"""Find what is to be warned of."""

from __future__ import annotations

from voicereg.domain.concerns import ConcernKind
from voicereg.housekeeping.work import Done, Work


def run(work: Work, account: str) -> Done:
    """Look at everything of an account that may need somebody; whether it is news, each channel's
    ledger says."""
    found = work.registry.warnings.concerns(account, work.kept.get(account))
    work.concerns[account] = found
    return Done(
        {kind.value: sum(one.subject.kind is kind for one in found) for kind in ConcernKind}
    )
