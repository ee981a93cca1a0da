"""Manifests as files: YAML, TOML, JSON, JSON lines or CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
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
        return _of_rows(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _broken(f"line {line} is not UTF-8") from None
    return _READ[form](text)


def _of_rows(data: bytes) -> Document:
    voices = []
    for line, cells in read_rows(io.BytesIO(data)):
        if isinstance(cells, Exception):
            raise _broken(f"line {line}: {cells}")
        # An empty cell says nothing: a table has a cell for everything.
        fields = {name: cell for name, cell in cells.items() if cell not in ("", None)}
        voices.append(Given(fields.pop("key", None), fields, line))
    return Document({}, voices)


def _of_yaml(text: str) -> Document:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document({}, [])
        _check_yaml_keys(root, set())
        lines = _yaml_lines(root)
        value = loader.construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        why = getattr(error, "problem", None) or str(error) or "it is nested too deeply"
        raise _broken(f"{where}it is no YAML: {why}") from None
    finally:
        loader.dispose()
    return _document(value, lines)


def _check_yaml_keys(node: Any, seen: set[int]) -> None:
    """Refuse what stands twice: of two voices with one key, YAML itself keeps only the last."""
    if id(node) in seen or isinstance(node.value, str):
        return
    seen.add(id(node))
    keys: set[str] = set()
    for part in node.value:
        if not isinstance(part, tuple):
            _check_yaml_keys(part, seen)
            continue
        key, value = part
        if isinstance(key.value, str):
            if key.value in keys:
                line = key.start_mark.line + 1
                raise _broken(f"line {line}: {key.value[:60]} is there twice")
            keys.add(key.value)
        _check_yaml_keys(value, seen)


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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _broken(f"it is no TOML: {error}") from None


def _of_json(text: str) -> Document:
    try:
        return _document(json.loads(text, object_pairs_hook=_each_once), [])
    except (json.JSONDecodeError, RecursionError) as error:
        raise _broken(f"it is no JSON: {error}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _broken(f"{twice[:60]} is there twice in one object")
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


def _broken(why: str) -> InvalidInput:
    return InvalidInput(Problem("file", "", why))


_READ: Mapping[str, Callable[[str], Document]] = {
    "yaml": _of_yaml,
    "toml": _of_toml,
    "json": _of_json,
}
