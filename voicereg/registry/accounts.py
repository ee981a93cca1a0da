"""Accounts: added, changed, removed, and moved between quota groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from voicereg import tables
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE, Account
from voicereg.domain.errors import AccountRejected, InvalidInput, Problem
from voicereg.domain.families import DEFAULT_LIMIT, Family, Region
from voicereg.provider.endpoints import HOST_LABEL, checked_base_url
from voicereg.registry.changes import Changes
from voicereg.registry.context import ALL_ACCOUNTS, Context
from voicereg.registry.duplicates import merge
from voicereg.registry.repeating import idempotent, repeated
from voicereg.registry.texts import is_storable
from voicereg.store import accounts, slots, voices

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LARGEST_LIMIT = 1_000_000


class Accounts:
    """Manages accounts. No key is ever stored, only the name of the variable that holds it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @idempotent
    def all(self) -> list[Account]:
        """All accounts, by name."""
        with self._context.database.read() as connection:
            return self._context.accounts(connection, ALL_ACCOUNTS)

    @idempotent
    def one(self, name: str | None = None) -> Account:
        """One account.

        Raises:
            AccountNotFound: there is none of that name.
        """
        with self._context.database.read() as connection:
            return self._context.account(connection, name)

    @repeated
    def add(
        self,
        name: str,
        *,
        region: str,
        workspace: str | None,
        base_url: str | None,
        api_key_env: str | None,
        quota_group: str | None,
        limits: Mapping[Family, int],
        unchecked: bool,
    ) -> Account:
        """Add an account, in a quota group of its own unless one is named.

        Raises:
            InvalidInput: a value that cannot be one.
            AccountRejected: the name is taken, or the group's limits are set elsewhere.
        """
        values = {
            "region": region,
            "workspace": workspace or None,
            "base_url": base_url or None,
            "api_key_env": api_key_env or DEFAULT_KEY_VARIABLE,
        }
        _check(name, values, quota_group, limits, unchecked=unchecked)
        with self._context.database.write() as connection:
            accounts.lock_changes(connection)
            changes = self._changes(connection)
            if accounts.find(connection, name) is not None:
                raise AccountRejected(name, "it exists already", "voicereg account edit changes it")
            usual = dict.fromkeys(Family, DEFAULT_LIMIT)
            group_id = self._group(changes, name, quota_group, limits, usual)
            accounts.insert(
                connection,
                values
                | {
                    "name": name,
                    "quota_group_id": group_id,
                    "created_at": changes.now,
                    "updated_at": changes.now,
                },
            )
            added = self._context.account(connection, name)
            changes.log("account.add", account=name, after=_logged(added))
            return added

    @idempotent
    def edit(
        self,
        name: str,
        *,
        region: str | None,
        workspace: str | None,
        base_url: str | None,
        api_key_env: str | None,
        quota_group: str | None,
        limits: Mapping[Family, int],
        unchecked: bool,
    ) -> Account:
        """Change an account; None leaves a value as it is, an empty text takes it away.

        Raises:
            InvalidInput, AccountNotFound: as the others do.
            AccountRejected: its voices do not fit into the other quota group.
        """
        given = {
            "region": region,
            "workspace": workspace,
            "base_url": base_url,
            "api_key_env": api_key_env,
        }
        values: dict[str, Any] = {
            column: value or None for column, value in given.items() if value is not None
        }
        with self._context.database.write() as connection:
            accounts.lock_changes(connection)
            changes = self._changes(connection)
            made = set() if quota_group else _make_missing_limits(changes, name, limits)
            before = self._context.account(connection, name, accounts.Lock.ALONE)
            _check(name, values, quota_group, limits, unchecked=unchecked)
            if quota_group is not None and quota_group != before.quota_group:
                values["quota_group_id"] = self._move(changes, before, quota_group, limits)
            else:
                for family, limit in sorted(limits.items()):
                    accounts.set_limit(
                        connection, before.quota_group_id, family, limit, changes.now
                    )
            if values:
                accounts.update(connection, before.id, values)
            if "quota_group_id" in values:
                accounts.drop_group_if_unused(connection, before.quota_group_id)
            after = self._context.account(connection, name)
            old, new = _logged(before), _logged(after)
            for family in made:
                del old["limits"][family.value]
            changed = [field for field in new if old[field] != new[field]]
            if not changed:
                return before
            accounts.update(connection, before.id, {"updated_at": changes.now})
            changes.log(
                "account.edit",
                account=name,
                before={field: old[field] for field in changed},
                after={field: new[field] for field in changed},
            )
            return replace(after, updated_at=changes.now)

    @repeated
    def remove(self, name: str) -> None:
        """Remove an account that no voice is recorded of.

        Raises:
            AccountNotFound: there is none of that name.
            AccountRejected: voices are recorded of it, gone ones included.
        """
        with self._context.database.write() as connection:
            accounts.lock_changes(connection)
            changes = self._changes(connection)
            found = self._context.account(connection, name, accounts.Lock.ALONE)
            recorded = accounts.voice_count(connection, found.id)
            if recorded:
                raise AccountRejected(
                    name,
                    f"{recorded} voices are recorded of it, and the record of a voice is never "
                    "erased; it was not removed",
                )
            accounts.delete(connection, found)
            changes.log("account.remove", account=name, before=_logged(found))

    def _changes(self, connection: sa.Connection) -> Changes:
        now = self._context.database.now(connection)
        return Changes(connection, actor=self._context.actor, now=now)

    def _group(
        self,
        changes: Changes,
        account: str,
        quota_group: str | None,
        limits: Mapping[Family, int],
        usual: Mapping[Family, int],
    ) -> int:
        """The quota group of that name; a new one with the usual limits, but for those given."""
        existing = accounts.find_group(changes.connection, quota_group or account)
        if existing is not None and quota_group is None:
            raise AccountRejected(
                account,
                f"a quota group of that name exists already; to share its quotas, say "
                f"--quota-group {account}",
                "or name another group with --quota-group",
            )
        if existing is None:
            return accounts.insert_group(
                changes.connection, quota_group or account, {**usual, **limits}, changes.now
            )
        for family, limit in sorted(limits.items()):
            accounts.set_limit(changes.connection, existing, family, limit, changes.now)
        return existing

    def _move(
        self, changes: Changes, account: Account, quota_group: str, limits: Mapping[Family, int]
    ) -> int:
        """Put an account and its voices into another quota group, when they fit."""
        connection = changes.connection
        account.require_limits()
        group_id = self._group(changes, account.name, quota_group, limits, account.limits)
        missing = set(Family) - accounts.limits_of(connection, group_id).keys()
        if missing:
            raise AccountRejected(
                account.name,
                f"{quota_group} has no limit for {' and '.join(sorted(missing))}; it was not moved",
                f"set it as well: {' '.join(f'--limit {family}=N' for family in sorted(missing))}",
            )
        for group in sorted({account.quota_group_id, group_id}):
            for family in sorted(Family):
                slots.lock_limit(connection, group, family)
        twice = voices.twice_recorded(connection, account.id, group_id)
        left = [ours for ours, theirs in twice if not merge(changes, ours, theirs)]
        if left:
            raise AccountRejected(
                account.name,
                f"{len(left)} of its voices, made through the registry, are recorded in "
                f"{quota_group} as well; it was not moved",
            )
        already = slots.held(connection, group_id)
        voices.lock_all_of(connection, account.id)
        voices.move_to_group(connection, account.id, group_id)
        after = slots.held(connection, group_id)
        for family, limit in accounts.limits_of(connection, group_id).items():
            if already[family].used < after[family].used > limit:
                raise AccountRejected(
                    account.name,
                    f"{quota_group} would hold {after[family].used} {family.value} voices, "
                    f"and its limit is {limit}; it was not moved",
                )
        return group_id


