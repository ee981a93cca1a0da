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

        self._log_to_stderr()
        return settings.load(
            config=self.config,
            database=self.database,
            account=self.account,
            base_url=self.base_url,
        )

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

        database = Database.open(self.settings.database_url())
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

    def _log_to_stderr(self) -> None:
        import logging
        import sys

        from voicereg.cli.output.text import fitted, printable

        class Printable(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                lines = printable(super().format(record), keep_lines=True).split("\n")
                return "\n".join(map(fitted, lines))

        class ToStderr(logging.Handler):
            """Writes to what is stderr at that moment: a progress bar puts itself before it."""

            def emit(self, record: logging.LogRecord) -> None:
                try:
                    sys.stderr.write(f"{self.format(record)}\n")
                    sys.stderr.flush()
                except Exception:  # noqa: BLE001 - as logging has it: no log line ends the work
                    self.handleError(record)

        level = [logging.WARNING, logging.INFO, logging.DEBUG][min(self.verbose, 2)]
        handler = ToStderr()
        handler.setFormatter(Printable("%(levelname)s: %(message)s"))
        logger = logging.getLogger("voicereg")
        logger.handlers[:] = [handler]
        logger.setLevel(logging.ERROR if self.quiet else level)
        logger.propagate = False


pass_app = click.make_pass_decorator(App)
