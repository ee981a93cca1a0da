"""CosyVoice's speech over a WebSocket, ``/inference``: tasks, one after another.

Messages as in the provider's references of client and server events for CosyVoice. What is
said in sentences is spoken as soon as they are complete. A WAV file says in its beginning how
long it is: its audio waits for the end of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from voicereg.sandbox.booth import Booth
from voicereg.sandbox.conversations import Closing, Conversation, Outgoing, Part, Said
from voicereg.sandbox.courses import Course, Courses
from voicereg.sandbox.errors import ApiError, invalid_parameter
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.manner import Manner, one_of, read_manner
from voicereg.sandbox.models import Speech
from voicereg.sandbox.sentences import billed_characters, complete_sentences
from voicereg.sandbox.speaking import Speaker, encoder, pieces

#: The longest text of one ``continue-task``, and of one task, in characters.
MOST_MESSAGE_CHARACTERS = 20_000
MOST_TASK_CHARACTERS = 200_000

_DEFAULT_MANNER = Manner("mp3", 22050)
_TASK = {"task_group": "audio", "task": "tts", "function": "SpeechSynthesizer"}


class Inference(Conversation):
    """One connection to ``/inference``.

    Args:
        booth: where voices speak.
        courses: makes the course of each task.
        request_id: returns a new request id.
    """

    def __init__(self, booth: Booth, courses: Courses, request_id: Callable[[], str]) -> None:
        self._booth = booth
        self._courses = courses
        self._request_id = request_id
        self._course: Course | None = None
        self._task: _Task | None = None
        self._task_id = ""
        self._over: set[str] = set()

    def _heard(self, event: Fields) -> Iterator[Outgoing]:
        header, payload = event.object("header"), event.object("payload")
        self._task_id = header.optional_text("task_id") or ""
        if not self._task_id:
            raise invalid_parameter("header.task_id is required.")
        one_of(("duplex",), header.text("streaming"), "header.streaming")
        action = header.text("action")
        if action == "run-task":
            yield from self._run(payload)
        elif action == "continue-task":
            yield from self._running().hear(payload.object("input"))
        elif action == "finish-task":
            yield from self._finish(payload.object("input"))
        else:
            raise invalid_parameter(f"header.action {action!r} is not an action.")

    def _run(self, payload: Fields) -> Iterator[Outgoing]:
        if self._task is not None:
            raise invalid_parameter("A task is running on this connection.")
        if self._task_id in self._over:
            raise invalid_parameter("header.task_id was used before on this connection.")
        self._course = self._courses.next()
        self._course.before()
        self._task = _Task(self._task_id, payload, self._booth)
        yield Said(_event(self._task_id, "task-started", {}), Part.FIRST)

    def _finish(self, fields: Fields) -> Iterator[Outgoing]:
        task = self._running()
        if fields.optional_text("directive") != "cancel":
            yield from task.finish()
        if self._course is not None:
            self._course.after()
        self._task = None
        self._over.add(task.task_id)
        finished = _event(task.task_id, "task-finished", {"usage": task.usage()})
        finished["header"]["attributes"] = {"request_uuid": self._request_id()}
        yield Said(finished, Part.LAST)

    def _running(self) -> _Task:
        if self._task is None or self._task.task_id != self._task_id:
            raise invalid_parameter("header.task_id is not that of a running task.")
        return self._task

    def _failed(self, error: ApiError) -> Iterator[Outgoing]:
        part = Part.LAST if self._task is not None else Part.FIRST | Part.LAST
        event = _event(self._task_id, "task-failed", {})
        event["header"] |= {"error_code": error.code, "error_message": error.message}
        yield Said(event, part)
        # The reference only says that the client must close the connection now: it is good for
        # nothing more.
        yield Closing()

    def _led(self, said: Outgoing) -> Iterator[Outgoing]:
        return iter((said,)) if self._course is None else self._course.lead(said, self._failed)


class _Task:
    """One task, from its text to its audio."""

    def __init__(self, task_id: str, payload: Fields, booth: Booth) -> None:
        for field, value in _TASK.items():
            one_of((value,), payload.text(field), payload.name_of(field))
        parameters = payload.object("parameters")
        kinds = ("PlainText", "SSML")
        if parameters.has("text_type"):
            one_of(kinds, parameters.text("text_type"), parameters.name_of("text_type"))
        manner = read_manner(parameters, _DEFAULT_MANNER)
        self.task_id = task_id
        self._model = payload.text("model")
        booth.require_model(self._model, Speech.INFERENCE)
        self._voice_id = booth.admit(
            self._model, parameters.text("voice"), Speech.INFERENCE
        ).voice_id
        self._booth = booth
        self._speaker = Speaker(self._voice_id, manner)
        self._encoder = encoder(manner)
        self._begun = False
        self._waiting = ""
        self._heard = 0
        self._characters = 0
        self._sentences = 0

    def usage(self) -> dict[str, int]:
        """Return what is billed by now."""
        return {"characters": self._characters}

    def hear(self, fields: Fields) -> Iterator[Outgoing]:
        """Take more text, and speak what can be spoken by now."""
        flushed = fields.flag("flush")
        text = fields.optional_text("text")
        if text is None and not flushed:
            raise invalid_parameter("payload.input.text is required.")
        self._take(text or "")
        if self._encoder.waits:
            return
        sentences, self._waiting = complete_sentences(self._waiting)
        if flushed and self._waiting.strip():
            sentences.append(self._waiting)
            self._waiting = ""
        if sentences:
            yield from self._speak(sentences, last=False)

    def finish(self) -> Iterator[Outgoing]:
        """Speak all that is left."""
        sentences, rest = complete_sentences(self._waiting)
        self._waiting = ""
        if rest.strip():
            sentences.append(rest)
        if not sentences and not self._begun:
            raise invalid_parameter("Please ensure input text is valid.")
        yield from self._speak(sentences, last=True)
        self._booth.spoke(self._voice_id)

    def _take(self, text: str) -> None:
        if len(text) > MOST_MESSAGE_CHARACTERS:
            raise invalid_parameter(f"A text may have {MOST_MESSAGE_CHARACTERS} characters.")
        self._heard += len(text)
        if self._heard > MOST_TASK_CHARACTERS:
            raise invalid_parameter(f"All texts may have {MOST_TASK_CHARACTERS} characters.")
        if text.strip():
            self._booth.inspect(text)
        self._waiting += text

    def _speak(self, sentences: Sequence[str], *, last: bool) -> Iterator[Outgoing]:
        # It may have been deleted since the task began.
        self._booth.admit(self._model, self._voice_id, Speech.INFERENCE)
        audio = b""
        if not self._begun:
            self._begun = True
            audio = self._encoder.begin(
                b"".join(map(self._speaker.say, sentences)) if self._encoder.waits else b""
            )
        for sentence in sentences:
            yield self._result("sentence-begin", original_text=sentence)
            yield from self._audio(audio + self._encoder.add(self._speaker.say(sentence)))
            audio = b""
            self._characters += billed_characters(sentence)
            yield self._result("sentence-end", self.usage(), original_text=sentence)
            self._sentences += 1
        if last:
            yield from self._audio(self._encoder.end())

    def _audio(self, audio: bytes) -> Iterator[Outgoing]:
        for piece in pieces(audio):
            yield self._result("sentence-synthesis")
            yield Said(piece, Part.AUDIO)

    def _result(self, kind: str, usage: dict[str, int] | None = None, **more: Any) -> Outgoing:
        sentence = {"index": self._sentences, "words": []}
        payload: dict[str, Any] = {"output": {"sentence": sentence, "type": kind, **more}}
        if usage is not None:
            payload["usage"] = usage
        return Said(_event(self.task_id, "result-generated", payload))


def _event(task_id: str, event: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "header": {"task_id": task_id, "event": event, "attributes": {}},
        "payload": payload,
    }
