"""What the pretended provider knows: its voices, their review, and the quotas.

Pure state behind one lock: no HTTP, no waiting. Anything that wants to change voices at
another's back (tests, a clock that deletes idle voices) calls this, not the HTTP front.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from voicereg.sandbox import ids
from voicereg.sandbox.clock import MovableClock, Reading
from voicereg.sandbox.models import COSYVOICE, ORIGINS, require_family
from voicereg.sandbox.quotas import Quotas
from voicereg.sandbox.review import OK, Review
from voicereg.sandbox.voices import NewVoice, Record, SandboxVoice

__all__ = ["NewVoice", "Provider", "SandboxVoice"]


class Provider:
    """The voices of one provider account, in one region.

    Args:
        limits: voices per family; a family that is left out has 1,000.
        review: what becomes of new voices.
        clock: what time it is, and how far that was moved.
        rng: where ids come from.
        utc_offset: how far ahead of UTC the provider's wall clock is, in which it writes
            times without a zone. The documentation does not say which zone that is.
        page_cap: the most voices on a page, whatever page size is asked for; None for no
            such cap.
        delete_idle_after: how long a voice may be neither made nor used before it is gone,
            as soon as anybody looks; None for no end.

    Raises:
        ValueError: an unknown family, a limit below 0, a cap below 1, or a time that is not
            above 0.
    """

    def __init__(
        self,
        *,
        limits: Mapping[str, int],
        review: Review,
        clock: MovableClock,
        rng: Random,
        utc_offset: timedelta,
        page_cap: int | None = None,
        delete_idle_after: timedelta | None = None,
    ) -> None:
        if delete_idle_after is not None and delete_idle_after <= timedelta(0):
            raise ValueError(f"delete_idle_after must be above 0: {delete_idle_after}")
        if page_cap is not None and page_cap < 1:
            raise ValueError(f"a page cap cannot be below 1: {page_cap}")
        self._lock = threading.Lock()
        self._review = review
        self._clock = clock
        self._rng = rng
        self._utc_offset = utc_offset
        self._page_cap = page_cap
        self._delete_idle_after = delete_idle_after
        self._records: dict[str, Record] = {}
        self._quotas = Quotas(limits)
        self._sequence = 0

    # --- what requests do -------------------------------------------------------------

    def request_id(self) -> str:
        """Return a new request id."""
        with self._lock:
            return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def local_text(self, moment: datetime) -> str:
        """Return a time as the provider writes it: its wall clock, to the second, no zone."""
        return self._local(moment).strftime("%Y-%m-%d %H:%M:%S")

    def require_room(self, family: str) -> None:
        """Refuse at once what could not be made now anyway. It holds nothing.

        Raises:
            ApiError: ``Throttling.AllocationQuota``.
        """
        with self._looking():
            self._quotas.require_room(family)

    def make(self, new: NewVoice) -> SandboxVoice:
        """Make a voice if its family has room: one step, whoever else is creating.

        Raises:
            ApiError: ``Throttling.AllocationQuota``.
        """
        with self._looking():
            self._quotas.require_room(new.family)
            now = self._clock()
            # Only CosyVoice has a status: a Qwen-TTS voice is usable as soon as it is there.
            reviewed = new.family == COSYVOICE
            return self._store(
                new,
                created_at=now,
                status=self._review.verdict(new.prompt) if reviewed else OK,
                reviewed_at=now + self._review.time if reviewed else now,
            ).at(now)

    def find(self, voice_id: str, family: str, origin: str | None = None) -> SandboxVoice | None:
        """Return the voice of that id, or None where that family and origin has none."""
        with self._looking():
            record = self._find(voice_id, family, origin)
            return None if record is None else record.at(self._clock())

    def page(
        self,
        *,
        family: str,
        origin: str | None = None,
        name_prefix: str = "",
        index: int,
        size: int,
    ) -> tuple[tuple[SandboxVoice, ...], int]:
        """Return one page of voices, newest first, and how many there are on all pages.

        Newest first is the order that makes life hardest for one who pages while voices are
        being made: the documentation promises none.
        """
        with self._looking():
            found = [
                record
                for record in self._records.values()
                if record.voice.family == family
                and origin in (None, record.voice.origin)
                and record.voice.name.startswith(name_prefix)
            ]
            now = self._clock()
        if self._page_cap is not None:
            size = min(size, self._page_cap)
        found.sort(key=lambda record: (record.voice.created_at, record.sequence), reverse=True)
        return (
            tuple(record.at(now) for record in found[index * size : (index + 1) * size]),
            len(found),
        )

    def remove(self, voice_id: str, family: str, origin: str | None = None) -> bool:
        """Delete a voice, which frees its slot at once; return whether it was there."""
        with self._looking():
            if self._find(voice_id, family, origin) is None:
                return False
            self._drop(voice_id)
            return True

    def relink(self, voice_id: str, family: str, url: str) -> bool:
        """Give a clone another recording; return whether the voice was there."""
        with self._looking():
            record = self._find(voice_id, family, None)
            if record is None:
                return False
            voice = replace(record.voice, resource_link=url, modified_at=self._clock())
            self._records[voice_id] = replace(record, voice=voice)
            return True

    def spoke(self, voice_id: str, *, times: int = 1) -> None:
        """Note that a voice was used just now, if it is still there.

        Args:
            voice_id: which.
            times: how many uses this counts as.
        """
        with self._lock:
            record = self._records.get(voice_id)
            if record is not None:
                voice = replace(
                    record.voice, last_used_at=self._clock(), uses=record.voice.uses + times
                )
                self._records[voice_id] = replace(record, voice=voice)

    # --- what happens behind the client's back ----------------------------------------

    def add(
        self,
        *news: NewVoice,
        created_at: datetime | None = None,
        status: str = OK,
    ) -> tuple[SandboxVoice, ...]:
        """Put voices in as they are: nothing checked, past the limit if need be.

        Args:
            news: what they are.
            created_at: when they were made (aware); now where None.
            status: theirs, with no review to wait for.

        Raises:
            ValueError: an unknown family or origin, or a time without a zone.
        """
        for new in news:
            require_family(new.family)
            if new.origin not in ORIGINS:
                raise ValueError(f"unknown origin {new.origin!r}: one of {', '.join(ORIGINS)}")
        if created_at is not None and created_at.utcoffset() is None:
            raise ValueError("created_at needs a time zone")
        with self._lock:
            now = self._clock()
            made_at = now if created_at is None else created_at.astimezone(UTC)
            return tuple(
                self._store(new, created_at=made_at, status=status, reviewed_at=made_at).voice
                for new in news
            )

    def discard(self, voice_id: str) -> bool:
        """Delete a voice of whatever kind; return whether it was there."""
        with self._looking():
            if voice_id not in self._records:
                return False
            self._drop(voice_id)
            return True

    def delete_idle(self, older_than: timedelta) -> tuple[SandboxVoice, ...]:
        """Delete the voices that were neither made nor used for so long; return them."""
        with self._lock:
            return self._drop_idle(older_than)

    def advance(self, by: timedelta) -> tuple[Reading, tuple[SandboxVoice, ...]]:
        """Move the clock forward, and delete at once what has become idle.

        Returns:
            What the clock shows then, and the voices that are gone: those that another
            deleted are not among them, so that each is told of once.

        Raises:
            ValueError: as for ``MovableClock.advance``.
        """
        with self._lock:  # one step: nobody may look in between, and delete them unseen
            reading = self._clock.advance(by)
            return reading, self._drop_idle(self._delete_idle_after)

    def voices(self, family: str | None = None) -> tuple[SandboxVoice, ...]:
        """Return all voices, or a family's, in the order in which they came about here.

        Raises:
            ValueError: an unknown family.
        """
        if family is not None:
            require_family(family)
        with self._looking():
            now = self._clock()
            return tuple(
                record.at(now)
                for record in self._records.values()
                if family in (None, record.voice.family)
            )

    def set_limit(self, family: str, limit: int) -> None:
        """Set how many voices a family may have; those there already stay.

        Raises:
            ValueError: an unknown family, or a limit below 0.
        """
        with self._lock:
            self._quotas.set_limit(family, limit)

    # --- with the lock held -----------------------------------------------------------

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Take the lock, with only those voices there that are not to be deleted by now."""
        with self._lock:
            self._drop_idle(self._delete_idle_after)
            yield

    def _drop_idle(self, older_than: timedelta | None) -> tuple[SandboxVoice, ...]:
        if older_than is None:
            return ()
        now = self._clock()
        idle = tuple(
            record.at(now)
            for record in self._records.values()
            if now - record.voice.last_active_at >= older_than
        )
        for voice in idle:
            self._drop(voice.voice_id)
        return idle

    def _find(self, voice_id: str, family: str, origin: str | None) -> Record | None:
        record = self._records.get(voice_id)
        if record is None or record.voice.family != family:
            return None
        return record if origin in (None, record.voice.origin) else None

    def _store(
        self, new: NewVoice, *, created_at: datetime, status: str, reviewed_at: datetime
    ) -> Record:
        voice = SandboxVoice(
            voice_id=self._unused_id(new, created_at),
            family=new.family,
            target_model=new.target_model,
            origin=new.origin,
            status=status,
            name=new.name,
            prompt=new.prompt,
            preview_text=new.preview_text,
            language=new.language,
            created_at=created_at,
            modified_at=created_at,
            resource_link=new.resource_link,
        )
        self._sequence += 1
        record = Record(voice, self._sequence, reviewed_at)
        self._records[voice.voice_id] = record
        self._quotas.take(voice.family)
        return record

    def _unused_id(self, new: NewVoice, created_at: datetime) -> str:
        local_time = self._local(created_at)
        while True:
            voice_id = ids.voice_id(
                new.family, new.origin, new.target_model, new.name, local_time, self._rng
            )
            if voice_id not in self._records:
                return voice_id

    def _drop(self, voice_id: str) -> None:
        record = self._records.pop(voice_id)
        self._quotas.free(record.voice.family)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC) + self._utc_offset
