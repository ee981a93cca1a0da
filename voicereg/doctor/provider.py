"""Whether the provider can be reached, and accepts the keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from voicereg.doctor.findings import Finding, ok, skipped, wrong
from voicereg.doctor.subject import Subject
from voicereg.domain.accounts import Account
from voicereg.domain.errors import InvalidInput, KeyMissing, ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import (
    AccessDenied,
    Arrearage,
    InvalidKey,
    ProviderAnswered,
    ProviderFault,
    RateLimited,
)
from voicereg.domain.voices import Origin
from voicereg.registry.clients import Clients

_PATIENCE = timedelta(seconds=5)
"""For each phase of a request: this is no create, and somebody waits."""
_NETWORK = (
    "check the network, HTTPS_PROXY, and the region and base URL of the account: "
    "voicereg account show {account}"
)
_MENDED: dict[type[ProviderAnswered], str] = {
    InvalidKey: "keys differ by region, and the account is in {region}. If the key is of another "
    "one: voicereg account edit {account} --region REGION. If it is of this one: copy it anew "
    "from the provider's console into {variable}",
    AccessDenied: "allow it in the provider's console, for the workspace that the key is of",
    Arrearage: "settle the bill in the provider's console",
    RateLimited: "wait a minute, and ask again; see what else uses that key",
    ProviderFault: "wait a little, and ask again: the fault is on the provider's side",
}


class _Answered(Exception):
    """A first page came: that is all that was wanted."""


class _NotAgain(Exception):
    """A second try would come: the first one tells enough."""


def check(subject: Subject) -> Iterator[Finding]:
    """Ask for the first page of one listing of each account; nothing is stored."""
    if subject.options.offline:
        yield skipped("provider", "not asked: --offline")
        return
    accounts = subject.accounts
    create = replace(
        subject.settings.create,
        connect_timeout=_PATIENCE,
        write_timeout=_PATIENCE,
        read_timeout=2 * _PATIENCE,
        pool_timeout=_PATIENCE,
    )
    clients = Clients(
        replace(subject.settings, create=create),
        clock=subject.clock,
        sleep=_no_second_try,
        environment=subject.environment,
    )
    with closing(clients):
        for account in accounts:
            yield _asked(account, clients, subject)


def _asked(account: Account, clients: Clients, subject: Subject) -> Finding:
    try:
        client = clients.of(account)
    except (KeyMissing, InvalidInput):
        return skipped("provider", f"{account.name}: not asked, without a usable key and address")
    began = subject.clock.monotonic()
    problem: str | None = None
    try:
        # Designs of Qwen-TTS: they are to be had in every region.
        listing = client.listing(
            Family.QWEN_TTS, frozenset({Origin.DESIGNED}), on_page=_no_more_pages
        )
        problem = listing.problem
    except _Answered:
        pass
    except _NotAgain as given_up:
        # What the first try met is what the wait was for.
        met = given_up.__context__
        if not isinstance(met, ProviderProblem):
            raise
        problem = f"{met}; {met.advice}" if met.advice else str(met)
    if problem is not None:
        said, advice = _told(problem, account)
        return wrong("provider", f"{account.name}: {said}", advice)
    took = (subject.clock.monotonic() - began).total_seconds()
    return ok("provider", f"{account.name}: it accepts the key, and answered in {took:.2f} s")


def _no_more_pages(voices: int) -> None:
    raise _Answered


def _no_second_try(duration: timedelta) -> None:
    raise _NotAgain


def _told(problem: str, account: Account) -> tuple[str, str]:
    """What went wrong, without the general advice that ends it, and how to mend it here."""
    # A listing tells why it failed in words; those of each kind of answer begin alike.
    for kind, advice in _MENDED.items():
        if problem.startswith(kind.meaning):
            said = problem.removesuffix(f"; {kind.how_to_mend}")
            return said, advice.format(
                account=account.name, region=account.region, variable=account.api_key_env
            )
    return problem.partition("; check the network")[0], _NETWORK.format(account=account.name)
