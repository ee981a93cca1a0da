"""What stands in for time and the outside world in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypedDict

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Example(TypedDict):
    """What a design cannot do without."""

    target_model: str
    name: str
    prompt: str
    preview_text: str


ANNOUNCER: Example = {
    "target_model": "cosyvoice-v3.5-plus",
    "name": "announcer",
    "prompt": (
        "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady "
        "speaking speed and clear articulation, is suitable for news broadcasting or documentary "
        "commentary."
    ),
    "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.",
}
"""The provider's own example of a CosyVoice design."""

NARRATOR: Example = {
    "target_model": "qwen3-tts-vd-2026-01-26",
    "name": "narrator",
    "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.",
    "preview_text": (
        "Welcome to our audiobook. Let me take you on a journey through the wonders of nature."
    ),
}
"""A Qwen-TTS design that reads the provider's own example."""


class FakeClock:
    """A clock that moves when it is told to, and when somebody sleeps by it."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self.moment = start
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> timedelta:
        return self.moment - self.start

    def advance(self, duration: timedelta) -> None:
        self.moment += duration

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self.advance(duration)
