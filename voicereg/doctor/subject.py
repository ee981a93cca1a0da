"""What the doctor looks at, as far as it can be had: settings, database, registry, accounts."""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from voicereg.doctor.reading import holds_nothing, open_for_reading, sqlite_path
from voicereg.domain.accounts import DEFAULT_ACCOUNT, DEFAULT_KEY_VARIABLE, Account
from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.domain.errors import (
    AccountNotFound,
    DatabaseUnusable,
    InvalidInput,
    Problem,
    VoiceregError,
)
from voicereg.domain.families import DEFAULT_LIMIT, Family, Region
from voicereg.engine import Database
from voicereg.registry import Registry
from voicereg.registry.clients import Clients
from voicereg.registry.context import Context
from voicereg.schema.revisions import HEAD, found_revision
from voicereg.settings import Settings, default_config_path


class Unavailable(Exception):
    """What a check needs cannot be had; why is told by another check."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said."""

    config: Path | None = None
    """The settings file, by a flag; likewise the next three."""
    database: str | None = None
    account: str | None = None
    base_url: str | None = None
    all_accounts: bool = False
    offline: bool = False
    """Whether the provider is left alone."""
    send_test: bool = False
    """Whether each channel is sent a test."""


@dataclass(frozen=True, slots=True)
class Look:
    """A first look into the database."""

    database: Database | None = None
    """None: it is still to be made, or cannot be used."""
    revision: str | None = None
    """None: there is nothing in it."""
    error: VoiceregError | None = None
    """Why it cannot be used."""


