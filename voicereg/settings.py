"""Settings: flags over environment over file over defaults, as one frozen value."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from voicereg.domain.accounts import DEFAULT_ACCOUNT
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.quotas import QuotaThresholds

APPLICATION = "voicereg"
CONNECT_TRIES = 4
"""How often a request is sent that did not get through."""
LONGEST_BACKOFF = timedelta(seconds=8)
"""The longest wait between two tries, unless the provider asks for another."""
LONGEST_ASKED_WAIT = timedelta(seconds=60)
"""The longest that the provider may ask to wait; beyond, it is left to the caller."""


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """How creates behave."""

    settle_after: timedelta = timedelta(minutes=15)
    """From when a create whose outcome is unknown may be settled; longer than any create lasts."""
    connect_timeout: timedelta = timedelta(seconds=10)
    write_timeout: timedelta = timedelta(seconds=30)
    read_timeout: timedelta = timedelta(seconds=120)
    """A create takes ten to thirty seconds; one user of the provider waits up to ninety."""
    pool_timeout: timedelta = timedelta(seconds=30)
    review_wait: timedelta = timedelta(seconds=120)
    """How long a create waits for the provider's review."""
    mark_names: bool = False
    """Whether four characters are added to each name, so that a lost create is recognised."""

    @property
    def longest_create(self) -> timedelta:
        """How long a create can last: it is sent again only while it cannot connect."""
        return CONNECT_TRIES * (self._connecting + LONGEST_BACKOFF) + self._answering

    @property
    def longest_delete(self) -> timedelta:
        """How long a delete can last, which is sent again whatever happened to it."""
        return CONNECT_TRIES * (self._connecting + self._answering + LONGEST_ASKED_WAIT)

    @property
    def _connecting(self) -> timedelta:
        return self.pool_timeout + self.connect_timeout

    @property
    def _answering(self) -> timedelta:
        # An answer may take a read time-out to begin, and another before it is given up.
        return self.write_timeout + 2 * self.read_timeout


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    database: str | None = None
    """An SQLAlchemy URL or a path; None: a SQLite file in the user's data directory."""
    account: str = DEFAULT_ACCOUNT
    base_url: str | None = None
    """Overrides the selected account's HTTP base."""
    create: CreateSettings = field(default_factory=CreateSettings)
    quota: QuotaThresholds = field(default_factory=QuotaThresholds)

    def database_url(self) -> str:
        """The database to open, as a URL."""
        return as_database_url(self.database or str(default_database_path()))


def default_database_path() -> Path:
    """The SQLite file in the user's data directory."""
    import platformdirs

    return platformdirs.user_data_path(APPLICATION, appauthor=False) / "voicereg.db"


def default_config_path() -> Path:
    """The settings file in the user's configuration directory."""
    import platformdirs

    return platformdirs.user_config_path(APPLICATION, appauthor=False) / "config.toml"


def as_database_url(text: str) -> str:
    """``text`` as a URL: a path stands for a SQLite file.

    Raises:
        InvalidInput: a URL of a database that is neither SQLite nor PostgreSQL.
    """
    scheme, colon, _ = text.partition("://")
    if not colon:
        return f"sqlite:///{_quoted(_absolute(text))}"
    if scheme == "postgres":
        return "postgresql" + text.removeprefix("postgres")
    if scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        # What is no scheme may be the middle of anything, of a password too.
        shown = scheme if re.fullmatch(r"[\w+.-]*", scheme) else "…"
        raise InvalidInput(
            Problem("database", shown + "://…", "it must be sqlite:///PATH or postgresql://…")
        )
    return text


def _absolute(path: str) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise InvalidInput(
            Problem("database", path, "the home directory that it begins with cannot be found")
        ) from None


def _quoted(path: Path) -> str:
    """``path`` with what a database URL would read as an escape, or as the end of the path."""
    return str(path).replace("%", "%25").replace("?", "%3F")


