"""Models that answer over HTTP, with a link to the audio: ``qwen3-tts-vd-<date>`` and ``-vc-``.

The requests are those of the provider's API reference for non-realtime synthesis.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from voicereg.domain.speech import SpeechRequest, Spoken
from voicereg.provider.answers import Action, Answer, read_answer
from voicereg.provider.speech.base import LARGEST_AUDIO_BYTES, Audio, Deliver, Line

_PATH = "/services/aigc/multimodal-generation/generation"


def speak_by_link(line: Line, request: SpeechRequest, deliver: Deliver) -> Spoken:
    """Ask for the audio, then fetch it from the link, which needs no key and is sent none."""
    audio = Audio(line.clock, deliver)
    body = {
        "model": request.target_model,
        "input": {"text": request.text, "voice": request.voice_id},
    }
    audio.asked()
    answer = read_answer(line.transport.post(_PATH, body), Action.SYNTHESIZE, line.clock.now())
    found = answer.output.get("audio")
    if not isinstance(found, Mapping):
        raise answer.unreadable("it has no audio")
    url, data = found.get("url"), found.get("data")
    if isinstance(url, str) and url:
        line.transport.download(url, audio.take, largest_bytes=LARGEST_AUDIO_BYTES)
    elif isinstance(data, str) and data:
        audio.take(_decoded(answer, data))
    return audio.spoken(request, answer.request_id)


def _decoded(answer: Answer, data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise answer.unreadable("its audio is not Base64") from None
