"""Synthesis of the SDK over WebSockets: objects to whose ``on_message`` everything comes.

A use is noted before the SDK hears of the end: whoever waits for that finds it noted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from voicereg.tracking.answers import parsed
from voicereg.tracking.notes import Used, unharmed


class _Heard:
    """What came to one object of the SDK, since it began to speak."""

    def __init__(self) -> None:
        self.audio = False
        self.voice: Any = None


_Watch = Callable[[Used, Any, Any], None]


def watched_task(used: Used, on_message: Callable[..., Any]) -> Callable[..., Any]:
    """``on_message`` of a synthesizer over ``/inference``: a use for each task with audio."""
    return _watched(used, on_message, _watch_task)


def watched_realtime(used: Used, on_message: Callable[..., Any]) -> Callable[..., Any]:
    """``on_message`` of a session over ``/realtime``: a use for each response with audio."""
    return _watched(used, on_message, _watch_realtime)


def _watched(used: Used, on_message: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    @functools.wraps(on_message)
    def watched(self: Any, ws: Any, message: Any) -> Any:
        unharmed(lambda: watch(used, self, message))
        return on_message(self, ws, message)

    return watched


def _watch_task(used: Used, synthesizer: Any, message: Any) -> None:
    heard = _heard_by(synthesizer)
    if not isinstance(message, str):
        heard.audio = heard.audio or len(message) > 0
        return
    if '"task-' not in message:
        return
    event = _field(parsed(message) or {}, "header", "event")
    if event == "task-finished" and heard.audio:
        used(synthesizer.voice)
    if event in ("task-started", "task-finished", "task-failed"):
        heard.audio = False


def _watch_realtime(used: Used, session: Any, message: Any) -> None:
    if not isinstance(message, str):
        return
    heard = _heard_by(session)
    # Most of what comes is audio, and large: of each response, one piece of it is read.
    if heard.audio and '"response.audio.delta"' in message:
        return
    event = parsed(message) or {}
    kind = event.get("type")
    if kind == "response.audio.delta":
        heard.audio = bool(event.get("delta"))
    elif kind == "session.updated":
        heard.voice = _field(event, "session", "voice")
    elif kind in ("response.created", "error"):
        heard.audio = False
    elif kind == "response.done" and heard.audio:
        heard.audio = False
        if _field(event, "response", "status") != "failed":
            used(heard.voice or session.config.get("voice"))


def _heard_by(owner: Any) -> _Heard:
    """It is kept with the object itself."""
    heard: _Heard = vars(owner).setdefault("_voicereg_heard", _Heard())
    return heard


def _field(event: Mapping[str, Any], part: str, name: str) -> Any:
    values = event.get(part)
    return values.get(name) if isinstance(values, Mapping) else None
