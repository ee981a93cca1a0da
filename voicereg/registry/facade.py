"""The registry as its users see it: one object, opened on a database, speaking for one account."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.engine import Database
from voicereg.registry.clients import ClientFactory, Clients
from voicereg.registry.context import ALL_ACCOUNTS, Context
from voicereg.schema.revisions import ensure_current
from voicereg.settings import Settings, as_database_url, load

if TYPE_CHECKING:
    from voicereg.domain.audio import PreviewAudio
    from voicereg.domain.designs import DesignOptions, DesignRequest
    from voicereg.domain.events import Event
    from voicereg.domain.families import Family
    from voicereg.domain.filters import FilterOptions, SortField
    from voicereg.domain.quotas import Quota
    from voicereg.domain.syncs import Sync
    from voicereg.domain.voices import Voice
    from voicereg.registry.accounts import Accounts
    from voicereg.registry.creates import Creates, Slot
    from voicereg.registry.deletes import Deletes
    from voicereg.registry.designs import Designs, OnStage
    from voicereg.registry.edits import Edits
    from voicereg.registry.history import History
    from voicereg.registry.inspection import OnProgress
    from voicereg.registry.lookups import Lookups
    from voicereg.registry.quotas import Quotas
    from voicereg.registry.settlements import Settlements
    from voicereg.registry.syncs import Syncs


class Registry:
    """A catalog of voices. Open one with :meth:`open`; it is safe to use from several threads.

    Methods that take ``account`` speak of the selected account unless another is named there.
    """

    ALL_ACCOUNTS = ALL_ACCOUNTS
    """In place of an account's name, where a method reads: every account."""

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

    @classmethod
    def open(
        cls,
        database: str | None = None,
        *,
        account: str | None = None,
        settings: Settings | None = None,
        actor: str | None = None,
        through: str = "library",
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
            clock: tells the time; None: the machine's, or the database's own where it has one.
            sleep: waits between tries and looks.
            environment: where API keys are read from; None: the process's.
            client_factory: makes the clients of the provider; for tests.

        Raises:
            DatabaseUnusable: it cannot be opened.
            SchemaMismatch: it was made by another version, or is not set up.
            InvalidInput: a setting that does not fit.
        """
        settings = settings or load()
        settings = replace(
            settings,
            database=as_database_url(database) if database else settings.database,
            account=account or settings.account,
        )
        opened = Database.open(settings.database_url(), clock=clock, sleep=sleep)
        try:
            ensure_current(opened)
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
            )
        )

    def close(self) -> None:
        """Close every connection, to the database and to the provider."""
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

    def now(self) -> datetime:
        """The time that deadlines are counted against."""
        return self._context.clock.now()

    # Quotas

    def quota(self, family: Family | str, *, account: str | None = None) -> Quota:
        """The quota of a family: its limit, and how many of its slots are held.

        Args:
            family: ``cosyvoice`` or ``qwen-tts``.
            account: its name; None: the selected one.

        Raises:
            InvalidInput: no such family.
            AccountNotFound: no such account.
        """
        return self._quotas.one(family, account)

    def quotas(self, *, account: str | None = None) -> list[Quota]:
        """The quotas of every family; with :data:`ALL_ACCOUNTS`, of every account."""
        return self._quotas.all(account)

    def require_quota(
        self, family: Family | str, needed: int = 1, *, account: str | None = None
    ) -> Quota:
        """The quota of a family, when as many slots remain as are needed. Holds none of them.

        Raises:
            QuotaExceeded: fewer remain; it tells the limit, what is used, and what is unused
                for the longest.
        """
        return self._quotas.require(family, needed, account)

    # Voices made

    def reserve(
        self,
        *,
        lease: timedelta | None = None,
        account: str | None = None,
        **asked: Unpack[DesignOptions],
    ) -> Slot:
        """Record a voice and hold its slot, for a create that the caller carries out.

        Use it as a context manager, and confirm or release it before the block ends.

        Args:
            lease: for how long the create counts as being worked on, longer than the call can
                last; None: the setting ``settle_after``.
            account: its name; None: the selected one.
            asked: what is to be made: see :class:`~voicereg.domain.designs.DesignOptions`.

        Raises:
            InvalidInput: a value that breaks a rule; nothing is recorded.
            QuotaExceeded: no slot remains; nothing is recorded.
        """
        return self._creates.reserve(asked, account=account, lease=lease)

    def design(
        self,
        *,
        wait: timedelta | None = None,
        on_stage: OnStage | None = None,
        account: str | None = None,
        **asked: Unpack[DesignOptions],
    ) -> Voice:
        """Design a voice at the provider: takes its slot, calls, records, awaits the review.

        It takes ten to thirty seconds, and for CosyVoice the time of the review on top.

        Args:
            wait: how long to wait for the review; None: the setting ``review_wait``; zero: not
                at all.
            on_stage: told of each stage as it is reached.
            account: its name; None: the selected one.
            asked: what is to be made: see :class:`~voicereg.domain.designs.DesignOptions`.

        Returns:
            The voice, ``active``, or ``pending`` where its review has not ended.

        Raises:
            InvalidInput: a value that breaks a rule.
            QuotaExceeded: no slot remains, here or by the provider's word.
            KeyMissing: the account's variable is not set.
            ProviderRefused, NotConnected: nothing was made, and no slot is held.
            CreateUnresolved: nobody knows what was made; the slot stays held.
            ReviewRefused: the voice was made, and the provider's review refused it.
        """
        return self._designs.design(
            asked,
            account=account,
            wait=self._context.settings.create.review_wait if wait is None else wait,
            on_stage=on_stage,
        )

    def check_design(
        self, *, account: str | None = None, **asked: Unpack[DesignOptions]
    ) -> tuple[DesignRequest, Quota]:
        """What :meth:`design` would ask for and the quota it would draw on; changes nothing.

        Raises:
            InvalidInput: a value that breaks a rule.
            QuotaExceeded: no slot remains.
        """
        return self._designs.check(asked, account=account)

    def refresh(self, reference: str, *, account: str | None = None) -> Voice:
        """Ask the provider how the review of a pending voice stands; others are left alone.

        Raises:
            VoiceNotFound, AmbiguousVoice: as :meth:`voice` does.
            ProviderProblem: it could not be asked.
        """
        return self._designs.refresh(self._lookups.voice(reference, account))

    # Voices read

    def voice(self, reference: str, *, account: str | None = None) -> Voice:
        """The voice that a registry id, a provider id, or a unique beginning of one stands for.

        Raises:
            VoiceNotFound: there is none.
            AmbiguousVoice: there are several.
        """
        return self._lookups.voice(reference, account)

    def voices(
        self,
        *,
        sort: SortField | str = "created",
        descending: bool = False,
        limit: int | None = None,
        offset: int = 0,
        account: str | None = None,
        **wanted: Unpack[FilterOptions],
    ) -> list[Voice]:
        """The voices that fit, as a list; see :meth:`iter_voices` for many.

        Args:
            sort: what to order by.
            descending: the other way round.
            limit: at most so many.
            offset: without the first so many.
            account: its name, or :data:`ALL_ACCOUNTS`; None: the selected one.
            wanted: which ones: see :class:`~voicereg.domain.filters.FilterOptions`.

        Raises:
            InvalidInput: a value that is none.
        """
        return self._lookups.select(
            wanted,
            account=account,
            sort=sort,
            descending=descending,
            limit=limit,
            offset=offset,
        )

    def iter_voices(
        self, *, account: str | None = None, **wanted: Unpack[FilterOptions]
    ) -> Iterator[Voice]:
        """The voices that fit, one after the other in order of creation, in flat memory.

        No transaction is open between two voices.

        Args:
            account: its name, or :data:`ALL_ACCOUNTS`; None: the selected one.
            wanted: which ones: see :class:`~voicereg.domain.filters.FilterOptions`.
        """
        return self._lookups.stream(wanted, account=account)

    def expiring(
        self, *, within: timedelta | None = None, account: str | None = None
    ) -> list[Voice]:
        """The voices that the provider has, by deadline, soonest first.

        Args:
            within: only those whose deadline is past or at most so far away; None: all.
            account: its name, or :data:`ALL_ACCOUNTS`; None: the selected one.
        """
        return self._lookups.expiring(within, account)

    def preview(self, reference: str, *, account: str | None = None) -> tuple[Voice, PreviewAudio]:
        """A voice, and the preview audio kept of it.

        Raises:
            VoiceNotFound, AmbiguousVoice: as :meth:`voice` does.
            NoPreview: none is kept.
        """
        return self._lookups.preview(reference, account)

    def events(
        self,
        *,
        voice: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        account: str | None = None,
    ) -> list[Event]:
        """The audit log, newest first.

        Args:
            voice: only of this voice: a registry id, a provider id, or a beginning.
            since: only from this moment on.
            limit: at most so many.
            account: its name, or :data:`ALL_ACCOUNTS`; None: the selected one.
        """
        return self._history.events(voice=voice, since=since, limit=limit, account=account)

    # Voices changed

    def edit(
        self,
        *references: str,
        tags: Mapping[str, str] | None = None,
        untag: Collection[str] = (),
        owner: str | None = None,
        note: str | None = None,
        pin: bool | None = None,
        account: str | None = None,
    ) -> list[Voice]:
        """Change what the registry adds to voices: all of them, or none where one is not found.

        Args:
            references: which voices, as :meth:`voice` takes them.
            tags: to be added or changed.
            untag: keys of tags to be removed.
            owner: the new owner; an empty text: none; None: as it is.
            note: likewise.
            pin: whether they must stay; None: as it is.
            account: its name; None: the selected one.
        """
        return self._edits.edit(
            references,
            account=account,
            tags=tags or {},
            untag=untag,
            owner=owner,
            note=note,
            pinned=pin,
        )

    def check_delete(
        self, reference: str, *, force: bool = False, account: str | None = None
    ) -> Voice:
        """The voice that :meth:`delete` would delete; raises what it would refuse with."""
        return self._deletes.check(reference, account=account, force=force)

    def delete(self, reference: str, *, force: bool = False, account: str | None = None) -> Voice:
        """Delete a voice at the provider, then here. It cannot be had back.

        Args:
            reference: an exact registry id or provider id; a beginning does not do.
            force: delete it even though it is pinned.
            account: its name; None: the selected one.

        Returns:
            The voice, ``deleted``; one that was gone already, as it was.

        Raises:
            VoiceNotFound: there is none.
            VoiceProtected: it is pinned.
            StateConflict: its id at the provider is not known.
            ProviderRefused, NotConnected: the voice is as it was.
            DeleteUnconfirmed: nobody knows whether it was deleted.
        """
        return self._deletes.delete(reference, account=account, force=force)

    # Agreement with the provider

    def sync(
        self,
        *,
        family: Family | str | None = None,
        dry_run: bool = False,
        force: bool = False,
        on_progress: OnProgress | None = None,
        account: str | None = None,
    ) -> Sync:
        """Compare the registry with the provider's own listings, and mend the registry.

        Creates whose outcome is unknown are settled on the way, as far as that is certain. A
        listing that fails or cannot be believed changes nothing; the result says so.

        Args:
            family: only this one; None: both.
            dry_run: find what would change, and change nothing.
            force: believe a listing that misses many known voices, or shows none of them.
            on_progress: told how far it has come.
            account: its name; None: the selected one.

        Raises:
            InvalidInput: no such family.
            AccountNotFound: no such account.
            KeyMissing: the account's variable is not set.
        """
        from voicereg.domain.families import Family, parse_family

        return self._syncs.sync(
            account=account,
            families=list(Family) if family is None else [parse_family(family)],
            dry_run=dry_run,
            force=force,
            on_progress=on_progress,
        )

    def adopt(
        self, reference: str, voice_id: str, *, unchecked: bool = False, account: str | None = None
    ) -> Voice:
        """Settle an unresolved create by hand: this is the voice that it made.

        Args:
            reference: the create, as :meth:`voice` takes it.
            voice_id: the provider's id of the voice.
            unchecked: adopt it though the provider shows another model or prompt.
            account: its name; None: the selected one.

        Raises:
            StateConflict: it is no such create, or the id was confirmed for another voice.
            InvalidInput: the id can be none, or the voice was made from something else.
            VoiceGone: the provider knows no such voice.
        """
        return self._settlements.adopt(reference, voice_id, account=account, unchecked=unchecked)

    def release(self, reference: str, *, account: str | None = None) -> Voice:
        """Settle an unresolved create by hand: it made nothing, and its slot is free.

        Raises:
            StateConflict: it is no such create, or somebody may still be at work on it.
        """
        return self._settlements.release(reference, account=account)
