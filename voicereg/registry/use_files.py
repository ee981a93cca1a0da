"""Uses that only a log has seen: read from a file of any length, and counted once."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from voicereg.domain.errors import InvalidInput, Problem, UsesReadElsewhere
from voicereg.domain.uses import (
    LineProblem,
    UseNote,
    UsesImported,
    UsesRecorded,
    check_source,
    check_use,
)
from voicereg.domain.voice_ids import is_voice_id
from voicereg.registry.context import Context
from voicereg.registry.repeating import idempotent, repeated
from voicereg.registry.uses import count
from voicereg.store import uses

_LINES_AT_ONCE = 50_000
"""So many lines are counted in one transaction."""
_LONGEST_LINE_BYTES = 1024 * 1024
_BLOCK_BYTES = 1024 * 1024
_LONGEST_WHY = 200
_TOLD = 20
"""So many bad lines are told of one by one."""

OnBytes = Callable[[int, int | None], None]
"""Told how many bytes have been read, and how many there are, as far as that is known."""


class UseFiles:
    """Reads files of uses: JSON lines or CSV, with ``voice_id``, ``at``, ``count``, ``source``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(
        self,
        file: BinaryIO,
        *,
        source: str | None = None,
        dedupe: bool = False,
        on_bytes: OnBytes | None = None,
    ) -> UsesImported:
        """Count the uses of a file. Its length does not matter: little of it is held in memory.

        Args:
            file: what is read; its beginning tells whether it is JSON lines or CSV.
            source: names uses whose line does not say; None: as the registry was opened.
            dedupe: pass over what was read of this file before; it may have grown since.
            on_bytes: told how far it has come.

        Raises:
            InvalidInput: neither JSON lines nor CSV with the columns, nothing to find a repeat
                by (a pipe), or an odd source.
            UsesReadElsewhere: another program reads the same file.
            DatabaseProblem: what was counted until then is counted; with ``dedupe``, reading it
                again goes on there.
        """
        if source is not None:
            check_source(source)
        size = _size(file)
        skipped = 0
        if dedupe:
            if size is None:
                raise InvalidInput(
                    Problem("dedupe", "", "a pipe cannot be read twice: give the name of a file")
                )
            skipped = self._read_before(file, size)
        lines = _Lines(file, on_bytes or (lambda done, whole: None), size)
        rows = _rows(lines, skipped)
        tally = _Tally(self._context.clock.now(), source or self._context.source)
        imported = UsesImported(skipped_bytes=skipped)
        for number, row in rows:
            if dedupe and lines.is_cut:
                if not isinstance(row, _Whole):
                    row = ValueError("it has no end yet, and is counted when it has")
                else:
                    lines.take_cut()
            tally.take(number, row)
            if tally.lines >= _LINES_AT_ONCE:
                self._write(tally, lines if dedupe else None, imported)
        self._write(tally, lines if dedupe else None, imported)
        return imported

    @idempotent
    def _known(self, size: int) -> list[tuple[int, str]]:
        with self._context.database.read() as connection:
            return list(uses.read_so_far(connection, size))

    def _read_before(self, file: BinaryIO, size: int) -> int:
        """How much of the file has been read before, in bytes."""
        known = self._known(size)
        digest = hashlib.sha256()
        at = found = 0
        for length, expected in known:
            while at < length:
                block = file.read(min(_BLOCK_BYTES, length - at))
                if not block:
                    break
                digest.update(block)
                at += len(block)
            if at == length and digest.hexdigest() == expected:
                found = length
        file.seek(0)
        return found

    def _write(self, tally: _Tally, lines: _Lines | None, imported: UsesImported) -> None:
        """Count what was read, in one transaction with how far that is.

        How far every such step came stays noted: one who reads the same file more slowly comes to
        the end of the same step, and must see that another was there.
        """
        if tally.notes or lines is not None:
            done = self._count(tally, lines, imported)
            if lines is not None:
                lines.noted_bytes = lines.taken_bytes
            imported.uses += done.uses
            imported.voices.update(note[0] for note in tally.notes)
            for voice_id, missed in done.unclaimed.items():
                imported.unclaimed[voice_id] = imported.unclaimed.get(voice_id, 0) + missed
        imported.lines += tally.lines
        imported.bad_lines += tally.bad
        imported.problems += tally.problems[: max(0, _TOLD - len(imported.problems))]
        tally.begin_anew()

    @repeated
    def _count(self, tally: _Tally, lines: _Lines | None, imported: UsesImported) -> UsesRecorded:
        database = self._context.database
        with database.write() as connection:
            now = database.now(connection)
            if (
                lines is not None
                and lines.taken_bytes > max(imported.skipped_bytes, lines.noted_bytes)
                and not uses.note_read(connection, lines.digest(), lines.taken_bytes, now)
            ):
                raise UsesReadElsewhere(lines.taken_bytes)
            return count(connection, tally.as_notes(), now)


def _size(file: BinaryIO) -> int | None:
    """The size of a regular file; None for a pipe."""
    try:
        found = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


