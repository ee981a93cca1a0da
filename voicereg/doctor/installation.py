"""What is installed, and whether it does."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from voicereg.doctor.channels import needs_apprise
from voicereg.doctor.findings import Finding, ok, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.version import __version__

_LEAST_SQLITE = (3, 35)
"""The first that knows RETURNING."""


def check(subject: Subject) -> Iterator[Finding]:
    """Python, SQLite, and the packages that only some settings need."""
    yield ok(
        "install.python",
        f"voicereg {__version__}, Python {platform.python_version()} ({sys.executable})",
    )
    yield _sqlite(sqlite3.sqlite_version_info)
    for extra in EXTRAS:
        yield _extra(extra, subject)


def _sqlite(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version >= _LEAST_SQLITE:
        return ok("install.sqlite", f"SQLite {shown}")
    least = ".".join(map(str, _LEAST_SQLITE))
    return wrong(
        "install.sqlite",
        f"SQLite {shown} is too old: {least} is the first that can do what is needed",
        "use a Python that was built with a newer SQLite",
    )


@dataclass(frozen=True, slots=True)
class _Extra:
    package: str
    name: str
    """What it is asked for by: ``pip install 'voicereg[NAME]'``."""
    use: str
    is_needed: Callable[[Subject], bool]
    """May raise Unavailable, where the settings do not tell."""


def _on_postgresql(subject: Subject) -> bool:
    return (subject.settings.database or "").startswith("postgres")


def _sends(subject: Subject) -> bool:
    return any(
        needs_apprise(channel, subject.environment) for channel in subject.whole_settings.channels
    )


def _measures(subject: Subject) -> bool:
    metrics = subject.whole_settings.metrics
    return metrics.port is not None or metrics.textfile is not None


EXTRAS = (
    _Extra("psycopg", "postgres", "PostgreSQL", _on_postgresql),
    _Extra("apprise", "notify", "mail, chat and other channels", _sends),
    _Extra("prometheus_client", "metrics", "metrics", _measures),
)


def _extra(extra: _Extra, subject: Subject) -> Finding:
    check = f"install.{extra.name}"
    if find_spec(extra.package) is not None:
        return ok(check, f"{extra.package} is installed, for {extra.use}")
    try:
        needed = extra.is_needed(subject)
    except Unavailable:
        needed = False
    if not needed:
        return ok(check, f"{extra.package} is not installed; only {extra.use} would need it")
    return wrong(
        check,
        f"{extra.package} is not installed, and the settings ask for {extra.use}",
        f"pip install 'voicereg[{extra.name}]'",
    )
