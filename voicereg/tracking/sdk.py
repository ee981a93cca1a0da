"""A wrapper for the provider's official SDK, which notes the voices that speak through it."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from voicereg.tracking.notes import Notes, Used, unharmed
from voicereg.tracking.sdk_calls import watched_async_call, watched_call
from voicereg.tracking.sdk_sockets import watched_realtime, watched_task

if TYPE_CHECKING:
    from voicereg.registry import Registry

_Watching = Callable[[Used, Any], Any]

_REALTIME = "audio.qwen_tts_realtime.qwen_tts_realtime"
_METHODS: tuple[tuple[str, str, str, _Watching], ...] = (
    ("audio.tts_v2.speech_synthesizer", "SpeechSynthesizer", "on_message", watched_task),
    (
        "audio.qwen_tts_realtime.qwen_tts_realtime",
        "QwenTtsRealtime",
        "on_message",
        watched_realtime,
    ),
    ("aigc.multimodal_conversation", "MultiModalConversation", "call", watched_call),
    ("aigc.multimodal_conversation", "AioMultiModalConversation", "call", watched_async_call),
    ("audio.qwen_tts.speech_synthesizer", "SpeechSynthesizer", "call", watched_call),
    ("audio.http_tts.http_speech_synthesizer", "HttpSpeechSynthesizer", "call", watched_call),
)
"""Where audio comes in, by module of the SDK, class and method; how each is watched."""
_SDK = "dashscope"
_logger = logging.getLogger(__name__)


def track_sdk(registry: Registry, *, source: str | None = None) -> SdkTracking:
    """Note every successful synthesis by the provider's SDK, everywhere in this process::

        track_sdk(registry)                        # until the process ends
        with track_sdk(registry): ...              # inside the block

    Seen are ``dashscope.audio.tts_v2.SpeechSynthesizer`` (a use for each task that is finished and
    had audio), ``dashscope.audio.qwen_tts_realtime.QwenTtsRealtime`` (for each response), and the
    calls over HTTP of ``MultiModalConversation``, ``AioMultiModalConversation``,
    ``qwen_tts.SpeechSynthesizer`` and ``HttpSpeechSynthesizer`` (for each call; a stream that is
    left early counts once audio has come).

    Connections made before are not seen. ``dashscope.Client`` speaks through ``httpx``: give it
    ``http_client=httpx.Client(event_hooks=track_httpx(registry))``.

    Args:
        registry: where uses are noted.
        source: who uses the voices; None: as the registry was opened.

    Raises:
        ImportError: the SDK is not installed.
        InvalidInput: a source that can be none.
    """
    return SdkTracking(Notes(registry, source))


class SdkTracking:
    """The SDK as it is watched; leaving the ``with`` block, or :meth:`stop`, ends that."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        _WATCH.begin(notes)

    def stop(self) -> None:
        """Note no more uses; the SDK is put back as it was. Harmless when repeated."""
        self._notes.stop()
        _WATCH.end(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Watch:
    """The SDK with its methods replaced, once for all who want to know."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: tuple[Notes, ...] = ()
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def begin(self, notes: Notes) -> None:
        """Tell one more; replace the methods for the first.

        Raises:
            ImportError: the SDK is not installed.
        """
        importlib.import_module(_SDK)
        with self._lock:
            if not self._all:
                for module, owner, method, watching in _METHODS:
                    self._replace(module, owner, method, watching)
            self._all += (notes,)

    def end(self, notes: Notes) -> None:
        """Tell one fewer; after the last, the methods are as they were."""
        with self._lock:
            self._all = tuple(one for one in self._all if one is not notes)
            if self._all:
                return
            replaced, self._replaced = self._replaced, []
            for owner, method, before, watched in replaced:
                # What somebody else has put over it since stays, and goes on working.
                if vars(owner).get(method) is watched:
                    setattr(owner, method, before)

    def used(self, voice: object) -> None:
        """Note a use, everywhere."""
        for notes in self._all:
            unharmed(partial(notes.used, voice))

    def _replace(self, module: str, name: str, method: str, watching: _Watching) -> None:
        try:
            owner = getattr(importlib.import_module(f"{_SDK}.{module}"), name)
            before = vars(owner)[method]
            watched = watching(self.used, before)
        except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
            _logger.warning(
                "uses by %s.%s.%s are not noted: this version of the SDK is another (%r)",
                _SDK,
                module,
                name,
                error,
            )
            return
        setattr(owner, method, watched)
        self._replaced.append((owner, method, before, watched))


_WATCH = _Watch()
