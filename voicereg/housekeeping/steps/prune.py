"""Let go of what is older than anybody asks for."""

from __future__ import annotations

from voicereg.housekeeping.work import Done, Work


def run(work: Work) -> Done:
    """Delete old audit rows, daily counts, messages and rounds; never a voice."""
    return Done(work.registry.rounds.prune(dry_run=work.dry_run))
