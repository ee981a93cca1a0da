"""The settings: whether they can be read, and by whom."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.domain.errors import Problem
from voicereg.settings import Settings

_ALIKE = 0.9
_FILE = "settings.file"
_MODE = "settings.mode"
_ENV = "env:"
_VARIABLES = tuple(
    f"VOICEREG_{name}"
    for name in ("ACCOUNT", "BASE_URL", "CONFIG", "DATABASE", "SETTLE_AFTER", "SOURCE")
)
_HARMLESS = re.compile(r"(env:|log:|file:)", re.IGNORECASE)
"""URLs of channels that hold no secret."""


def check(subject: Subject) -> Iterator[Finding]:
    """Whether the settings can be used, and who may read and write the file."""
    path = subject.config_path
    problems = subject.settings_problems
    for problem in problems:
        yield wrong(_FILE, str(problem), _advice(problem, path))
    there = path.is_file()
    if not problems:
        what = f"{path} is in order" if there else f"there is no {path}: the defaults hold"
        yield ok(_FILE, what)
    if there and os.name == "posix":
        yield _mode(path, subject)
    yield from _misspelt(subject)


def _advice(problem: Problem, path: Path) -> str:
    if problem.where == "config" and not path.is_file():
        return "make that file, or name another with --config or VOICEREG_CONFIG"
    if problem.where.startswith("VOICEREG_"):
        return f"set the environment variable {problem.where} to such a value, or unset it"
    if problem.rule == "there is no such setting":
        return f"take it out of {path}, or correct its name: the README shows every setting"
    return f"correct it in {path}"


def _mode(path: Path, subject: Subject) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    mend = f"chmod 600 {path}"
    if mode & 0o022:
        # Whoever may write it can have the keys sent to an address of their own.
        return warning(_MODE, f"others may change {path} (mode {mode:03o})", mend)
    if not mode & 0o044:
        return ok(_MODE, "only its owner may read the file")
    try:
        secret = _holds_secrets(subject.whole_settings, subject.in_file("database"))
    except Unavailable:
        secret = True  # for all that is known
    if secret:
        what = f"others may read {path} (mode {mode:03o}), and it may hold passwords and tokens"
        return warning(_MODE, what, mend)
    return ok(_MODE, f"others may read the file (mode {mode:03o}), and it holds no secret")


def _holds_secrets(settings: Settings, database: str | None) -> bool:
    # Of the database it is what stands in the file that counts, used or not.
    urls = [*(channel.url for channel in settings.channels), settings.schedule.heartbeat or _ENV]
    if any(not _HARMLESS.match(url) for url in urls):
        return True
    if database is None or "://" not in database:
        return False
    try:
        parsed = make_url(database)
    except (ArgumentError, ValueError):
        return True  # for all that is known
    return parsed.password is not None or "password" in parsed.query


def _misspelt(subject: Subject) -> Iterator[Finding]:
    """Variables that nothing reads, and that are called almost like one that is read."""
    try:
        settings = subject.whole_settings
    except Unavailable:
        return
    named = {url.removeprefix(_ENV) for url in (channel.url for channel in settings.channels)}
    named.add((settings.schedule.heartbeat or "").removeprefix(_ENV))
    for variable in sorted(subject.environment):
        if not variable.startswith("VOICEREG_") or variable in named.union(_VARIABLES):
            continue
        for meant in get_close_matches(variable, _VARIABLES, n=1, cutoff=_ALIKE):
            yield warning(
                "settings.environment",
                f"the variable {variable} is set, and nothing reads it",
                f"if {meant} is meant, call it that; else unset it",
            )
