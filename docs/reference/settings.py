"""The page of the settings: what the reader of the settings file reads, and the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

from docs.reference.attributes import attributes_of
from docs.reference.markdown import code, docstring, table
from voicereg.domain.errors import InvalidInput
from voicereg.domain.quotas import QuotaThresholds
from voicereg.domain.routes import VoiceRule
from voicereg.settings import file, values
from voicereg.settings.readers import Reader

_TOP = """# Settings

A flag goes over the environment, and the environment over the settings file. The file is TOML;
`voicereg --config FILE` or `VOICEREG_CONFIG` names it, else it is `config.toml` in the user's
configuration directory. A key that is not listed here is refused by its name, and all that is
wrong is told at once. A duration is a number and its unit: `s`, `m`, `h` or `d`.

"""

_SECTIONS: dict[str, tuple[type, ...]] = {
    "": (values.Settings,),
    "create": (values.CreateSettings,),
    "quota": (QuotaThresholds,),
    "warn": (values.WarnSettings,),
    "channel": (values.ChannelSettings, VoiceRule),
    "keep_alive": (values.KeepAliveSettings,),
    "keep_alive.rules": (VoiceRule,),
    "schedule": (values.ScheduleSettings,),
    "retiring": (values.Retiring,),
    "prune": (values.PruneSettings,),
    "metrics": (values.MetricsSettings,),
    "log": (values.LogSettings,),
    "postgresql": (values.PostgresqlSettings,),
}
"""What says the meaning of the keys of each section."""

ENVIRONMENT = {
    "VOICEREG_DATABASE": "the registry: a URL, or the path of a SQLite file; the flag is `-d`",
    "VOICEREG_ACCOUNT": "the selected account; the flag is `-a`",
    "VOICEREG_BASE_URL": "overrides the address of the selected account; the flag is `--base-url`",
    "VOICEREG_CONFIG": "the settings file; the flag is `--config`",
    "VOICEREG_SETTLE_AFTER": "`create.settle_after`",
    "VOICEREG_PLAYER": "the program that `preview --play` runs, with its options",
    "VOICEREG_SOURCE": "who uses the voices, for the record of uses; else the program's name",
}
"""The variables of voicereg itself."""
_OTHERS = {
    "DASHSCOPE_API_KEY": "the API key of the account `default`; each account has the *name* of its "
    "own variable (`voicereg account add --api-key-env NAME`)",
    "NAME": "the URL of a channel or of the heartbeat whose setting is `env:NAME`",
    "NO_COLOR": "no colours, whatever it holds",
    "HTTPS_PROXY, NO_PROXY, …": "proxies, as `httpx` reads them",
    "PGPASSWORD, PGPASSFILE, PGSSLROOTCERT, …": "what `libpq` reads, for PostgreSQL",
}
_PROBES: tuple[Any, ...] = (object(), "", [], [0], "=x", "999999d")
"""Values that do not fit, which make a reader say its rules."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is read."""

    name: str
    rules: str
    """What its value must be."""
    default: str
    """In TOML; empty: none."""


class _Recorder:
    """Stands in for a table of the file, and notes what is asked of it."""

    def __init__(self, name: str, sections: dict[str, list[Key]]) -> None:
        self.is_empty = False
        self._name = name
        self._sections = sections
        self._keys = sections.setdefault(name, [])

    def take(self, key: str, read: Reader[Any], default: Any) -> Any:
        self._keys.append(Key(key, _rules(read), _toml(default)))
        return default

    def need(self, key: str, read: Reader[Any]) -> None:
        self._keys.append(Key(key, _rules(read), "required"))

    def table(self, key: str) -> _Recorder:
        return self._inner(key)

    def tables(self, key: str, form: str) -> list[_Recorder]:
        return [self._inner(key)]

    def problems(self) -> Iterable[Any]:
        return ()

    def _inner(self, key: str) -> _Recorder:
        return _Recorder(f"{self._name}.{key}" if self._name else key, self._sections)


def sections() -> dict[str, list[Key]]:
    """The keys of each section, as the reader of the file asks for them."""
    found: dict[str, list[Key]] = {}
    with mock.patch.object(file, "Table", return_value=_Recorder("", found)):
        file.read_file(Path(os.devnull))
    return found


def page() -> str:
    """The page."""
    parts = [_TOP]
    for name, keys in sections().items():
        meanings = {
            key: attribute.docstring
            for kind in reversed(_SECTIONS[name])
            for key, attribute in attributes_of(kind).items()
        }
        rows = [
            (
                code(key.name),
                key.rules,
                _default(key),
                docstring(_meaning(name, key, meanings), none="unset"),
            )
            for key in keys
        ]
        parts += [_heading(name), table(("key", "value", "default", "meaning"), rows), "\n"]
    parts += [
        "## Environment variables\n\n",
        table(("variable", "meaning"), [(code(n), m) for n, m in (ENVIRONMENT | _OTHERS).items()]),
    ]
    return "".join(parts)


def _meaning(section: str, key: Key, meanings: dict[str, str]) -> str:
    said = meanings.get(key.name, "")
    assert said, f"the attribute {key.name} of {section or 'Settings'} has no docstring"
    return said


def _heading(section: str) -> str:
    said = docstring(_SECTIONS[section][0].__doc__ or "", none="unset")
    if section == "":
        return f"## At the top of the file\n\n{said}\n\n"
    if section in ("channel", "retiring"):
        return f"## [[{section}]]\n\n{said} Once for each.\n\n"
    if section == "keep_alive.rules":
        return (
            "## keep_alive.rules\n\n"
            f'A list of tables such as `[{{ tag = "use=news" }}]`. {said} '
            "Each rule must name at least one.\n\n"
        )
    return f"## [{section}]\n\n{said}\n\n"


def _default(key: Key) -> str:
    return key.default if key.default in ("", "required") else code(key.default)


def _rules(read: Reader[Any]) -> str:
    """What a reader says of values that do not fit, each once."""
    said: list[str] = []
    for probe in _PROBES:
        try:
            read("", probe)
        except InvalidInput as error:
            rule = error.problems[0].rule.removeprefix("it must ").removeprefix("be ")
            rule = rule.partition(": with none")[0].replace("name at least", "at least")
            if probe == [0] and "list" not in rule:
                rule = f"each {rule}"
            if not any(rule in other or other in rule for other in said):
                said.append(rule)
    if len(said) > 1:
        said = [rule for rule in said if rule not in ("a text", "not be empty")] or said
    return docstring(", ".join(said).replace("not be empty", "not empty"))


def _toml(value: Any) -> str:
    """A default as the file would have it."""
    match value:
        case None | ():
            return ""
        case bool():
            return str(value).lower()
        case timedelta():
            return f'"{_duration(value)}"'
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case Enum():
            return f'"{value.value}"'
        case str():
            return f'"{value}"'
        case date() | int() | float():
            return str(value)
    raise AssertionError(f"a default of a kind that is not known here: {value!r}")


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, length in (("d", 86_400), ("m", 60)):
        if seconds > length and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
