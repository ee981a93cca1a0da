"""A manifest: the voices that a file declares, each with a key of its own, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from voicereg.domain import cells
from voicereg.domain.aliases import checked_alias
from voicereg.domain.designs import DesignOptions, key_problems, label_problems, labels_of
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family

MOST_CANDIDATES = 20

DESIGN = (
    "target_model",
    "family",
    "prompt",
    "preview_text",
    "name",
    "language",
    "sample_rate",
    "response_format",
)
"""What a voice is made from: the provider changes none of it later."""
LABELS = ("tags", "owner", "note", "pinned")
"""What the registry adds, and changes at any time."""
FIELDS = (*DESIGN, *LABELS, "alias", "candidates", "voice_id")
"""What an entry can say."""
_NEEDED = ("target_model", "prompt", "preview_text")
_TOP = ("account", "set", "defaults", "voices")
_OF_ONE = ("alias", "voice_id")
"""What no two voices can have, and defaults therefore cannot give."""


@dataclass(frozen=True, slots=True)
class Given:
    """One voice as a file gives it, not looked at yet."""

    key: Any
    fields: Any
    line: int | None = None
    """Where it begins, counted from 1; None: that is not known."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file, not looked at yet."""

    top: Mapping[str, Any]
    """What it says beside its voices."""
    voices: Sequence[Given]


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """A rule that a file breaks."""

    line: int | None
    key: str | None
    why: str

    def __str__(self) -> str:
        places = [f"line {self.line}"] if self.line is not None else []
        places += [self.key[:60]] if self.key is not None else []
        return f"{', '.join(places)}: {self.why}" if places else self.why

    def as_problem(self) -> Problem:
        """The same, as an error carries it."""
        return Problem("manifest" if self.key is None else self.key, "", self.why)

    def as_dict(self) -> dict[str, Any]:
        """The problem with the keys that JSON output shows."""
        return {"line": self.line, "key": self.key, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One declared voice."""

    key: str
    """With its set before it, where the file names one."""
    line: int | None
    design: Mapping[str, Any]
    """What is said of :data:`DESIGN`."""
    labels: Mapping[str, Any]
    """What is said of :data:`LABELS`; what is not is left as it is."""
    alias: str | None = None
    """The name that services resolve to it."""
    candidates: int = 1
    """How many are made to choose from."""
    voice_id: str | None = None
    """A voice on record that is this one, by either id."""

    @property
    def lacks(self) -> list[str]:
        """What it would have to say for a voice to be made."""
        return [name for name in _NEEDED if not self.design.get(name)]

    def asked(self, *, replaces: str | None, unchecked: bool) -> DesignOptions:
        """What to ask for, as :meth:`voicereg.Registry.design` takes it.

        Args:
            replaces: the registry id of the voice that the new one stands in for.
            unchecked: leave to the provider the rules that it may have changed.
        """
        asked = {
            # Most keys can be names; where one cannot, the provider's rule for names says so.
            "name": self.key.rpartition("/")[2],
            **self.design,
            "tags": self.labels.get("tags"),
            "owner": self.labels.get("owner"),
            "note": self.labels.get("note"),
            "pin": self.labels.get("pinned", False),
            "replaces": replaces,
            # How many there may be is decided by the key, not by what they replace.
            "again": True,
            "manifest_key": self.key,
            "candidates": self.candidates,
            "candidate_alias": self.alias,
            "unchecked": unchecked,
        }
        return cast(DesignOptions, asked)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file declares."""

    account: str | None
    """Whose voices they are; None: the selected account's."""
    set_name: str | None
    """What its keys begin with, so that two files can be applied to one account."""
    entries: tuple[Entry, ...]
    problems: tuple[ManifestProblem, ...]
    """Where there are some, nothing is done of it."""


def read_manifest(document: Document) -> Manifest:
    """What a document declares, each voice by itself checked as far as that goes."""
    problems: list[ManifestProblem] = []

    def of_top(where: str, why: str) -> None:
        problems.append(ManifestProblem(None, None, f"{where}: {why}"))

    for key in document.top:
        if key not in _TOP:
            of_top(str(key)[:60], cells.unknown(key, _TOP, "key at the top"))
    account = _top_text(document.top, "account", of_top)
    set_name = _top_text(document.top, "set", of_top)
    if set_name is not None and (key_problems(set_name, "set") or "/" in set_name):
        of_top("set", "it has no / in it, and no space around it")
        set_name = None
    defaults = _defaults(document.top.get("defaults"), of_top)
    entries: list[Entry] = []
    for given in document.voices:
        try:
            entries.append(_entry(given, defaults, set_name))
        except InvalidInput as refused:
            shown = given.key if isinstance(given.key, str) else None
            problems += [
                ManifestProblem(given.line, shown, str(problem)) for problem in refused.problems
            ]
    problems += _shared(entries)
    if not document.voices and not problems:
        of_top("voices", "there are none: each has a key, and what it is to be below it")
    return Manifest(account, set_name, tuple(entries), tuple(problems))


def _top_text(
    top: Mapping[str, Any], name: str, complain: Callable[[str, str], None]
) -> str | None:
    value = top.get(name)
    if value is None or (isinstance(value, str) and value):
        return value
    complain(name, "it is not a text")
    return None


def _defaults(given: Any, complain: Callable[[str, str], None]) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        complain("defaults", "they are a field and a value each")
        return {}
    for name in given:
        if name in _OF_ONE:
            complain(f"defaults.{name}", "no two voices can have the same one")
        elif name not in FIELDS:
            complain(f"defaults.{str(name)[:60]}", cells.unknown(name, FIELDS, "field"))
    return {name: given[name] for name in given if name in FIELDS and name not in _OF_ONE}


def _entry(given: Given, defaults: Mapping[str, Any], set_name: str | None) -> Entry:
    """One voice.

    Raises:
        InvalidInput: one problem for each value that says nothing that can be.
    """
    key = given.key
    if not isinstance(key, str) or not key:
        rule = "a voice has a key, which is a text: quote it"
        raise InvalidInput(Problem("key", cells.shown(key), rule))
    problems = key_problems(key, "key")
    if not problems and "/" in key:
        problems.append(Problem("key", key, "it has no / in it: that stands after a set's name"))
    if not problems and set_name is not None:
        # The two together are what the registry keeps.
        problems += key_problems(f"{set_name}/{key}", "key")
    if not isinstance(given.fields, Mapping):
        raise InvalidInput(*problems, Problem("voice", key, "it is a field and a value each"))
    said = {**defaults, **given.fields}
    common, own = defaults.get("tags"), given.fields.get("tags")
    if common is not None and own is not None:
        try:
            said["tags"] = cells.tags(common) | cells.tags(own)
        except ValueError:
            said["tags"] = own  # what is wrong with it is said below
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name not in FIELDS:
            rule = cells.unknown(name, FIELDS, "field")
            problems.append(Problem(str(name)[:60], "", rule))
            continue
        try:
            values[name] = None if value is None else _READ[name](value)
        except (ValueError, OverflowError) as error:
            problems.append(Problem(name, cells.shown(value), str(error)))
        except InvalidInput as refused:
            problems += refused.problems
    entry = Entry(
        key=key if set_name is None else f"{set_name}/{key}",
        line=given.line,
        design={name: values[name] for name in DESIGN if values.get(name) is not None},
        labels={
            name: values[name] or _NOTHING[name]
            for name in LABELS
            # Of these there can be none, and the file says that there is to be none.
            if name in values and (values[name] is not None or name in ("owner", "note"))
        },
        alias=values.get("alias"),
        candidates=values.get("candidates") or 1,
        voice_id=values.get("voice_id"),
    )
    problems += label_problems(labels_of(entry.labels))
    if entry.voice_id is None:
        refused_names = {problem.where for problem in problems}
        problems += [
            Problem(name, "", "it is missing") for name in entry.lacks if name not in refused_names
        ]
    elif entry.candidates > 1:
        problems.append(Problem("candidates", "", "a voice that is there is not one of several"))
    if problems:
        raise InvalidInput(*problems)
    return entry


_NOTHING: Mapping[str, Any] = {"tags": {}, "owner": None, "note": None, "pinned": False}


def _shared(entries: Iterable[Entry]) -> list[ManifestProblem]:
    """What two entries have of which there can be only one."""
    problems = []
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        for what, value in (
            ("key", entry.key),
            ("alias", entry.alias),
            ("voice_id", entry.voice_id),
        ):
            if value is None:
                continue
            other = seen.setdefault((what, value), entry)
            if other is not entry:
                where = other.key if other.line is None else f"{other.key}, line {other.line},"
                why = f"{what}: {where} has the same one ({value[:60]})"
                problems.append(ManifestProblem(entry.line, entry.key, why))
    return problems


def _text(given: Any) -> str:
    if isinstance(given, bool | int | float | date):
        raise ValueError("it is no text: put it in quotes")
    return plain(cells.text(given))


def plain(text: str) -> str:
    """A text without what nobody means by it.

    As a block of lines is written, it ends with a line's end; and the same file has other ends of
    lines once another system has written it.
    """
    return text.replace("\r\n", "\n").strip()


def _voice_id(given: Any) -> str:
    return cells.voice_id(_text(given))


def _candidates(given: Any) -> int:
    count = cells.number(given)
    if count > MOST_CANDIDATES:
        raise ValueError(f"at most {MOST_CANDIDATES} are made to choose from")
    return count


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(FIELDS, _text),
    "family": cells.one_of(Family),
    "sample_rate": cells.number,
    "tags": cells.tags,
    "pinned": cells.truth,
    "alias": lambda given: checked_alias(_text(given)),
    "candidates": _candidates,
    "voice_id": _voice_id,
}
