"""Speech over HTTP: one request, and the audio at a URL, or in events of the answer.

Two endpoints, for Qwen-TTS and for CosyVoice, as in the provider's API references for
non-realtime speech. With the header ``X-DashScope-SSE: enable`` the audio comes in events, as
bare samples in Base64, before the URL.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from voicereg.sandbox.booth import Booth
from voicereg.sandbox.downloads import SharedFile, Shelf
from voicereg.sandbox.errors import invalid_parameter
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.manner import Manner, read_language_type, read_manner
from voicereg.sandbox.models import COSYVOICE, QWEN_TTS, Speech
from voicereg.sandbox.replies import Answer
from voicereg.sandbox.sentences import billed_characters
from voicereg.sandbox.speaking import Speaker, pieces, speech_file
from voicereg.sandbox.turns import SYNTHESIZE, Call

#: Where each is, below the base path.
GENERATION_PATH = "/services/aigc/multimodal-generation/generation"
SYNTHESIZER_PATH = "/services/audio/tts/SpeechSynthesizer"

# All that Qwen-TTS has over HTTP.
_QWEN_MANNER = Manner("wav", 24000)
# What the official SDK sends for CosyVoice where its user chose neither.
_COSYVOICE_MANNER = Manner("wav", 24000)


class SpokenFiles:
    """An endpoint that makes a voice speak.

    Args:
        speech: ``GENERATION`` for Qwen-TTS, ``INFERENCE`` for CosyVoice.
        booth: where voices speak.
        shelf: where the audio is left.
        request_id: returns a new request id.
    """

    def __init__(
        self, speech: Speech, booth: Booth, shelf: Shelf, request_id: Callable[[], str]
    ) -> None:
        self._speech = speech
        self._booth = booth
        self._shelf = shelf
        self._request_id = request_id

    def __call__(self, body: Any, headers: Mapping[str, str]) -> Answer:
        """Carry out a request.

        Args:
            body: the parsed JSON body.
            headers: those of the request.

        Raises:
            ApiError: the request is refused.
        """
        if not isinstance(body, dict):
            raise invalid_parameter("The body must be a JSON object.")
        if not isinstance(body.get("input"), dict):
            raise invalid_parameter("input must be an object.")
        request = Fields(body, "")
        model = request.text("model")
        self._booth.require_model(model, self._speech)
        fields = request.object("input")
        text, manner = fields.text("text"), self._manner(fields)
        voice = self._booth.admit(model, fields.text("voice"), self._speech)
        self._booth.inspect(text)
        audio = speech_file(voice.voice_id, text, manner)
        shared = self._shelf.put(audio, manner.format)
        self._booth.spoke(voice.voice_id)
        answer = self._answer(shared, billed_characters(text), self._request_id())
        if headers.get("X-DashScope-SSE", "").lower() != "enable":
            return answer
        # The audio of the last event's URL, but for Qwen-TTS without a header.
        streamed = Speaker(voice.voice_id, manner).say(text) if self._is_qwen else audio
        return replace(
            answer, events=tuple(self._event(answer, piece) for piece in pieces(streamed))
        )

    def call_of(self, body: Any) -> Call | None:
        """Return what a body asks for, or None where it is no object."""
        family = QWEN_TTS if self._is_qwen else COSYVOICE
        return Call(SYNTHESIZE, family) if isinstance(body, dict) else None

    def sketch(self, call: Call, body: Any, request_id: str) -> Answer:
        """Return an answer that looks like one, where nothing was said."""
        return self._answer(self._shelf.nothing(), 0, request_id)

    @property
    def _is_qwen(self) -> bool:
        return self._speech is Speech.GENERATION

    def _manner(self, fields: Fields) -> Manner:
        if self._is_qwen:
            read_language_type(fields)
            return _QWEN_MANNER
        return read_manner(fields, _COSYVOICE_MANNER)

    def _answer(self, shared: SharedFile, characters: int, request_id: str) -> Answer:
        audio = {
            "data": "",
            "url": shared.url,
            "id": shared.id,
            "expires_at": int(shared.expires_at.timestamp()),
        }
        return Answer(
            200,
            {
                "output": {"finish_reason": "stop", "audio": audio},
                "usage": {"characters": characters},
                "request_id": request_id,
            },
        )

    def _event(self, answer: Answer, piece: bytes) -> dict[str, Any]:
        """Return one of the events that come before the answer."""
        data = base64.b64encode(piece).decode("ascii")
        audio = {**answer.content["output"]["audio"], "url": "", "data": data}
        output: dict[str, Any] = {"finish_reason": "null", "audio": audio}
        if not self._is_qwen:
            output |= {"type": "sentence-synthesis", "sentence": {"index": 0, "words": []}}
        return {**answer.content, "output": output}
