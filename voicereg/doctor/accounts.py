"""The accounts: their keys' variables, regions and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject
from voicereg.domain.accounts import Account
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Region
from voicereg.provider.endpoints import endpoint

_QUOTES = "\"'`“”‘’"


def check(subject: Subject) -> Iterator[Finding]:
    """Of each account: the key, which is never shown, the region and the address."""
    examined = subject.find_accounts()
    for account in examined:
        yield _key(account, subject)
        yield _region(account)
        yield _address(account, subject)
    yield from _shared_keys(subject, examined)


def _key(account: Account, subject: Subject) -> Finding:
    variable = account.api_key_env
    key = subject.environment.get(variable)
    fault = key_fault(key)
    if fault is None and key == (key or "").strip():
        return ok("account.key", f"{account.name}: the key is in {variable}")
    if fault is None:
        return warning(
            "account.key",
            f"{account.name}: {variable} has a space or a line end around the key",
            f"put the key alone into {variable}: this program takes it as it is, others may not",
        )
    what, advice = fault
    return wrong(
        "account.key", f"{account.name}: {variable} {what}", advice.format(variable=variable)
    )


def key_fault(key: str | None) -> tuple[str, str] | None:
    """What is wrong with what a variable holds, and how to mend it; None: nothing that is seen."""
    if key is None:
        return "is not set", "put the account's API key into it: export {variable}=…"
    key = key.strip()
    if not key:
        return "is empty", "put the account's API key into it: export {variable}=…"
    if "\n" in key or "\r" in key:
        return "holds several lines", "put the key into it alone, on one line"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return (
            "has quotes around the key",
            "take the quotes out of its value: an env file of Docker keeps them as they stand",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        return "holds characters that no API key has", "copy the key anew into {variable}"
    return None


def _region(account: Account) -> Finding:
    if account.region in set(Region):
        return ok("account.region", f"{account.name}: {account.region}")
    known = " or ".join(region.value for region in Region)
    return warning(
        "account.region",
        f"{account.name}: the region {account.region} is not known",
        f"if it is to be {known}: voicereg account edit {account.name} --region REGION",
    )


def _address(account: Account, subject: Subject) -> Finding:
    override = subject.settings.base_url if account.name == subject.settings.account else None
    try:
        where = endpoint(
            region=account.region,
            workspace=account.workspace,
            base_url=override or account.base_url,
        )
    except InvalidInput as error:
        said = "; ".join(str(_without_query(problem)) for problem in error.problems)
        mend = (
            "correct --base-url, VOICEREG_BASE_URL or base_url in the settings file"
            if override
            else f"voicereg account edit {account.name} --base-url URL, or --workspace ID"
        )
        return wrong("account.address", f"{account.name}: {said}", mend)
    notes = [
        f"workspace {where.workspace}" if where.workspace else "",
        "given by flag, environment or settings file" if override else "",
        "on this machine: a sandbox" if where.is_loopback else "",
    ]
    noted = ", ".join(note for note in notes if note)
    return ok("account.address", f"{account.name}: {where.base_url}" + (noted and f" ({noted})"))


def _without_query(problem: Problem) -> Problem:
    # Somebody may have put a key there.
    return replace(problem, value=re.split(r"[?#]", problem.value)[0])


def _shared_keys(subject: Subject, examined: Sequence[Account]) -> Iterator[Finding]:
    """Keys that stand for accounts of several regions, by one variable or in several."""
    keys: dict[str, list[Account]] = {}
    for account in subject.every_account:
        key = subject.environment.get(account.api_key_env, "").strip()
        # One that is not set counts by its name: it is put in, one day, for all of them.
        keys.setdefault(key or f"${account.api_key_env}", []).append(account)
    for sharing in keys.values():
        if len({account.region for account in sharing}) == 1:
            continue
        if not any(account in examined for account in sharing):
            continue
        variables = sorted({account.api_key_env for account in sharing})
        named = ", ".join(f"{account.name} ({account.region})" for account in sharing)
        yield warning(
            "account.shared_key",
            f"the key in {' and '.join(variables)} is used in several regions: {named}",
            "keys differ by region: give each a variable and a key of its own, with "
            "voicereg account edit NAME --api-key-env VARIABLE",
        )
