"""What every transport of speech is given, and has to give."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from voicereg.domain.clock import Clock
from voicereg.domain.provider_errors import AnswerUnreadable
from voicereg.domain.speech import SpeechRequest, Spoken
from voicereg.provider.transport import Transport

if TYPE_CHECKING:
    from voicereg.provider.sockets import Socket

Deliver = Callable[[bytes], None]
"""Takes the audio, piece by piece."""

LARGEST_AUDIO_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """The ways to the provider."""

    transport: Transport
    open_socket: Callable[[str], AbstractContextManager[Socket]]
    """Opens a WebSocket at a path below its base."""
    clock: Clock
    task_id: Callable[[], str]
    """A new id for a task; 32 hexadecimal digits with dashes."""


class Speaker(Protocol):
    """Lets a voice say a text over one transport."""

    def __call__(self, line: Line, request: SpeechRequest, deliver: Deliver) -> Spoken:
        """Deliver the audio as it comes.

        Raises:
            VoiceGone: the provider knows no such voice.
            ProviderProblem: any other; some of the audio may have been delivered.
        """


class Audio:
    """Counts the audio of one synthesis on its way, and stops it where it has no end."""

    def __init__(self, clock: Clock, deliver: Deliver) -> None:
        self._clock = clock
        self._deliver = deliver
        self._asked_at = clock.monotonic()
        self._first_after: timedelta | None = None
        self.size_bytes = 0

    def asked(self) -> None:
        """The text goes out now: the first audio is waited for from here."""
        self._asked_at = self._clock.monotonic()

    def take(self, piece: bytes) -> None:
        """Pass a piece on.

        Raises:
            AnswerUnreadable: there is more than makes sense.
        """
        if not piece:
            return
        if self._first_after is None:
            self._first_after = self._clock.monotonic() - self._asked_at
        self.size_bytes += len(piece)
        if self.size_bytes > LARGEST_AUDIO_BYTES:
            raise AnswerUnreadable("the audio is too large", status=200)
        self._deliver(piece)

    def spoken(self, request: SpeechRequest, request_id: str | None) -> Spoken:
        """How it went, at the end.

        Raises:
            AnswerUnreadable: no audio came.
        """
        if self._first_after is None:
            raise AnswerUnreadable("no audio came", status=200, request_id=request_id)
        return Spoken(
            request_id=request_id,
            first_audio_after=self._first_after,
            size_bytes=self.size_bytes,
            file_format=request.file_format,
            sample_rate=request.sample_rate,
        )
