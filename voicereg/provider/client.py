"""Create, list, query and delete voices, for every family alike."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from voicereg.domain.clock import Clock, Sleep, SystemClock, system_sleep
from voicereg.domain.designs import DesignRequest
from voicereg.domain.errors import InvalidInput, Problem, ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import VoiceGone
from voicereg.domain.remote import CreatedVoice, Listing, RemoteVoice
from voicereg.domain.rules import RULES
from voicereg.domain.voices import Origin
from voicereg.provider.answers import Action, Answer, read_answer
from voicereg.provider.endpoints import Endpoint
from voicereg.provider.previews import read_preview
from voicereg.provider.retries import (
    NEVER_ARRIVED,
    NEVER_BEGAN,
    OUTCOME_UNKNOWN,
    SAFE_TO_REPEAT,
    Backoff,
)
from voicereg.provider.transport import Transport
from voicereg.provider.wires import WIRES, ListingKind
from voicereg.provider.wires.base import checked_id, optional_text
from voicereg.settings import CreateSettings

if TYPE_CHECKING:
    import httpx

    from voicereg.domain.speech import SpeechRequest, Spoken
    from voicereg.provider.sockets import Socket
    from voicereg.provider.speech import Deliver

_PATH = "/services/audio/tts/customization"
PAGE_SIZE = 100
"""Voices asked for at once; a server may give fewer without a word."""
_MOST_PAGES = 10_000
"""No account has a million voices: a listing that goes on has no end."""
_READINGS = 3
"""How often a listing is read whose total does not agree with it."""
OnPage = Callable[[int], None]


class ProviderClient:
    """One account at the provider. Safe to use from several threads.

    Args:
        endpoint: where requests go.
        key: the account's API key.
        timeouts: how long each phase of a request may take.
        clock: measures how long an answer takes.
        rng: spreads the waits between tries.
        sleep: waits between tries.
        transport: stands in for the network in tests.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: str,
        *,
        timeouts: CreateSettings | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        sleep: Sleep = system_sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._endpoint = endpoint
        self._key = key
        self._timeouts = timeouts or CreateSettings()
        self._backoff = Backoff(
            rng=rng or random.Random(),  # noqa: S311 - spreads waits, guards nothing
            sleep=sleep,
        )
        self._transport = Transport(
            endpoint,
            key,
            timeouts=self._timeouts,
            clock=self._clock,
            transport=transport,
        )

    def create(self, request: DesignRequest) -> CreatedVoice:
        """Design a voice. It is sent again only when it certainly did not arrive.

        Raises:
            NotConnected: it never left.
            ProviderRefused: it was refused, and nothing was made.
            ProviderProblem: any other: the voice may exist.
        """
        wire = WIRES[request.family]
        answer = self._ask(Action.CREATE, wire.create_body(request))
        try:
            voice_id = checked_id(answer.text(wire.id_field))
        except ValueError as error:
            raise answer.unreadable(str(error)) from None
        preview, problem = None, None
        try:
            preview, problem = read_preview(answer.output, request)
        except ValueError as error:
            problem = str(error)
        return CreatedVoice(
            voice_id=voice_id,
            target_model=optional_text(answer.output, "target_model") or request.target_model,
            preview=preview,
            preview_problem=problem,
            request_id=answer.request_id,
        )

    def query(self, family: Family, voice_id: str, origin: Origin) -> RemoteVoice:
        """What the provider says of one voice.

        Raises:
            VoiceGone: it does not exist.
            InvalidInput: the provider has no query for such a voice (clones of Qwen-TTS).
            ProviderProblem: it could not be asked.
        """
        if origin not in RULES[family].queried:
            raise InvalidInput(
                Problem("voice", voice_id, f"the provider has no query for a {origin} voice")
            )
        wire = WIRES[family]
        answer = self._ask(Action.QUERY, wire.query_body(voice_id, origin))
        try:
            return wire.queried(answer.output, voice_id, origin)
        except ValueError as error:
            raise answer.unreadable(str(error)) from None

    def delete(self, family: Family, voice_id: str, origin: Origin) -> bool:
        """Delete a voice. One that is gone already counts as deleted.

        Returns:
            Whether it was there.

        Raises:
            ProviderProblem: it was refused, or what became of it is not known.
        """
        body = WIRES[family].delete_body(voice_id, origin)
        in_doubt: ProviderProblem | None = None

        def attempt() -> Answer:
            nonlocal in_doubt
            try:
                return self._once(Action.DELETE, body)
            except OUTCOME_UNKNOWN as problem:
                in_doubt = in_doubt or problem
                raise

        try:
            self._backoff.run(attempt, SAFE_TO_REPEAT)
        except VoiceGone:
            return in_doubt is not None  # then it was an earlier try of ours that deleted it
        except ProviderProblem as problem:
            # A later try that never left, or was refused, does not undo one that may have arrived.
            raise in_doubt or problem from None
        return True

    def speak(self, request: SpeechRequest, deliver: Deliver) -> Spoken:
        """Let a voice say a text, over the transport of its target model.

        Where it certainly did not begin, it is tried again; once audio has come, it is not.

        Args:
            request: what is to be said, and by whom.
            deliver: takes the audio, piece by piece, as it comes.

        Raises:
            VoiceGone: the provider knows no such voice.
            ProviderProblem: any other; some of the audio may have been delivered.
        """
        from voicereg.provider.speech import SPEAKERS, Line

        line = Line(
            transport=self._transport,
            open_socket=self._open_socket,
            clock=self._clock,
            task_id=lambda: str(uuid.uuid4()),
        )
        begun = False

        def deliver_first_try(piece: bytes) -> None:
            nonlocal begun
            begun = True
            deliver(piece)

        def attempt() -> Spoken | ProviderProblem:
            try:
                return SPEAKERS[request.manner](line, request, deliver_first_try)
            except NEVER_BEGAN as problem:
                if not begun:
                    raise
                return problem  # another try would deliver the beginning twice

        spoken = self._backoff.run(attempt, NEVER_BEGAN)
        if isinstance(spoken, ProviderProblem):
            raise spoken
        return spoken

    def _open_socket(self, path: str) -> AbstractContextManager[Socket]:
        from voicereg.provider.sockets import open_socket

        return open_socket(
            self._endpoint, self._key, path, timeouts=self._timeouts, clock=self._clock
        )

    def listings(self, family: Family, *, on_page: OnPage | None = None) -> tuple[Listing, ...]:
        """Read every listing of a family to its end, as :meth:`listing` does."""
        return tuple(self._listing(family, kind, on_page) for kind in WIRES[family].listings)

    def listing(
        self, family: Family, origins: frozenset[Origin], *, on_page: OnPage | None = None
    ) -> Listing:
        """Read one listing of a family to its end.

        One that cannot be read to its end is returned as far as it went, and says so. One that
        changes while it is read, as its total shows, is read again.

        Args:
            family: which one.
            origins: what the listing shows, as :meth:`listings` tells it.
            on_page: told the number of voices on each page as it is read.
        """
        (kind,) = (kind for kind in WIRES[family].listings if kind.origins == origins)
        return self._listing(family, kind, on_page)

    def _listing(self, family: Family, kind: ListingKind, on_page: OnPage | None) -> Listing:
        requests = 0
        for _ in range(_READINGS):
            listing, agrees = self._reading(family, kind, on_page)
            requests += listing.requests
            if agrees:
                break
        return replace(listing, requests=requests)

    def _reading(
        self, family: Family, kind: ListingKind, on_page: OnPage | None
    ) -> tuple[Listing, bool]:
        """The listing as read once, and whether its total agrees (or there is nothing to say)."""
        voices: dict[str, RemoteVoice] = {}
        total: int | None = None
        requests = 0
        problem: str | None = None
        repeats = False
        most_pages = _MOST_PAGES if kind.last_page_index is None else kind.last_page_index + 1
        while True:
            if requests >= most_pages:
                problem = f"it does not end within {most_pages} pages"
                break
            try:
                answer, page = self._page(family, kind, requests)
            except ProviderProblem as error:
                problem = f"{error}; {error.advice}" if error.advice else str(error)
                requests += 1
                break
            requests += 1
            if kind.has_total:
                total = _count(answer.output.get("total_count"))
            if not page:
                break
            fresh = {voice.voice_id: voice for voice in page if voice.voice_id not in voices}
            if not fresh:
                if total is None or len(voices) < total:
                    problem = "a page repeats what earlier pages showed"
                    repeats = True
                break
            voices |= fresh
            if on_page is not None:
                on_page(len(fresh))
            # A total is no reason to stop on a full page: it is to agree with what is there.
            if total is not None and len(voices) >= total and len(page) < PAGE_SIZE:
                break
        agrees = problem is not None or total is None or len(voices) == total
        if not agrees:
            problem = f"the provider counts {total} voices, and {len(voices)} were listed"
        listing = Listing(
            family=family,
            origins=kind.origins,
            voices=tuple(voices.values()),
            total=total,
            requests=requests,
            complete=problem is None,
            problem=problem,
        )
        # A voice made meanwhile moves all others on by one, and then a page may repeat another.
        return listing, agrees and not repeats

    def _page(
        self, family: Family, kind: ListingKind, index: int
    ) -> tuple[Answer, list[RemoteVoice]]:
        """One page; an answer that is none is asked for again, as one that did not come."""

        def attempt() -> tuple[Answer, list[RemoteVoice]]:
            answer = self._once(Action.LIST, kind.body(index, PAGE_SIZE))
            return answer, self._items(answer, family, kind)

        return self._backoff.run(attempt, SAFE_TO_REPEAT)

    def _items(self, answer: Answer, family: Family, kind: ListingKind) -> list[RemoteVoice]:
        items = answer.output.get("voice_list")
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise answer.unreadable("it has no voice_list")
        try:
            return [WIRES[family].item(item, kind) for item in items]
        except ValueError as error:
            raise answer.unreadable(str(error)) from None

    def _ask(self, action: Action, body: Mapping[str, Any]) -> Answer:
        return self._backoff.run(
            lambda: self._once(action, body),
            NEVER_ARRIVED if action is Action.CREATE else SAFE_TO_REPEAT,
        )

    def _once(self, action: Action, body: Mapping[str, Any]) -> Answer:
        return read_answer(self._transport.post(_PATH, body), action, self._clock.now())

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
