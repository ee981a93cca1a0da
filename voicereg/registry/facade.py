"""The registry as its users see it: one object, opened on a database, speaking for one account."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Unpack

from voicereg.registry.context import ALL_ACCOUNTS
from voicereg.registry.opened import OpenedRegistry
from voicereg.registry.repeating import idempotent

if TYPE_CHECKING:
    from voicereg.domain.aliases import Alias
    from voicereg.domain.audio import PreviewAudio
    from voicereg.domain.designs import DesignOptions, DesignRequest
    from voicereg.domain.events import Event
    from voicereg.domain.families import Family
    from voicereg.domain.filters import FilterOptions, SortField
    from voicereg.domain.quotas import Quota
    from voicereg.domain.speech import Spoken
    from voicereg.domain.syncs import Sync
    from voicereg.domain.uses import DailyUses, UsesImported
    from voicereg.domain.voices import Voice
    from voicereg.registry.creates import Slot
    from voicereg.registry.designs import OnStage
    from voicereg.registry.inspection import OnProgress
    from voicereg.registry.use_files import OnBytes


class Registry(OpenedRegistry):
    """A catalog of voices. Open one with :meth:`open`; it is safe to use from several threads.

    Methods that take ``account`` speak of the selected account unless another is named there.
    """

    ALL_ACCOUNTS = ALL_ACCOUNTS
    """In place of an account's name, where a method reads: every account."""

    # Quotas

    @idempotent
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

    @idempotent
    def quotas(self, *, account: str | None = None) -> list[Quota]:
        """The quotas of every family; with :data:`ALL_ACCOUNTS`, of every account."""
        return self._quotas.all(account)

    @idempotent
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

    def recreate(
        self,
        reference: str,
        *,
        wait: timedelta | None = None,
        on_stage: OnStage | None = None,
        account: str | None = None,
        **changed: Any,
    ) -> Voice:
        """Design a voice anew from what is on record of another. It will sound different.

        The new voice carries the tags, owner and pin of the other, and names it as the one that it
        ``replaces``. The other is left as it is; so are aliases.

        Args:
            reference: the other, as :meth:`voice` takes it.
            wait, on_stage, account: as for :meth:`design`.
            changed: what is to be other than it was, as :meth:`design` takes it; ``again``: though
                another voice stands in for it already.

        Raises:
            VoiceNotFound, AmbiguousVoice: as :meth:`voice` does.
            InvalidInput: it was cloned, or its description is not on record.
            StateConflict: another voice stands in for it already.
            VoiceregError: as :meth:`design` does.
        """
        there = self._lookups.voice(reference, account)
        asked = self.asked_again(there.id, account=there.account, **changed)
        return self.design(wait=wait, on_stage=on_stage, account=there.account, **asked)

    def asked_again(
        self, reference: str, *, account: str | None = None, **changed: Any
    ) -> DesignOptions:
        """What :meth:`recreate` would ask for, as :meth:`design` takes it; changes nothing."""
        from voicereg.domain.recreations import asked_again

        voice = self._lookups.voice(reference, account)
        asked = asked_again(voice, changed)
        self._creates.check_replaced(asked, voice.account)
        return asked

    def successors(self, reference: str, *, account: str | None = None) -> list[Voice]:
        """The voices that stand in for another, oldest first."""
        return self._lookups.successors(self._lookups.voice(reference, account))

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

    def beginning_with(
        self, beginning: str, *, limit: int = 50, account: str | None = None
    ) -> list[Voice]:
        """Voices whose registry id or provider id begins so, for one who types; gone ones too."""
        return self._lookups.beginning_with(beginning, limit, account)

    def tags(self, *, account: str | None = None) -> list[tuple[str, str]]:
        """The tags that voices have, as keys and values, each once, in order."""
        return self._lookups.tags(account)

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

    # Uses

    def record_use(
        self,
        voice_id: str,
        at: datetime | None = None,
        count: int = 1,
        source: str | None = None,
    ) -> None:
        """Note that a voice was used: one successful synthesis request. It costs next to nothing.

        The note is in memory, and written with others a few seconds later, at :meth:`flush`, at
        :meth:`close` and at the end of the interpreter. Where the database is away, it is kept.
        Safe from threads, from asyncio code and after a fork.

        Args:
            voice_id: the provider's id of the voice, or the registry's. One on no record is kept
                until a sync finds the voice.
            at: when (aware); None: now.
            count: how many uses.
            source: who used it; None: as the registry was opened.

        Raises:
            InvalidInput: a time in the future or without a zone, a count below 1, an odd source.
        """
        self._recorder.record(voice_id, at, count, source)

    def flush(self) -> None:
        """Write every use that is noted, and wait until it is written.

        Raises:
            DatabaseProblem: it could not be; it is kept, and written later.
        """
        self._recorder.flush()

    def daily_uses(
        self, reference: str, *, days: int = 365, account: str | None = None
    ) -> list[DailyUses]:
        """How often a voice was used on each of the last days, by source, oldest first.

        Uses that are noted and not yet written are not among them.

        Raises:
            VoiceNotFound, AmbiguousVoice: as :meth:`voice` does.
        """
        return self._uses.by_day(self._lookups.voice(reference, account), days=days)

    def correct_use(
        self, reference: str, at: datetime, *, source: str | None = None, account: str | None = None
    ) -> Voice:
        """Set a voice's last use, to an earlier moment if need be. The audit log tells.

        Raises:
            InvalidInput: a time without a zone or in the future.
            VoiceNotFound, AmbiguousVoice: as :meth:`voice` does.
        """
        return self._uses.correct(
            reference, at, source=source or self._context.source, account=account
        )

    def import_uses(
        self,
        file: BinaryIO,
        *,
        source: str | None = None,
        dedupe: bool = False,
        on_bytes: OnBytes | None = None,
    ) -> UsesImported:
        """Count the uses that a log has seen: JSON lines or CSV, of any length.

        Each line has ``voice_id`` and ``at`` (with a zone), and may have ``count`` and ``source``.

        Args:
            file: open for reading bytes.
            source: names uses whose line does not say; None: as the registry was opened.
            dedupe: pass over what was read of this file before; it may have grown since.
            on_bytes: told how many bytes have been read, and how many there are.

        Raises:
            InvalidInput: neither JSON lines nor CSV, or a pipe that is to be deduplicated.
            UsesReadElsewhere: another program reads the same file.
        """
        return self._use_files.read(file, source=source, dedupe=dedupe, on_bytes=on_bytes)

    def resolve(self, name: str, *, account: str | None = None) -> Alias:
        """What an alias stands for now: the voice's id, and the model that speaks with it.

        Cached for a few seconds, so that it can be asked at each request.

        Raises:
            AliasNotFound: it stands for nothing.
            StateConflict: the voice that it stands for is gone.
        """
        return self.aliases.resolve(name, account)

    def synthesize(
        self,
        reference: str,
        text: str,
        to: Path | BinaryIO,
        *,
        response_format: str | None = None,
        sample_rate: int | None = None,
        source: str | None = None,
        account: str | None = None,
    ) -> tuple[Voice, Spoken]:
        """Let a voice say a text, with its own target model, and note the use.

        Args:
            reference: the voice, as :meth:`voice` takes it.
            text: what it says.
            to: a file, moved into place when complete, or a stream, written as the audio comes.
            response_format: ``wav``, ``mp3``, ``pcm`` or ``opus``, as the model offers; None: WAV.
            sample_rate: in hertz; None: 24,000.
            source: who uses the voice; None: as the registry was opened.
            account: its name; None: the selected one.

        Raises:
            InvalidInput: an empty text, a format that the model does not offer, and the like.
            StateConflict: the voice cannot be used: it is pending, rejected or gone.
            VoiceGone: the provider knows it no more; it counts as missing from now on.
            ProviderProblem: any other; no file was written.
        """
        return self._speeches.synthesize(
            reference,
            text,
            to,
            response_format=response_format,
            sample_rate=sample_rate,
            source=source,
            account=account,
        )

    def keep_preview(
        self, reference: str, audio: PreviewAudio, *, account: str | None = None
    ) -> PreviewAudio:
        """Keep a recording of a voice that has none; an earlier one stays, and is returned."""
        return self._speeches.keep_preview(self._lookups.voice(reference, account), audio)
