"""Qwen-TTS's speech over a WebSocket, ``/realtime``: one session for each connection.

Events as in the provider's references of client and server events for Qwen-TTS realtime. In
``server_commit`` mode a sentence is spoken as soon as it is complete; each time something is
spoken is one response. After an ``error`` that says the session failed, only
``session.finish`` does anything.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from voicereg.sandbox.booth import Booth
from voicereg.sandbox.conversations import Closing, Conversation, Outgoing, Part, Said
from voicereg.sandbox.courses import Courses
from voicereg.sandbox.errors import ApiError, invalid_parameter
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.manner import Manner, one_of, read_language_type, read_number
from voicereg.sandbox.models import Speech
from voicereg.sandbox.responses import Response, failure
from voicereg.sandbox.sentences import billed_characters, complete_sentences
from voicereg.sandbox.speaking import Speaker, pieces

COMMIT = "commit"
SERVER_COMMIT = "server_commit"

_MANNER = Manner("pcm", 24000)
_POLICY_VIOLATION = 1008


class Realtime(Conversation):
    """One connection to ``/realtime``.

    Args:
        model: what the URL's query names; None for nothing.
        booth: where voices speak.
        courses: makes the course of the session.
        token: returns a text that makes an id different from all others.
    """

    def __init__(
        self, model: str | None, booth: Booth, courses: Courses, token: Callable[[], str]
    ) -> None:
        self._model = model or ""
        self._booth = booth
        self._course = courses.next()
        self._token = token
        self._settings: dict[str, Any] = {
            "id": f"sess_{token()}",
            "object": "realtime.session",
            "model": self._model,
            "mode": SERVER_COMMIT,
            "voice": "",
            "response_format": _MANNER.format,
            "sample_rate": _MANNER.sample_rate,
        }
        self._manner = _MANNER
        self._begun = False  # there was text
        self._failed_before = False
        self._used = False
        self._text = ""
        self._handlers: dict[str, Callable[[Fields], Iterator[Outgoing]]] = {
            "session.update": self._update,
            "input_text_buffer.append": self._append,
            "input_text_buffer.commit": self._commit,
            "input_text_buffer.clear": self._clear,
            # A message is only looked at once all before it are answered: nothing is left to
            # be cancelled.
            "response.cancel": lambda event: iter(()),
            "session.finish": self._finish,
        }

    def _welcome(self) -> Iterator[Outgoing]:
        self._course.before()
        try:
            if not self._model:
                raise invalid_parameter("The URL's query must name a model.")
            self._booth.require_model(self._model, Speech.REALTIME)
        except ApiError as error:
            yield self._event("error", Part.FIRST | Part.LAST, error=failure(error))
            yield Closing(_POLICY_VIOLATION, error.code)
            return
        yield self._event("session.created", Part.FIRST, session=self._settings)

    def _heard(self, event: Fields) -> Iterator[Outgoing]:
        kind = event.text("type")
        handler = self._handlers.get(kind)
        if handler is None:
            raise invalid_parameter(f"Unknown event type {kind!r}.")
        yield from handler(event)

    def _update(self, event: Fields) -> Iterator[Outgoing]:
        if self._begun:
            # As the provider's reference words it.
            raise invalid_parameter(
                "Session update error: session already started or finished or failed."
            )
        self._require_sound("Session update error")
        fields = event.object("session")
        settings = dict(self._settings)
        settings["mode"] = one_of(
            (COMMIT, SERVER_COMMIT),
            fields.optional_text("mode") or settings["mode"],
            "session.mode",
        )
        one_of(
            (_MANNER.format,),
            fields.optional_text("response_format") or _MANNER.format,
            "session.response_format",
        )
        one_of(
            (_MANNER.sample_rate,),
            fields.integer("sample_rate", _MANNER.sample_rate),
            "session.sample_rate",
        )
        language_type = read_language_type(fields)
        if language_type is not None:
            settings["language_type"] = language_type
        self._manner = Manner(
            _MANNER.format,
            _MANNER.sample_rate,
            volume=round(read_number(fields, "volume", 0, 100, 50)),
            rate=read_number(fields, "speech_rate", 0.5, 2, 1),
            pitch=read_number(fields, "pitch_rate", 0.5, 2, 1),
        )
        if fields.has("voice") or not settings["voice"]:
            settings["voice"] = fields.text("voice")
            self._booth.admit(self._model, settings["voice"], Speech.REALTIME)
        self._settings = settings
        yield self._event("session.updated", session=self._settings)

    def _append(self, event: Fields) -> Iterator[Outgoing]:
        self._require_sound("Text")
        text = event.text("text")
        if not self._settings["voice"]:
            raise invalid_parameter("The session has no voice: send session.update first.")
        if text.strip():
            self._booth.inspect(text)
        self._begun = True
        self._text += text
        if self._settings["mode"] == SERVER_COMMIT:
            sentences, self._text = complete_sentences(self._text)
            if sentences:
                yield from self._speak("".join(sentences))

    def _commit(self, event: Fields) -> Iterator[Outgoing]:
        self._require_sound("Commit")
        if not self._text.strip():
            # Nothing is wrong with the session.
            error = invalid_parameter("The text buffer is empty: there is nothing to commit.")
            yield self._event("error", error=failure(error))
            return
        yield self._event("input_text_buffer.committed", item_id="")
        text, self._text = self._text, ""
        yield from self._speak(text)

    def _clear(self, event: Fields) -> Iterator[Outgoing]:
        self._text = ""
        yield self._event("input_text_buffer.cleared")

    def _finish(self, event: Fields) -> Iterator[Outgoing]:
        text, self._text = self._text, ""
        if text.strip() and not self._failed_before:
            yield from self._speak(text)
        self._course.after()
        yield self._event("session.finished", Part.LAST)
        yield Closing()

    def _speak(self, text: str) -> Iterator[Outgoing]:
        voice = self._settings["voice"]
        # It may have been deleted since the session began.
        self._booth.admit(self._model, voice, Speech.REALTIME)
        response = Response(f"resp_{self._token()}", f"item_{self._token()}", voice)
        for kind, fields in response.beginning():
            yield self._event(kind, **fields)
        for piece in pieces(Speaker(voice, self._manner).say(text)):
            delta = base64.b64encode(piece).decode("ascii")
            yield self._event("response.audio.delta", Part.AUDIO, **response.place(), delta=delta)
        self._booth.spoke(voice, times=0 if self._used else 1)
        self._used = True
        for kind, fields in response.end(billed_characters(text)):
            yield self._event(kind, **fields)

    def _require_sound(self, what: str) -> None:
        if self._failed_before:
            raise invalid_parameter(f"{what}: the session failed before.")

    def _failed(self, error: ApiError) -> Iterator[Outgoing]:
        self._failed_before = True
        self._text = ""
        yield self._event("error", error=failure(error))

    def _led(self, said: Outgoing) -> Iterator[Outgoing]:
        return self._course.lead(said, self._failed)

    def _event(self, kind: str, part: Part = Part.OTHER, /, **fields: Any) -> Said:
        return Said({"event_id": f"event_{self._token()}", "type": kind, **fields}, part)