def _make_missing_limits(changes: Changes, name: str, limits: Mapping[Family, int]) -> set[Family]:
    """Give the account's quota group those limits that somebody has deleted by hand.

    Without any, the account cannot even be read.

    Returns:
        The families of which there was none.
    """
    if not is_storable(name):
        return set()
    group_id = changes.connection.execute(
        sa.select(tables.accounts.c.quota_group_id).where(tables.accounts.c.name == name)
    ).scalar_one_or_none()
    if group_id is None:
        return set()
    missing = limits.keys() - accounts.limits_of(changes.connection, group_id).keys()
    made = {family for family in missing if 0 <= limits[family] <= _LARGEST_LIMIT}
    for family in sorted(made):
        accounts.set_limit(changes.connection, group_id, family, limits[family], changes.now)
    return made


def _check(
    name: str,
    values: Mapping[str, Any],
    quota_group: str | None,
    limits: Mapping[Family, int],
    *,
    unchecked: bool,
) -> None:
    problems: list[Problem] = []
    letters = "it takes 1 to 64 letters, digits, dots, dashes and underscores"
    if not _NAME.fullmatch(name):
        problems.append(Problem("name", name, letters))
    if quota_group is not None and not _NAME.fullmatch(quota_group):
        problems.append(Problem("quota-group", quota_group, letters))
    if "region" in values:
        problems += _region_problems(values["region"] or "", unchecked=unchecked)
    workspace = values.get("workspace")
    if workspace is not None and not HOST_LABEL.fullmatch(workspace):
        problems.append(Problem("workspace", workspace, "it takes letters, digits and dashes"))
    if "api_key_env" in values and not _VARIABLE.fullmatch(values["api_key_env"] or ""):
        # The value is not shown: it may be a key, put here by mistake.
        problems.append(
            Problem(
                "api-key-env",
                "",
                "it takes the name of an environment variable, such as DASHSCOPE_API_KEY; "
                "the key itself is never stored",
            )
        )
    for family, limit in limits.items():
        if not 0 <= limit <= _LARGEST_LIMIT:
            problems.append(
                Problem("limit", f"{family.value}={limit}", f"it is 0 to {_LARGEST_LIMIT}")
            )
    if problems:
        raise InvalidInput(*problems)
    base_url = values.get("base_url")
    if base_url is not None:
        if not is_storable(base_url):
            raise InvalidInput(Problem("base-url", "", "it is not a URL"))
        checked_base_url(base_url)


def _region_problems(region: str, *, unchecked: bool) -> list[Problem]:
    known = [member.value for member in Region]
    if region not in known and not unchecked:
        return [Problem("region", region, f"it must be one of {', '.join(known)}")]
    if not HOST_LABEL.fullmatch(region):
        return [Problem("region", region, "it takes letters, digits and dashes")]
    return []


def _logged(account: Account) -> dict[str, Any]:
    fields = account.as_dict()
    for noise in ("name", "created_at", "updated_at"):
        del fields[noise]
    return fields
