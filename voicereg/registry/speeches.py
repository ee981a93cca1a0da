"""Synthesis: a voice says a text, over its own model's transport, and the use is noted."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from voicereg.domain.audio import PreviewAudio
from voicereg.domain.errors import DatabaseProblem, StateConflict
from voicereg.domain.provider_errors import VoiceGone
from voicereg.domain.reconcile import Absence
from voicereg.domain.speech import Spoken, checked_speech
from voicereg.domain.states import State
from voicereg.domain.uses import check_use
from voicereg.domain.voices import Voice
from voicereg.registry.changes import Changes, locked
from voicereg.registry.context import Context
from voicereg.registry.lookups import Lookups
from voicereg.registry.recorder import Recorder
from voicereg.registry.recordings import recording
from voicereg.registry.repeating import idempotent
from voicereg.store import previews, syncs

_USABLE = frozenset({State.ACTIVE, State.MISSING})
"""One that a listing did not show may still be there: the provider will say."""
_logger = logging.getLogger(__name__)


class Speeches:
    """Lets voices speak."""

    def __init__(self, context: Context, lookups: Lookups, recorder: Recorder) -> None:
        self._context = context
        self._lookups = lookups
        self._recorder = recorder

    def synthesize(
        self,
        reference: str,
        text: str,
        to: Path | BinaryIO,
        *,
        response_format: str | None,
        sample_rate: int | None,
        source: str | None,
        account: str | None,
    ) -> tuple[Voice, Spoken]:
        """Let a voice say a text.

        Args:
            reference: the voice.
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
        # Before anything is asked, and paid for: afterwards the use could not be noted.
        check_use(at=None, count=1, source=source, now=self._context.clock.now())
        voice = self._lookups.voice(reference, account)
        _check_usable(voice)
        request = checked_speech(
            voice, text, response_format=response_format, sample_rate=sample_rate
        )
        client = self._context.clients.of(self._context.selected(voice.account))
        with recording(to, request) as taker:
            try:
                spoken = client.speak(request, taker.take)
            except VoiceGone as gone:
                self._note_missing(voice, gone)
                raise
        self._recorder.record(request.voice_id, source=source)
        return voice, spoken

    @idempotent
    def keep_preview(self, voice: Voice, audio: PreviewAudio) -> PreviewAudio:
        """Keep a recording of a voice that has none.

        Returns:
            The one that is kept: an earlier one stays.
        """
        with self._context.database.write() as connection:
            earlier = previews.get(connection, voice.id)
            if earlier is not None:
                return earlier
            now = self._context.database.now(connection)
            previews.insert(connection, voice.id, audio, now)
            Changes(connection, actor=self._context.actor, now=now).log(
                "voice.preview",
                account=voice.account,
                voice=voice.id,
                after={"format": audio.response_format, "size_bytes": len(audio.data)},
                reason="synthesised: none was kept from its creation",
            )
            return replace(audio, kept_at=now)

    def _note_missing(self, voice: Voice, gone: VoiceGone) -> None:
        gone.advice = (
            f"voice {voice.id} is missing from now on; voicereg sync finds out whether it is gone "
            "for good: the same description never gives the same voice again"
        )
        try:
            self._mark_missing(voice, str(gone))
        except DatabaseProblem as problem:
            _logger.warning("that voice %s is missing was not noted: %s", voice.id, problem)

    @idempotent
    def _mark_missing(self, voice: Voice, said: str) -> None:
        with self._context.database.write() as connection:
            changes, current = locked(self._context, connection, voice.id)
            if current.state is not State.ACTIVE:
                return
            why = "the provider did not know it when it was to speak"
            missing = {"state": State.MISSING, "state_reason": why}
            changes.apply(current, "voice.missing", missing, said)
            # Gone since now, whenever a sync gets round to it; as good as a listing.
            syncs.note_absences(connection, {current.id: Absence(changes.now, 1)})


def _check_usable(voice: Voice) -> None:
    if voice.state in _USABLE:
        return
    advice = {
        State.PENDING: f"voicereg show {voice.id} --refresh asks how its review stands",
        State.UNRESOLVED: "voicereg sync finds out whether it was made",
    }.get(voice.state)
    raise StateConflict(voice, "it cannot be used for synthesis", advice)
