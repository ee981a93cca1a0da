"""The endpoints of a sandbox, put together."""

from __future__ import annotations

from collections.abc import Callable

from voicereg.sandbox import spoken_files
from voicereg.sandbox.booth import Booth
from voicereg.sandbox.cosyvoice import VoiceEnrollment
from voicereg.sandbox.customization import Customization
from voicereg.sandbox.downloads import Shelf
from voicereg.sandbox.inference import Inference
from voicereg.sandbox.misbehaviour import Misbehaviour
from voicereg.sandbox.models import COSYVOICE, QWEN_TTS, Catalogue, Speech
from voicereg.sandbox.plan import Plan
from voicereg.sandbox.provider import Provider
from voicereg.sandbox.qwen import QwenVoiceDesign, QwenVoiceEnrollment
from voicereg.sandbox.realtime import Realtime
from voicereg.sandbox.sockets import SocketEndpoint
from voicereg.sandbox.spoiling import sketch
from voicereg.sandbox.spoken_files import SpokenFiles
from voicereg.sandbox.studio import Studio
from voicereg.sandbox.turns import call_of


def management(
    plan: Plan, provider: Provider, studio: Studio, catalogue: Catalogue
) -> Misbehaviour:
    """Return the endpoint that manages voices."""
    parts = (provider, studio, catalogue)
    return Misbehaviour(
        plan,
        Customization(
            {
                "voice-enrollment": VoiceEnrollment(*parts).actions(),
                "qwen-voice-design": QwenVoiceDesign(*parts).actions(),
                "qwen-voice-enrollment": QwenVoiceEnrollment(*parts).actions(),
            },
            provider.request_id,
        ),
        provider.request_id,
        call_of=call_of,
        sketch=sketch,
    )


def speech_endpoints(
    plan: Plan, booth: Booth, request_id: Callable[[], str], shelf: Shelf, base_path: str
) -> dict[str, Misbehaviour]:
    """Return the endpoints of speech over HTTP, by path."""
    ways = {
        spoken_files.GENERATION_PATH: Speech.GENERATION,
        spoken_files.SYNTHESIZER_PATH: Speech.INFERENCE,
    }
    endpoints = {
        path: SpokenFiles(speech, booth, shelf, request_id) for path, speech in ways.items()
    }
    return {
        base_path + path: Misbehaviour(
            plan, endpoint, request_id, call_of=endpoint.call_of, sketch=endpoint.sketch
        )
        for path, endpoint in endpoints.items()
    }


def speech_sockets(
    plan: Plan, booth: Booth, request_id: Callable[[], str], base_path: str
) -> dict[str, SocketEndpoint]:
    """Return the endpoints of speech over WebSockets, by path."""
    return {
        f"{base_path}/inference": SocketEndpoint(
            plan,
            COSYVOICE,
            lambda query, courses: Inference(booth, courses, request_id),
            request_id,
        ),
        f"{base_path}/realtime": SocketEndpoint(
            plan,
            QWEN_TTS,
            lambda query, courses: Realtime(
                query.get("model"), booth, courses, lambda: request_id().replace("-", "")
            ),
            request_id,
        ),
    }
