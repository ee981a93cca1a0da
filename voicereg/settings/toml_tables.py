"""Tables of the settings file: every key is taken by name, and what is left over is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.settings.readers import Reader, shown

Value = TypeVar("Value")
Default = TypeVar("Default")


class Table:
    """A table of the file, from which every key must be taken by name.

    What is wrong is kept and not raised, so that whoever mends the file hears of all of it at
    once; the default stands in until then. Tables of an array are counted from 1.
    """

    def __init__(self, file: Path, content: Mapping[str, Any], name: str = "") -> None:
        self.file = file
        self.name = name
        self.is_empty = not content
        self._left = dict(content)
        self._problems: list[Problem] = []
        self._inner: list[Table] = []

    def where(self, key: str) -> str:
        """The place of a key, for an error."""
        return f"{self.file}: {self._inside(key)}"

    def take(self, key: str, read: Reader[Value], default: Default) -> Value | Default:
        """The value of a key, or ``default``."""
        if key not in self._left:
            return default
        try:
            return read(self.where(key), self._left.pop(key))
        except InvalidInput as error:
            self._problems += error.problems
            return default

    def need(self, key: str, read: Reader[Value]) -> Value | None:
        """The value of a key that must be there; None: it is not, or does not fit."""
        if key not in self._left:
            self.refuse(key, "", "it must be set")
        return self.take(key, read, None)

    def table(self, key: str) -> Table:
        """The table of a key; an empty one where there is none."""
        content = self._left.pop(key, {})
        if not isinstance(content, dict):
            self.refuse(key, content, f"it must be a table [{self._inside(key)}]")
            content = {}
        return self._entered(content, key)

    def tables(self, key: str, form: str) -> list[Table]:
        """The tables of an array; none where there is none.

        Args:
            key: the array.
            form: how it is written, for whoever wrote something else.
        """
        content = self._left.pop(key, [])
        if not isinstance(content, list):
            self.refuse(key, content, f"it must be {form}")
            return []
        found = []
        for number, each in enumerate(content, start=1):
            place = f"{key}[{number}]"
            if isinstance(each, dict):
                found.append(self._entered(each, place))
            else:
                self.refuse(place, each, f"it must be a table: {key} is {form}")
        return found

    def refuse(self, key: str, value: Any, rule: str) -> None:
        """Keep it that the value of a key breaks a rule."""
        self._problems.append(Problem(self.where(key), shown(value), rule))

    def problems(self) -> Iterable[Problem]:
        """All that is wrong here and in the tables inside, unknown keys included."""
        yield from self._problems
        for key in self._left:
            # Somebody may have put the URL where the name of the setting belongs.
            known = "…" if "://" in key else key
            yield Problem(self.where(known), "", "there is no such setting")
        for table in self._inner:
            yield from table.problems()

    def _inside(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _entered(self, content: Mapping[str, Any], key: str) -> Table:
        table = Table(self.file, content, self._inside(key))
        self._inner.append(table)
        return table