class Subject:
    """Everything that checks look at, each made when it is first asked for.

    Args:
        options: what the user said.
        load: reads the settings, as every command does.
        clock: this machine's.
        sleep: waits between tries.
        environment: where keys and URLs of channels are; None: the process's.
    """

    def __init__(
        self,
        options: Options,
        load: Callable[[], Settings],
        *,
        clock: Clock | None = None,
        sleep: Sleep = system_sleep,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.options = options
        self.clock = clock or SystemClock()
        self.sleep = sleep
        self.environment = os.environ if environment is None else environment
        self._load = load
        self._opened = ExitStack()

    @cached_property
    def config_path(self) -> Path:
        """The settings file, which need not be there."""
        named = self.environment.get("VOICEREG_CONFIG")
        return self.options.config or (Path(named) if named else default_config_path())

    @cached_property
    def _loaded(self) -> Settings | InvalidInput:
        try:
            return self._load()
        except InvalidInput as error:
            return error
        except OSError as error:
            why = error.strerror or type(error).__name__
            return InvalidInput(Problem("config", str(self.config_path), why))

    @property
    def settings_problems(self) -> tuple[Problem, ...]:
        """What is wrong with the settings; empty: nothing."""
        return self._loaded.problems if isinstance(self._loaded, InvalidInput) else ()

    @property
    def whole_settings(self) -> Settings:
        """The settings as every command has them.

        Raises:
            Unavailable: no command has them.
        """
        if isinstance(self._loaded, InvalidInput):
            raise Unavailable("the settings cannot be used")
        return self._loaded

    @cached_property
    def settings(self) -> Settings:
        """The settings; of those that cannot be used, what says where to look.

        Raises:
            Unavailable: they do not even tell which database is meant.
        """
        if isinstance(self._loaded, Settings):
            return self._loaded

        def told(name: str) -> str | None:
            given: str | None = getattr(self.options, name)
            in_environment = self.environment.get(f"VOICEREG_{name.upper()}")
            return given or in_environment or self.in_file(name)

        database = told("database")
        if self._in_file is None and database is None:
            raise Unavailable("which database is meant is not known without the settings")
        return Settings(
            database=database,
            account=told("account") or DEFAULT_ACCOUNT,
            base_url=told("base_url"),
        )

    def in_file(self, name: str) -> str | None:
        """What stands in the settings file at its top, used or not; None: no such text."""
        found = (self._in_file or {}).get(name)
        return found if isinstance(found, str) else None

    @cached_property
    def _in_file(self) -> Mapping[str, Any] | None:
        return _top_of(self.config_path)

    @cached_property
    def sqlite_path(self) -> Path | None:
        """The file of the database; None: it is no file, or not known."""
        try:
            return sqlite_path(self.settings.database_url())
        except InvalidInput:
            return None

    @property
    def name(self) -> str:
        """What the registry is called elsewhere: where it is, without users and passwords."""
        here = socket.gethostname()
        try:
            url = self.settings.database_url()
            if self.sqlite_path is not None:
                return f"{self.sqlite_path.absolute()} on {here}"
            parsed = make_url(url)
            return f"{parsed.database} on {parsed.host or here}"
        except (VoiceregError, Unavailable, sa.exc.ArgumentError, ValueError):
            return f"unknown, on {here}"

    @cached_property
    def look(self) -> Look:
        """A first look into the database."""
        database: Database | None = None
        try:
            url = self.settings.database_url()
            if self.sqlite_path is not None and holds_nothing(self.sqlite_path):
                return Look()
            opened = open_for_reading(url, self.clock, self.settings.postgresql)
            database = self._opened.enter_context(closing(opened))
            return Look(database, found_revision(database))
        except VoiceregError as error:
            return Look(database, error=error)
        except OSError as error:
            why = error.strerror or type(error).__name__
            advice = "make the file and its directory readable and writable"
            return Look(error=DatabaseUnusable(str(self.sqlite_path), why, advice))

    @property
    def is_new(self) -> bool:
        """Whether the database is a SQLite file that is set up at its first use."""
        look = self.look
        if look.error is not None or look.revision is not None:
            return False
        return look.database is None or look.database.is_sqlite

    @cached_property
    def registry(self) -> Registry:
        """The registry, opened without making or upgrading anything.

        Raises:
            Unavailable: there is none that this version can work on.
        """
        look = self.look
        if look.error is not None:
            raise Unavailable("the database cannot be used")
        if self.is_new:
            raise Unavailable("the database is not set up yet")
        if look.database is None or look.revision != HEAD:
            raise Unavailable("the database has another schema")
        return Registry(
            Context(
                database=look.database,
                settings=self.settings,
                clients=self.clients,
                clock=self.clock,
                sleep=self.sleep,
                given_actor=None,
                through="doctor",
            )
        )

    @property
    def database(self) -> Database:
        """The database of the registry.

        Raises:
            Unavailable: there is none that this version can work on.
        """
        database = self.look.database
        if self.registry is None or database is None:
            raise Unavailable("the database cannot be used")
        return database

    @cached_property
    def clients(self) -> Clients:
        """The clients of the provider."""
        return self._opened.enter_context(
            closing(
                Clients(
                    self.settings,
                    clock=self.clock,
                    sleep=self.sleep,
                    environment=self.environment,
                )
            )
        )

    @cached_property
    def every_account(self) -> list[Account]:
        """All accounts; of a database that is still to be made, the one that is made with it."""
        return [self._account_to_be()] if self.is_new else self.registry.accounts.all()

    def find_accounts(self) -> list[Account]:
        """The accounts that the user asked about.

        Raises:
            AccountNotFound: there is no such account.
        """
        if self.options.all_accounts:
            return self.every_account
        name = self.settings.account
        found = [account for account in self.every_account if account.name == name]
        if not found:
            raise AccountNotFound(name, [account.name for account in self.every_account])
        return found

    @property
    def accounts(self) -> list[Account]:
        """The accounts that the user asked about.

        Raises:
            Unavailable: there is no such account.
        """
        try:
            return self.find_accounts()
        except AccountNotFound:
            raise Unavailable("there is no such account") from None

    def _account_to_be(self) -> Account:
        now = self.clock.now()
        return Account(
            id=0,
            name=DEFAULT_ACCOUNT,
            region=Region.BEIJING.value,
            workspace=None,
            base_url=None,
            api_key_env=DEFAULT_KEY_VARIABLE,
            quota_group_id=0,
            quota_group=DEFAULT_ACCOUNT,
            limits=dict.fromkeys(Family, DEFAULT_LIMIT),
            created_at=now,
            updated_at=now,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()


def _top_of(path: Path) -> Mapping[str, Any] | None:
    """What a settings file holds, right or wrong; None: that cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
