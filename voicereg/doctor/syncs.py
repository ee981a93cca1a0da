"""Whether the registry still agrees with the provider, as far as it can know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from voicereg.doctor import records
from voicereg.doctor.findings import Finding, ok, warning
from voicereg.doctor.records import SyncState
from voicereg.doctor.subject import Subject
from voicereg.doctor.wording import ago, some
from voicereg.domain.accounts import DEFAULT_ACCOUNT, Account
from voicereg.domain.counts import many
from voicereg.domain.families import Family
from voicereg.domain.states import State

_OLD = timedelta(days=1)


def check(subject: Subject) -> Iterator[Finding]:
    """Of each account and family: the last sync, and what it left open."""
    registry = subject.registry
    for account in subject.accounts:
        with subject.database.read() as connection:
            states = records.sync_states_of(connection, account.id)
            now = subject.database.now(connection)
        for family in Family:
            yield _last(account, family, states.get(family), now)
        for quota in registry.quotas(account=account.name):
            if quota.unseen:
                yield warning(
                    "sync.unseen",
                    f"{account.name}: {many(quota.unseen, 'slot')} of {quota.family.value} taken "
                    "by the provider's word, and by no voice on record",
                    f"{command(account, 'sync')} looks for them. If the provider's limit is lower: "
                    f"voicereg account edit {account.name} --limit {quota.family.value}=N",
                )
        yield _open_creates(subject, account, now)


def command(account: Account, words: str) -> str:
    """What to type about an account."""
    named = "" if account.name == DEFAULT_ACCOUNT else f"-a {account.name} "
    return f"voicereg {named}{words}"


def _last(account: Account, family: Family, state: SyncState | None, now: datetime) -> Finding:
    of = f"{account.name}, {family.value}"
    sync = command(account, "sync")
    if state is not None and state.problem is not None:
        what = f"{of}: the last sync, {ago(state.tried_at, now)}, failed: {state.problem}"
        return warning("sync.last", what, f"mend that, then: {sync}")
    if state is None or state.synced_at is None:
        what = f"{of}: never compared with the provider"
        return warning("sync.last", what, f"{sync} does; housekeeping does it every time")
    if now - state.synced_at > _OLD:
        what = f"{of}: last compared with the provider {ago(state.synced_at, now)}"
        return warning("sync.last", what, f"{sync}, or regular housekeeping")
    return ok("sync.last", f"{of}: compared {ago(state.synced_at, now)}")


def _open_creates(subject: Subject, account: Account, now: datetime) -> Finding:
    old = [
        voice.id
        for voice in subject.registry.voices(
            states=[State.UNRESOLVED, State.CREATING], account=account.name
        )
        if now - voice.created_at > _OLD
    ]
    if not old:
        return ok("sync.unresolved", f"{account.name}: no create is unresolved for a day")
    return warning(
        "sync.unresolved",
        f"{account.name}: {many(len(old), 'create')} unresolved for over a day, each holding a "
        f"slot: {some(old)}",
        f"{command(account, 'sync')} first; what that leaves open: "
        f"{command(account, 'resolve ID --adopt VOICE_ID')}, or --release where none was made",
    )