def load(
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    database: str | None = None,
    account: str | None = None,
    base_url: str | None = None,
) -> Settings:
    """Put the settings together.

    Args:
        config: the settings file; None: ``VOICEREG_CONFIG``, else the user's, where there is one.
        environment: the variables to read; None: those of the process.
        database: the flag, over everything else; likewise ``account`` and ``base_url``.

    Raises:
        InvalidInput: an unknown key, or a value that does not fit, named with its place.
    """
    environment = os.environ if environment is None else environment
    named = config or (Path(name) if (name := environment.get("VOICEREG_CONFIG")) else None)
    settings = _from_file(named) if named is not None else _from_default_file()
    if settle_after := environment.get("VOICEREG_SETTLE_AFTER"):
        create = replace(
            settings.create, settle_after=_duration("VOICEREG_SETTLE_AFTER", settle_after)
        )
        settings = replace(settings, create=create)
    settings = replace(
        settings,
        database=database or environment.get("VOICEREG_DATABASE") or settings.database,
        account=account or environment.get("VOICEREG_ACCOUNT") or settings.account,
        base_url=base_url or environment.get("VOICEREG_BASE_URL") or settings.base_url,
    )
    _check(settings)
    return settings


def _from_default_file() -> Settings:
    path = default_config_path()
    return _from_file(path) if path.is_file() else Settings()


def _from_file(path: Path) -> Settings:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(Problem("config", str(path), error.strerror or str(error))) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(Problem("config", str(path), f"it is not TOML: {error}")) from None
    top = _Table(path, "", content)
    settings = Settings(
        database=top.take("database", _text, None),
        account=top.take("account", _text, DEFAULT_ACCOUNT),
        base_url=top.take("base_url", _text, None),
        create=_section(top, "create", CreateSettings()),
        quota=_section(top, "quota", QuotaThresholds()),
    )
    top.finish()
    return settings


class _Table:
    """A table of the file, from which every key must be taken by name."""

    def __init__(self, path: Path, name: str, content: dict[str, Any]) -> None:
        self.path = path
        self.name = name
        self.content = dict(content)

    def where(self, key: str) -> str:
        return f"{self.path}: {self.name}.{key}" if self.name else f"{self.path}: {key}"

    def take(self, key: str, read: Callable[[str, Any], Any], default: Any) -> Any:
        if key not in self.content:
            return default
        return read(self.where(key), self.content.pop(key))

    def finish(self) -> None:
        if self.content:
            raise InvalidInput(
                *(Problem(self.where(key), "", "there is no such setting") for key in self.content)
            )


Section = TypeVar("Section", CreateSettings, QuotaThresholds)


def _section(top: _Table, name: str, default: Section) -> Section:
    content = top.content.pop(name, {})
    if not isinstance(content, dict):
        raise InvalidInput(Problem(top.where(name), str(content), f"it must be a table [{name}]"))
    table = _Table(top.path, name, content)
    values = {
        known.name: table.take(known.name, _READERS[type(value)], value)
        for known in fields(default)
        for value in (getattr(default, known.name),)
    }
    table.finish()
    return replace(default, **values)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        # A table or a list may hold a URL with its password.
        shown = "" if isinstance(value, dict | list) else str(value)
        raise InvalidInput(Problem(where, shown, "it must be a text"))
    return value


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(where: str, value: Any) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise InvalidInput(Problem(where, str(value), 'it must be a duration such as "15m"'))
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _share(where: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise InvalidInput(Problem(where, str(value), "it must be a share between 0 and 1"))
    return float(value)


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(Problem(where, str(value), "it must be true or false"))
    return value


_READERS: dict[type, Callable[[str, Any], Any]] = {
    timedelta: _duration,
    float: _share,
    bool: _flag,
}
"""How a setting is read, by the type of its default."""


def _check(settings: Settings) -> None:
    if settings.quota.warning > settings.quota.critical:
        raise InvalidInput(
            Problem(
                "quota.warning",
                str(settings.quota.warning),
                f"it must not be above quota.critical ({settings.quota.critical})",
            )
        )
    create = settings.create
    longest = create.longest_create
    if create.settle_after <= longest:
        raise InvalidInput(
            Problem(
                "create.settle_after",
                f"{int(create.settle_after.total_seconds())}s",
                "it must be longer than any create can last: the time-outs add up to "
                f"{int(longest.total_seconds())}s",
            )
        )
