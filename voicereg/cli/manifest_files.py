"""Manifests as files: YAML, TOML, JSON, JSON lines or CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from voicereg.cli.rows import read_rows
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.manifests import Document, Given

ENDINGS = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
}
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))
_DEEPEST = 32
"""No manifest nests deeper; a parser that recurses would run out of its stack at some depth."""
_MOST_MERGED = 1_000
"""So many keys can ``<<`` bring into one mapping: merges of merges grow without a limit."""


def form_of(file: Path, said: str | None) -> str:
    """The format of a file: what was said, or what its ending tells.

    Raises:
        InvalidInput: neither tells it.
    """
    found = said or ENDINGS.get(file.suffix.lower())
    if found is None:
        rule = f"its ending tells no format; --format says it: {', '.join(FORMATS)}"
        raise InvalidInput(Problem("file", str(file), rule))
    return found


def read_document(stream: BinaryIO, form: str) -> Document:
    """What a file says, not looked at yet.

    Args:
        stream: the file.
        form: one of :data:`FORMATS`.

    Raises:
        InvalidInput: it is none of that format, or says something twice.
    """
    data = stream.read()
    if form in ("jsonl", "csv"):
        return _of_rows(data, is_table=form == "csv")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _broken(f"line {line} is not UTF-8") from None
    return _READ[form](text)


def _of_rows(data: bytes, *, is_table: bool) -> Document:
    voices = []
    for line, cells in read_rows(io.BytesIO(data)):
        if isinstance(cells, Exception):
            raise _broken(f"line {line}: {cells}")
        fields = dict(cells)
        if is_table:
            # An empty cell says nothing: a table has a cell for everything.
            fields = {name: cell for name, cell in cells.items() if cell not in ("", None)}
        voices.append(Given(fields.pop("key", None), fields, line))
    return Document({}, voices)


def _of_yaml(text: str) -> Document:
    import yaml

    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_yaml_depth(yaml.parse(text, kind))
        loader = kind(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return Document({}, [])
            _check_yaml_keys(root, {})
            lines = _yaml_lines(root)
            value = loader.construct_document(root)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        said = (getattr(error, "context", None), getattr(error, "problem", None))
        why = ", ".join(part for part in said if part) or " ".join(str(error).split())
        raise _broken(f"{where}it is no YAML: {why}") from None
    return _document(value, lines)


def _check_yaml_depth(events: Iterable[Any]) -> None:
    """Refuse what no parser may be let go into: some end the process rather than complain."""
    from yaml import CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        if isinstance(event, CollectionStartEvent):
            depth += 1
            mark: Any = event.start_mark
            if depth > _DEEPEST:
                raise _broken(f"line {mark.line + 1}: {_TOO_DEEP}")
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _check_yaml_keys(node: Any, seen: dict[int, int]) -> int:
    """Refuse what stands twice: of two voices with one key, YAML itself keeps only the last.

    Args:
        node: what is looked at, with all below it.
        seen: how many keys each mapping has that was looked at already, by its identity.

    Returns:
        How many keys it has, those that it takes from others among them.
    """
    if id(node) in seen or isinstance(node.value, str):
        return seen.get(id(node), 0)
    seen[id(node)] = 0
    keys: set[str] = set()
    count = 0
    for part in node.value:
        if not isinstance(part, tuple):
            # Of a list of mappings to be merged, all keys are taken.
            count += _check_yaml_keys(part, seen)
            continue
        key, value = part
        if isinstance(key.value, str):
            if key.value in keys:
                line = key.start_mark.line + 1
                raise _broken(f"line {line}: {key.value[:60]} is there twice")
            keys.add(key.value)
        below = _check_yaml_keys(value, seen)
        is_merge = key.value == "<<"
        count += below if is_merge else 1
        if is_merge and count > _MOST_MERGED:
            line = key.start_mark.line + 1
            raise _broken(f"line {line}: << brings more than {_MOST_MERGED:,} keys here")
    seen[id(node)] = count
    return count


def _yaml_lines(root: Any) -> list[int]:
    """Where each voice begins."""
    voices = root
    if root.id == "mapping":
        voices = next((value for key, value in root.value if key.value == "voices"), None)
    if voices is None or isinstance(voices.value, str):
        return []
    nodes = [part[0] if isinstance(part, tuple) else part for part in voices.value]
    return [node.start_mark.line + 1 for node in nodes]


def _of_toml(text: str) -> Document:
    import tomllib

    try:
        return _document(tomllib.loads(text), [])
    except RecursionError:
        raise _broken(_TOO_DEEP) from None
    except ValueError as error:  # a number of thousands of digits among them
        raise _broken(f"it is no TOML: {error}") from None


def _of_json(text: str) -> Document:
    try:
        return _document(json.loads(text, object_pairs_hook=_each_once), [])
    except RecursionError:
        raise _broken(_TOO_DEEP) from None
    except ValueError as error:  # a number of thousands of digits among them
        raise _broken(f"it is no JSON: {error}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _broken(f"{key[:60]} is there twice in one object")
        found[key] = value
    return found


def _document(value: Any, lines: list[int]) -> Document:
    """A document of what a file holds: its voices by key, or in a list."""
    top = {"voices": value} if isinstance(value, list) else value
    if not isinstance(top, Mapping):
        raise _broken("it has voices: below it, each by its key")
    voices = top.get("voices") or []
    given: list[Given] = []
    if isinstance(voices, Mapping):
        given = [Given(key, fields) for key, fields in voices.items()]
    elif isinstance(voices, list):
        for fields in voices:
            if not isinstance(fields, Mapping):
                raise _broken("voices: each is a key and its fields")
            others = {name: field for name, field in fields.items() if name != "key"}
            given.append(Given(fields.get("key"), others))
    else:
        raise _broken("voices: they are a key each, and what it is to be below it")
    if len(lines) == len(given):
        given = [
            Given(voice.key, voice.fields, line) for voice, line in zip(given, lines, strict=True)
        ]
    return Document({name: top[name] for name in top}, given)


_TOO_DEEP = "it is nested too deeply"


def _broken(why: str) -> InvalidInput:
    return InvalidInput(Problem("file", "", why))


_READ: Mapping[str, Callable[[str], Document]] = {
    "yaml": _of_yaml,
    "toml": _of_toml,
    "json": _of_json,
}
