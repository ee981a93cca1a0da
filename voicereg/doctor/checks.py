"""The checks, in order, and how each is run to its end."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from voicereg.doctor import (
    accounts,
    channels,
    clocks,
    database,
    deadlines,
    installation,
    metrics,
    provider,
    rounds,
    settings_file,
    sqlite_file,
    syncs,
)
from voicereg.doctor.findings import Finding, Outcome, skipped, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.domain.errors import DatabaseProblem, VoiceregError


@dataclass(frozen=True, slots=True)
class Check:
    """A group of checks that belong together."""

    name: str
    run: Callable[[Subject], Iterable[Finding]]
    """May raise: what it found before counts, and the other checks run all the same."""


CHECKS = (
    Check("settings", settings_file.check),
    Check("database.file", sqlite_file.check),
    Check("database", database.check),
    Check("clock", clocks.check),
    Check("account", accounts.check),
    Check("provider", provider.check),
    Check("sync", syncs.check),
    Check("rounds", rounds.check),
    Check("deadlines", deadlines.check),
    Check("channel", channels.check),
    Check("metrics", metrics.check),
    Check("install", installation.check),
)
"""What is wrong with the first is the likeliest reason for what is wrong with the others."""

_NO_ADVICE = "mend what it says, and look again"

OnCheck = Callable[[str], None]
"""Told of a check before it begins."""


def examine(
    subject: Subject, *, checks: Sequence[Check] | None = None, on_check: OnCheck | None = None
) -> list[Finding]:
    """Run every check to its end, whatever is broken. Nothing is changed.

    Args:
        subject: what to look at.
        checks: what to look for; None: all there is.
        on_check: told of each check before it begins.
    """
    findings: list[Finding] = []
    for check in CHECKS if checks is None else checks:
        if on_check is not None:
            on_check(check.name)
        try:
            # One by one: what was found before an error counts.
            for finding in check.run(subject):
                findings.append(finding)
        except Exception as error:  # noqa: BLE001 - one check must not keep the others from running
            findings.append(_ended(check, error, findings))
    return findings


def _ended(check: Check, error: Exception, before: Sequence[Finding]) -> Finding:
    """What there is to say where a check did not come to its end."""
    if isinstance(error, Unavailable):
        return skipped(check.name, f"not looked at: {error}")
    if isinstance(error, DatabaseProblem) or not isinstance(error, VoiceregError | OSError):
        unsound = any(
            finding.outcome is Outcome.WRONG and finding.check.startswith("database")
            for finding in before
        )
        if unsound:
            # Whatever it met follows from that.
            return skipped(check.name, "not looked at: the database is not sound")
    if isinstance(error, VoiceregError):
        return wrong(check.name, str(error), error.advice or _NO_ADVICE)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return wrong(check.name, f"{where}{error.strerror or type(error).__name__}", _NO_ADVICE)
    # Only where it happened: of what it says nobody knows whether it holds a secret.
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return wrong(
        check.name,
        f"internal error: {type(error).__name__} ({where})",
        "this is a fault of the doctor: what it was looking at may well be in order",
    )
