"""A local stand-in for the speech provider's API: voice management, and speech.

It shares no code with the client: both are written from the provider's public
documentation alone, so that a mistake in one cannot hide in the other.
"""

from voicereg.sandbox.downloads import Download
from voicereg.sandbox.faults import RETRY_AFTER_SECONDS, Fault, FaultKind, fault_kind
from voicereg.sandbox.models import TargetModel
from voicereg.sandbox.provider import SandboxVoice
from voicereg.sandbox.recording import RecordedRequest
from voicereg.sandbox.sandbox import DEFAULT_API_KEY, Sandbox

__all__ = [
    "DEFAULT_API_KEY",
    "RETRY_AFTER_SECONDS",
    "Download",
    "Fault",
    "FaultKind",
    "RecordedRequest",
    "Sandbox",
    "SandboxVoice",
    "TargetModel",
    "fault_kind",
]