class _Lines:
    """The lines of a file, with how much of it they are."""

    def __init__(self, file: BinaryIO, tell: OnBytes, whole: int | None) -> None:
        self._file = file
        self._tell = tell
        self._whole = whole
        self._digest = hashlib.sha256()
        self._cut = b""
        self.size_bytes = 0
        """How much was read."""
        self.began_bytes = 0
        """Where the last line begins."""
        self.taken_bytes = 0
        """How much of that need not be read again: all but a line that has no end yet."""
        self.noted_bytes = 0
        """How much of that is noted in the database."""
        self.number = 0

    def digest(self) -> str:
        """Of everything that need not be read again."""
        return self._digest.hexdigest()

    @property
    def is_cut(self) -> bool:
        """Whether the last line has no end: somebody may be writing it."""
        return bool(self._cut)

    def take_cut(self) -> None:
        """The last line is whole, though the end of it is missing."""
        self._take(self._cut)
        self._cut = b""

    def __iter__(self) -> Iterator[bytes | None]:
        """Each line; None for one that is too long."""
        while piece := self._file.readline(_LONGEST_LINE_BYTES):
            self.number += 1
            line: bytes | None = piece
            self.began_bytes = self.size_bytes
            self.size_bytes += len(piece)
            while len(piece) == _LONGEST_LINE_BYTES and not piece.endswith(b"\n"):
                self._take(piece)
                line = None
                piece = self._file.readline(_LONGEST_LINE_BYTES)
                self.size_bytes += len(piece)
            if line is None or piece.endswith(b"\n"):
                self._take(piece)
            else:
                self._cut = piece
            if self.number % 10_000 == 0:
                self._tell(self.size_bytes, self._whole)
            yield line
        self._tell(self.size_bytes, self._whole)

    def _take(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.taken_bytes += len(piece)


class _Whole(dict[str, Any]):
    """A row that ends by itself: nothing written after it can change it."""


def _rows(lines: _Lines, skipped_bytes: int) -> Iterator[tuple[int, Any]]:
    """Each row with the number of its line; what cannot be read comes as its error."""
    texts = _texts(lines)
    first: str | Exception = ""
    while isinstance(first, str) and not first.lstrip("\ufeff").strip():
        following = next(texts, None)
        if following is None:
            return
        first = following
    if isinstance(first, str) and first.lstrip("\ufeff").lstrip().startswith("{"):
        rows = _json_rows(first, texts)
    else:
        rows = _csv_rows(first, texts)
    for row in rows:
        # A line that had no end then, and has one now, was whole, or it would not be passed over.
        if lines.began_bytes >= skipped_bytes:
            yield lines.number, row


def _texts(lines: _Lines) -> Iterator[str | Exception]:
    for line in lines:
        if line is None:
            yield ValueError("it is too long")
            continue
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield ValueError("it is not UTF-8")


def _json_rows(first: str, texts: Iterator[str | Exception]) -> Iterator[Any]:
    yield _parsed(first.lstrip("\ufeff"))
    for text in texts:
        if isinstance(text, Exception):
            yield text
        elif text.strip():
            yield _parsed(text)


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ValueError("it is no JSON")
    return _Whole(value) if isinstance(value, dict) else value


def _csv_rows(first: str | Exception, texts: Iterator[str | Exception]) -> Iterator[Any]:
    names: list[str] = []
    if isinstance(first, str):
        with suppress(csv.Error):
            header = next(csv.reader([first.lstrip("\ufeff")]), [])
            names = [name.strip() for name in header]
    if "voice_id" not in names or "at" not in names:
        raise InvalidInput(
            Problem(
                "file",
                "",
                "it is neither JSON lines nor a CSV whose first line names voice_id and at",
            )
        )
    for text in texts:
        if isinstance(text, Exception):
            yield text
            continue
        try:
            values = next(csv.reader([text], strict=True), None)
        except csv.Error as error:
            yield ValueError(f"it is no CSV: {error}")
            continue
        if values:
            yield dict(zip(names, values, strict=False))


@dataclass
class _Tally:
    """Uses added up, until they are written."""

    now: datetime
    source: str
    notes: dict[tuple[str, str, int], list[Any]] = field(default_factory=dict)
    lines: int = 0
    bad: int = 0
    problems: list[LineProblem] = field(default_factory=list)

    def begin_anew(self) -> None:
        """Forget what was written."""
        self.notes, self.lines, self.bad, self.problems = {}, 0, 0, []

    def take(self, number: int, row: Any) -> None:
        """Add the uses of one line; a bad one is noted and passed over."""
        self.lines += 1
        try:
            voice_id, at, uses_, source = self._read(row)
        except (ValueError, InvalidInput) as error:
            self.bad += 1
            if len(self.problems) < _TOLD:
                self.problems.append(LineProblem(number, str(error)[:_LONGEST_WHY]))
            return
        key = (voice_id, source, at.toordinal())
        note = self.notes.get(key)
        if note is None:
            self.notes[key] = [uses_, at]
            return
        note[0] += uses_
        if at > note[1]:
            note[1] = at

    def _read(self, row: Any) -> tuple[str, datetime, int, str]:
        if isinstance(row, Exception):
            raise row
        if not isinstance(row, Mapping):
            raise ValueError("it is no JSON object")
        voice_id, when, given = row.get("voice_id"), row.get("at"), row.get("count")
        if not isinstance(voice_id, str) or not is_voice_id(voice_id):
            raise ValueError("it has no voice_id")
        if not isinstance(when, str):
            raise ValueError("it has no time (at)")
        try:
            at = datetime.fromisoformat(when)
        except ValueError:
            raise ValueError(f"at is no time: {when[:40]!r}") from None
        uses_ = 1 if given in (None, "") else _number(given)
        source = row.get("source") or None
        check_use(at=at, count=uses_, source=source, now=self.now)
        return voice_id, at.astimezone(UTC), uses_, source or self.source

    def as_notes(self) -> list[UseNote]:
        """What is added up."""
        return [
            UseNote(voice_id, source, date.fromordinal(day), uses_, at)
            for (voice_id, source, day), (uses_, at) in self.notes.items()
        ]


def _number(given: object) -> int:
    if isinstance(given, str) and given.strip().isascii() and given.strip().isdigit():
        return int(given[:20])
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise ValueError(f"count is no number: {str(given)[:40]!r}")
