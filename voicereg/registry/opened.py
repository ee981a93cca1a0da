"""A registry that is open: its database, its clients, its use cases, and the end of them all."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.engine import Database
from voicereg.registry.clients import ClientFactory, Clients
from voicereg.registry.context import Context
from voicereg.registry.repeating import idempotent
from voicereg.schema.revisions import ensure_current
from voicereg.settings import Settings, as_database_url, load

if TYPE_CHECKING:
    from voicereg.registry.accounts import Accounts
    from voicereg.registry.aliases import Aliases
    from voicereg.registry.candidates import Candidates
    from voicereg.registry.creates import Creates
    from voicereg.registry.deletes import Deletes
    from voicereg.registry.deployments import Deployments
    from voicereg.registry.designs import Designs
    from voicereg.registry.edits import Edits
    from voicereg.registry.figures import Figures
    from voicereg.registry.history import History
    from voicereg.registry.imports import Imports
    from voicereg.registry.keep_alives import KeepAlives
    from voicereg.registry.leases import Leases
    from voicereg.registry.lookups import Lookups
    from voicereg.registry.manifests import Manifests
    from voicereg.registry.quotas import Quotas
    from voicereg.registry.recorder import Recorder
    from voicereg.registry.reports import Reports
    from voicereg.registry.rounds import Rounds
    from voicereg.registry.settlements import Settlements
    from voicereg.registry.speeches import Speeches
    from voicereg.registry.syncs import Syncs
    from voicereg.registry.use_files import UseFiles
    from voicereg.registry.uses import Uses
    from voicereg.registry.warnings import Warnings


class OpenedRegistry:
    """What every method of a registry works with; use :class:`~voicereg.Registry`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # The use cases are loaded when they are first asked for: a check of the quota needs one.

    @cached_property
    def _quotas(self) -> Quotas:
        from voicereg.registry.quotas import Quotas

        return Quotas(self._context)

    @cached_property
    def accounts(self) -> Accounts:
        """The accounts: added, changed, removed."""
        from voicereg.registry.accounts import Accounts

        return Accounts(self._context)

    @cached_property
    def _lookups(self) -> Lookups:
        from voicereg.registry.lookups import Lookups

        return Lookups(self._context)

    @cached_property
    def _creates(self) -> Creates:
        from voicereg.registry.creates import Creates

        return Creates(self._context, self._quotas)

    @cached_property
    def _designs(self) -> Designs:
        from voicereg.registry.designs import Designs

        return Designs(self._context, self._quotas, self._creates)

    @cached_property
    def _deletes(self) -> Deletes:
        from voicereg.registry.deletes import Deletes

        return Deletes(self._context, self._lookups)

    @cached_property
    def _history(self) -> History:
        from voicereg.registry.history import History

        return History(self._context, self._lookups)

    @cached_property
    def _edits(self) -> Edits:
        from voicereg.registry.edits import Edits

        return Edits(self._context, self._lookups)

    @cached_property
    def _syncs(self) -> Syncs:
        from voicereg.registry.syncs import Syncs

        return Syncs(self._context)

    @cached_property
    def _settlements(self) -> Settlements:
        from voicereg.registry.settlements import Settlements

        return Settlements(self._context, self._lookups)

    @cached_property
    def aliases(self) -> Aliases:
        """The names that services resolve to voices: set, moved, removed."""
        from voicereg.registry.aliases import Aliases

        return Aliases(self._context, self._lookups)

    @cached_property
    def _uses(self) -> Uses:
        from voicereg.registry.uses import Uses

        return Uses(self._context, self._lookups)

    @cached_property
    def _recorder(self) -> Recorder:
        from voicereg.registry.recorder import Recorder

        with self._context.lock:
            # Two threads must not make two: what one of them noted would never be written.
            if "_recorder" in self.__dict__:
                made: Recorder = self.__dict__["_recorder"]
                return made
            recorder = Recorder(
                self._uses.write, clock=self._context.clock, source=self._context.source
            )
            self.__dict__["_recorder"] = recorder
            return recorder

    @cached_property
    def _use_files(self) -> UseFiles:
        from voicereg.registry.use_files import UseFiles

        return UseFiles(self._context)

    @cached_property
    def _speeches(self) -> Speeches:
        from voicereg.registry.speeches import Speeches

        return Speeches(self._context, self._lookups, self._recorder)

    @cached_property
    def imports(self) -> Imports:
        """Voices out of files, put on record or changed."""
        from voicereg.registry.imports import Imports

        return Imports(self._context)

    @cached_property
    def manifests(self) -> Manifests:
        """Files that declare voices, compared with what there is."""
        from voicereg.registry.manifests import Manifests

        return Manifests(self._context, self._quotas)

    @cached_property
    def deployments(self) -> Deployments:
        """What a manifest asks for, carried out."""
        from voicereg.registry.deployments import Deployments

        return Deployments(
            self._context,
            self._lookups,
            self._creates,
            self._designs,
            self._deletes,
            self.aliases,
        )

    @cached_property
    def candidates(self) -> Candidates:
        """Voices to be chosen from."""
        from voicereg.registry.candidates import Candidates

        return Candidates(self._context, self._lookups, self._deletes, self.aliases)

    @cached_property
    def leases(self) -> Leases:
        """Work that one process does at a time."""
        from voicereg.registry.leases import Leases

        return Leases(self._context)

    @cached_property
    def rounds(self) -> Rounds:
        """Rounds of housekeeping on record."""
        from voicereg.registry.rounds import Rounds

        return Rounds(self._context)

    @cached_property
    def warnings(self) -> Warnings:
        """What is to be warned of, and what each channel was told."""
        from voicereg.registry.warnings import Warnings

        return Warnings(self._context, self._quotas, self.leases)

    @cached_property
    def keep_alives(self) -> KeepAlives:
        """Voices that are to stay, and are used before they are deleted."""
        from voicereg.registry.keep_alives import KeepAlives

        return KeepAlives(self._context, self._lookups, self._speeches, self._recorder.flush)

    @cached_property
    def figures(self) -> Figures:
        """What a monitoring system is told of."""
        from voicereg.registry.figures import Figures

        return Figures(self._context, self._quotas)

    @cached_property
    def reports(self) -> Reports:
        """What a report is made of."""
        from voicereg.registry.reports import Reports

        return Reports(self._context, self._quotas)

    @classmethod
    def open(
        cls,
        database: str | None = None,
        *,
        account: str | None = None,
        settings: Settings | None = None,
        actor: str | None = None,
        through: str = "library",
        source: str | None = None,
        clock: Clock | None = None,
        sleep: Sleep = system_sleep,
        environment: Mapping[str, str] | None = None,
        client_factory: ClientFactory | None = None,
    ) -> Self:
        """Open a registry.

        An empty SQLite file is set up; a PostgreSQL database must have been, by
        ``voicereg db upgrade``.

        Args:
            database: a URL, or the path of a SQLite file; None: as the settings say.
            account: the account that the registry speaks for; None: as the settings say.
            settings: None: those of the environment and the user's file.
            actor: who is named in the audit log; None: the user of this process.
            through: what the user works through, named after the user of this process.
            source: who is named as the user of voices, where a use does not say; None:
                ``VOICEREG_SOURCE``, or the name of the program.
            clock: tells the time; None: the machine's, or the database's own where it has one.
            sleep: waits between tries and looks.
            environment: where API keys are read from; None: the process's.
            client_factory: makes the clients of the provider; for tests.

        Raises:
            DatabaseUnusable: it cannot be opened.
            SchemaMismatch: it was made by another version, or is not set up.
            InvalidInput: a setting that does not fit, an odd source.
        """
        if source is not None:
            from voicereg.domain.uses import check_source

            check_source(source)
        settings = settings or load()
        settings = replace(
            settings,
            database=as_database_url(database) if database else settings.database,
            account=account or settings.account,
        )
        opened = Database.open(
            settings.database_url(), clock=clock, sleep=sleep, settings=settings.postgresql
        )
        try:
            idempotent(ensure_current)(opened)
        except BaseException:
            opened.close()
            raise
        clock = clock or SystemClock()
        clients = Clients(
            settings, clock=clock, sleep=sleep, environment=environment, factory=client_factory
        )
        return cls(
            Context(
                database=opened,
                settings=settings,
                clients=clients,
                clock=clock,
                sleep=sleep,
                given_actor=actor,
                through=through,
                source=source or _program(),
            )
        )

    def close(self) -> None:
        """Write the uses that are noted, and close every connection."""
        if "_recorder" in self.__dict__:
            self._recorder.close()
        self._context.clients.close()
        self._context.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def settings(self) -> Settings:
        """What the registry was opened with."""
        return self._context.settings

    def now(self) -> datetime:
        """The time that deadlines are counted against."""
        return self._context.clock.now()


def _program() -> str:
    """What a use is put down to where nobody says: the program that runs."""
    named = os.environ.get("VOICEREG_SOURCE") or Path(sys.argv[0] or "python").name
    shown = "".join(character for character in named if character.isprintable())
    return shown.strip()[:100] or "python"
