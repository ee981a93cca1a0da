"""Voices from the rows of a file, put on record or changed: all in one transaction, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.errors import AccountNotFound, InvalidInput, Problem
from voicereg.domain.exchange import (
    DECLARED,
    FACTS,
    RowProblem,
    VoiceRow,
    VoicesImported,
    contradictions,
    new_voice,
    read_row,
)
from voicereg.domain.families import Family
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis, Voice
from voicereg.registry.changes import Changes
from voicereg.registry.context import Context
from voicereg.registry.repeating import repeated
from voicereg.registry.uses import claim
from voicereg.store import aliases, slots, voices
from voicereg.store.accounts import Lock

Cells = Mapping[str, Any] | Exception
"""What a row holds, by key; or why it cannot be read."""

_ADDED = "voice.import-row"
_CHANGED = "voice.edit"


class Imports:
    """Takes voices from rows. The provider never hears of it: the next sync compares them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(
        self,
        rows: Iterable[tuple[int, Cells]],
        *,
        account: str | None,
        skip_bad: bool,
        dry_run: bool,
    ) -> VoicesImported:
        """Put the voices of rows on record, and change those that are.

        Args:
            rows: the line of each, and its cells.
            account: where voices go whose row names none; None: the selected one.
            skip_bad: pass over bad rows, rather than doing nothing.
            dry_run: only look what would be done.

        Raises:
            AccountNotFound: no such account.
        """
        selected = self._context.selected(account)
        done = VoicesImported()
        now = self._context.clock.now()
        read: list[tuple[int, VoiceRow]] = []
        for line, cells in rows:
            done.rows += 1
            try:
                if isinstance(cells, Exception):
                    raise InvalidInput(Problem("row", "", str(cells)))
                read.append((line, read_row(cells, now)))
            except InvalidInput as refused:
                done.problems.append(RowProblem(line, str(refused)))
        # What is wrong by itself is found before anybody is kept waiting.
        return self._write(done, read, selected, skip_bad, dry_run)

    @repeated
    def _write(
        self,
        read: VoicesImported,
        rows: list[tuple[int, VoiceRow]],
        selected: Account,
        skip_bad: bool,
        dry_run: bool,
    ) -> VoicesImported:
        try:
            with self._context.database.write() as connection:
                done = replace(read, problems=list(read.problems))
                work = _Work(self._context, connection, selected.name, done)
                work.take_all(rows)
                done.problems.sort(key=lambda problem: problem.line)
                done.is_done = not dry_run and (skip_bad or not done.problems)
                if not done.is_done:
                    raise _NothingIsToBeDone(done)
        except _NothingIsToBeDone as found:
            return found.done
        return done


class _NothingIsToBeDone(Exception):
    def __init__(self, done: VoicesImported) -> None:
        self.done = done


