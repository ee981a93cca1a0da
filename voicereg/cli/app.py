"""What the global options make: the settings, and the registry that a command works on."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from voicereg.domain.clock import Clock
    from voicereg.engine import Database
    from voicereg.registry import Registry
    from voicereg.settings import Settings

CLOCK: ContextVar[Clock | None] = ContextVar("CLOCK", default=None)
"""The time that registries are opened with; only the demo, which moves it, sets one."""


@dataclass
class App:
    """The global options of one command line."""

    database: str | None
    account: str | None
    base_url: str | None
    config: Path | None
    verbose: int
    quiet: bool

    @cached_property
    def settings(self) -> Settings:
        """Flags over environment over file over defaults."""
        from voicereg import settings

        self.log()
        loaded = settings.load(
            config=self.config,
            database=self.database,
            account=self.account,
            base_url=self.base_url,
        )
        if loaded.log.format is settings.LogFormat.JSON:
            self.log(as_json=True)
        return loaded

    @cached_property
    def registry(self) -> Registry:
        """The registry, opened when it is first needed and closed with the command."""
        from voicereg.registry import Registry

        settings = self.settings
        registry = Registry.open(settings=settings, through="cli", clock=CLOCK.get())
        click.get_current_context().call_on_close(registry.close)
        return registry

    def open_database(self) -> Database:
        """The database alone, whatever its schema."""
        from voicereg.engine import Database

        settings = self.settings
        database = Database.open(settings.database_url(), settings=settings.postgresql)
        click.get_current_context().call_on_close(database.close)
        return database

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches who wants to see how far long work has come."""
        import sys

        return not self.quiet and sys.stderr.isatty()

    def say(self, message: str) -> None:
        """Tell the user something that is no result: on stderr, and not when quiet."""
        if not self.quiet:
            from voicereg.cli.output.text import fitted, printable

            for line in printable(message, keep_lines=True).split("\n"):
                click.echo(fitted(line), err=True)

    def log(self, *, least: str = "WARNING", as_json: bool = False) -> None:
        """Send log lines to stderr.

        Args:
            least: the least that is shown without ``-v``.
            as_json: one JSON object a line.
        """
        import logging

        from voicereg.cli.output.logs import log_to_stderr

        level: int = getattr(logging, least)
        level = min(level, [logging.CRITICAL, logging.INFO, logging.DEBUG][min(self.verbose, 2)])
        log_to_stderr(logging.ERROR if self.quiet else level, as_json=as_json)


pass_app = click.make_pass_decorator(App)
