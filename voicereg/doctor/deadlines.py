"""Voices that go, and whether what must stay is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from voicereg.doctor.findings import Finding, ok, warning
from voicereg.doctor.subject import Subject
from voicereg.doctor.syncs import command
from voicereg.doctor.wording import some
from voicereg.domain.accounts import Account
from voicereg.domain.counts import many
from voicereg.domain.states import State
from voicereg.settings import Retiring

_OLD = timedelta(days=1)
_STANDING = (State.PENDING, State.ACTIVE, State.MISSING)


def check(subject: Subject) -> Iterator[Finding]:
    """Voices to be kept alive, voices past their deadline, and models that are withdrawn."""
    registry = subject.registry
    # A stand-in for broken settings names no rules; so this needs the real ones.
    settings = subject.whole_settings
    yield from _rules(subject)
    now = registry.now()
    for account in subject.accounts:
        yield _kept(account, subject, now)
        past = [voice.id for voice in registry.expiring(within=timedelta(0), account=account.name)]
        if past:
            yield warning(
                "deadlines.past",
                f"{account.name}: {many(len(past), 'voice')} past the deadline, which may go any "
                f"day: {some(past)}",
                f"{command(account, 'expiring --within 0')} shows them; a use makes one safe",
            )
        else:
            yield ok("deadlines.past", f"{account.name}: no voice is past its deadline")
        for retiring in settings.retiring:
            yield _retiring(account, retiring, subject, now)


def _rules(subject: Subject) -> Iterator[Finding]:
    known = [account.name for account in subject.every_account]
    for number, rule in enumerate(subject.whole_settings.keep_alive.rules, start=1):
        if rule.account is not None and rule.account not in known:
            yield warning(
                "deadlines.rules",
                f"rule {number} of keep_alive is only for account {rule.account}, which there is "
                "not: it keeps nothing alive",
                f"correct it in {subject.config_path}: there is {', '.join(known)}",
            )


def _kept(account: Account, subject: Subject, now: datetime) -> Finding:
    keep_alive = subject.whole_settings.keep_alive
    # A round comes within a day: what is due for longer has been left out, or has failed.
    left = [
        voice.id
        for voice in subject.registry.keep_alives.due(account.name)
        if voice.deadline_at - keep_alive.within < now - _OLD
    ]
    if not left:
        return ok("deadlines.kept", f"{account.name}: what must stay is kept alive")
    speak = command(account, 'synthesize ID "…" -o FILE')
    by_hand = f"by hand: {speak}"
    return warning(
        "deadlines.kept",
        f"{account.name}: {many(len(left), 'voice')} that must stay, due for over a day and not "
        f"kept alive: {some(left)}"
        + ("" if keep_alive.daily_limit else "; keep_alive.daily_limit is 0"),
        f"{command(account, 'housekeeping run')} keeps them; {by_hand}"
        if keep_alive.daily_limit
        else f"raise keep_alive.daily_limit in {subject.config_path}; {by_hand}",
    )


def _retiring(account: Account, retiring: Retiring, subject: Subject, now: datetime) -> Finding:
    bound = subject.registry.voices(
        states=_STANDING, target_model=retiring.model, account=account.name
    )
    of = f"{account.name}: {retiring.model}"
    if not bound:
        return ok("deadlines.retiring", f"{of} is withdrawn, and no voice is bound to it")
    voices = f"{many(len(bound), 'voice')} bound to it"
    day = datetime(retiring.on.year, retiring.on.month, retiring.on.day, tzinfo=UTC)
    if day - now > timedelta(days=max(subject.whole_settings.warn.marks)):
        return ok("deadlines.retiring", f"{of} is withdrawn on {retiring.on}, with {voices}")
    shown = command(account, f"list --model {retiring.model}")
    return warning(
        "deadlines.retiring",
        f"{of} {'was' if day <= now else 'is'} withdrawn on {retiring.on}, with {voices}",
        f"{shown} shows them; design them anew for a model that stays: "
        f"{command(account, 'recreate VOICE --model MODEL')}",
    )