class _Work:
    """One import, within its transaction."""

    def __init__(
        self, context: Context, connection: sa.Connection, selected: str, done: VoicesImported
    ) -> None:
        self._context = context
        self._connection = connection
        self._selected = selected
        self._done = done
        self._accounts: dict[str, Account] = {}
        self._now = context.clock.now()
        self._changes = Changes(connection, actor=context.actor, now=self._now)
        self._lines: dict[str, int] = {}
        """Where in the file each voice was, by registry id."""

    def take_all(self, rows: Sequence[tuple[int, VoiceRow]]) -> None:
        """Do what the rows say; what stands in for another comes after it, wherever it is."""
        self._lock({row.account or self._selected for _, row in rows})
        added: list[Voice] = []
        waiting = list(rows)
        while waiting:
            ready = [(line, row) for line, row in waiting if self._is_ready(row)] or waiting
            added += filter(None, [self._take_one(line, row) for line, row in ready])
            taken = {line for line, _ in ready}
            waiting = [(line, row) for line, row in waiting if line not in taken]
        ids = {voice.voice_id for voice in added if voice.voice_id is not None}
        claim(self._connection, ids, self._now)
        found = Counter(
            (voice.quota_group_id, voice.family) for voice in added if voice.state.holds_slot
        )
        for (group, family), count in sorted(found.items()):
            slots.explain(self._connection, group, family, count)

    def _lock(self, names: Collection[str]) -> None:
        """Keep accounts in their quota groups, and others from taking slots there."""
        for name in sorted(names):
            with suppress(AccountNotFound):
                found = self._context.account(self._connection, name, Lock.STEADY)
                self._accounts[name] = found
        for group in sorted({account.quota_group_id for account in self._accounts.values()}):
            for family in sorted(Family):
                slots.lock_limit(self._connection, group, family)
        # After the locks: what was waited for has happened before this.
        self._now = self._context.database.now(self._connection)
        self._changes.now = self._now

    def _is_ready(self, row: VoiceRow) -> bool:
        return row.replaces is None or voices.get(self._connection, row.replaces) is not None

    def _take_one(self, line: int, row: VoiceRow) -> Voice | None:
        """Do what one row says, or note why it cannot be done; return the voice that it added."""
        try:
            with self._connection.begin_nested():
                before, after = self._take(line, row)
        except InvalidInput as refused:
            self._done.problems.append(RowProblem(line, str(refused)))
            return None
        self._lines[after.id] = line
        if before is None:
            self._done.added += 1
            return after
        if before == after:
            self._done.unchanged += 1
        else:
            self._done.changed += 1
        return None

    def _take(self, line: int, row: VoiceRow) -> tuple[Voice | None, Voice]:
        """The voice as it was, None: on no record; and as the row made it."""
        name = row.account or self._selected
        if name not in self._accounts:
            raise InvalidInput(
                Problem("account", name, f"there is none; voicereg account add {name} makes it")
            )
        account = self._accounts[name]
        before = self._on_record(account, row)
        if before is not None and before.id in self._lines:
            earlier = self._lines[before.id]
            raise InvalidInput(Problem("id", before.id, f"line {earlier} is of the same voice"))
        if before is None and not self._is_ready(row):
            raise InvalidInput(Problem("replaces", str(row.replaces), "no voice has this id"))
        after = self._add(account, row) if before is None else self._change(row, before)
        for alias in row.aliases or ():
            self._name(account, alias, after)
        return before, after

    def _on_record(self, account: Account, row: VoiceRow) -> Voice | None:
        """The voice that a row is of; None: it is new."""
        by_id = None if row.id is None else voices.get(self._connection, row.id, lock=True)
        held = (
            None
            if row.voice_id is None
            else voices.holder_of(self._connection, account.quota_group_id, row.voice_id)
        )
        if by_id is None:
            return None if held is None else voices.one(self._connection, held, lock=True)
        if by_id.account != account.name:
            raise InvalidInput(
                Problem("id", by_id.id, f"it is a voice of the account {by_id.account}")
            )
        if row.voice_id is not None and row.voice_id != by_id.voice_id:
            raise InvalidInput(
                Problem("voice_id", row.voice_id, f"{by_id.id} has {by_id.voice_id or 'none'}")
            )
        return by_id

    def _add(self, account: Account, row: VoiceRow) -> Voice:
        voice = new_voice(
            row,
            registry_id=row.id or self._context.new_id(),
            account=account.name,
            group_id=account.quota_group_id,
            now=self._now,
        )
        voices.insert(self._connection, voice, account.id)
        self._changes.log(
            _ADDED,
            account=account.name,
            voice=voice.id,
            after={
                "voice_id": voice.voice_id,
                "target_model": voice.target_model,
                "state": voice.state,
                "created_at": voice.created_at,
                "deadline_at": voice.deadline_at,
            },
            reason="a file says so",
        )
        return voice

    def _change(self, row: VoiceRow, voice: Voice) -> Voice:
        problems = contradictions(row, voice)
        if problems:
            raise InvalidInput(*problems)
        values: dict[str, Any] = {
            key: getattr(row, key)
            for key in FACTS
            if getattr(row, key) is not None and getattr(voice, key) is None
        }
        values |= {key: getattr(row, key) for key in ("owner", "note") if key in row.given}
        if "tags" in row.given:
            values["tags"] = row.tags or {}
        if row.pinned is not None:
            values["pinned"] = row.pinned
        values |= _declared(row, voice)
        values |= _later_use(row.last_used_at, row.last_used_source, voice)
        return self._changes.apply(voice, _CHANGED, values, "a file says so")

    def _name(self, account: Account, alias: str, voice: Voice) -> None:
        for known in aliases.find(self._connection, [account.id], alias):
            if known.voice != voice.id:
                raise InvalidInput(Problem("aliases", alias, f"it stands for voice {known.voice}"))
            return
        aliases.put(self._connection, account.id, alias, voice.id, self._now)
        self._changes.log(
            "alias.set",
            account=account.name,
            voice=voice.id,
            after={"alias": alias, "voice": voice.id},
            reason="a file says so",
        )


def _declared(row: VoiceRow, voice: Voice) -> dict[str, Any]:
    """What a row says of what manifests and choices made of a voice, and what follows from it."""
    values = {key: getattr(row, key) for key in DECLARED if key in row.given}
    if values.get("manifest_key"):
        values["candidate_for"] = None
    elif values.get("candidate_for"):
        values["manifest_key"] = None
    if "candidate_for" in values and values["candidate_for"] != voice.candidate_for:
        # An alias that was to go with another key, or with none.
        values.setdefault("candidate_alias", None)
    return values


def _later_use(at: datetime | None, source: str | None, voice: Voice) -> dict[str, Any]:
    """What a later use changes; a last use never moves backward by this."""
    if at is None or voice.state.is_gone or (voice.last_used_at and at <= voice.last_used_at):
        return {}
    values: dict[str, Any] = {"last_used_at": at, "last_used_source": source}
    if at > voice.last_activity_at:
        values |= {"deadline_at": at + INACTIVITY_LIMIT, "deadline_basis": DeadlineBasis.USED}
    return values
