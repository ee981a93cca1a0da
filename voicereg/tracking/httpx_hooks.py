"""Hooks for clients of ``httpx``, which note the voices of synthesis that passes through them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from voicereg.tracking.answers import EventsReader, PageReader, Reader, parsed
from voicereg.tracking.decoding import Decoded
from voicereg.tracking.notes import Notes, is_voice, unharmed

if TYPE_CHECKING:
    from voicereg.registry import Registry

_PATHS = (
    "/services/aigc/multimodal-generation/generation",
    "/services/audio/tts/SpeechSynthesizer",
)
"""Synthesis over HTTP (provider's API reference), below whichever base."""
_LARGEST_REQUEST_BYTES = 1024 * 1024
_BYTES_AT_ONCE = 256

Hooks = dict[str, list[Callable[[Any], None]]]
AsyncHooks = dict[str, list[Callable[[Any], Awaitable[None]]]]


def track_httpx(registry: Registry, *, source: str | None = None) -> Hooks:
    """The event hooks of an ``httpx.Client`` that notes every successful synthesis::

        client = httpx.Client(event_hooks=track_httpx(registry))

    A client that is there already takes them as well::

        client.event_hooks["response"] += track_httpx(registry)["response"]

    Answers are watched as the client's user reads them; a stream that is left early counts once
    audio has come. A request whose body is a stream cannot be looked into, and is passed over.

    Args:
        registry: where uses are noted.
        source: who uses the voices; None: as the registry was opened.

    Raises:
        InvalidInput: a source that can be none.
    """
    notes = Notes(registry, source)

    def watch(response: Any) -> None:
        unharmed(lambda: _watch(response, notes, _WatchedStream))

    return {"response": [watch]}


def track_httpx_async(registry: Registry, *, source: str | None = None) -> AsyncHooks:
    """The event hooks of an ``httpx.AsyncClient``, as :func:`track_httpx` makes them.

    The client takes them likewise: ``httpx.AsyncClient(event_hooks=track_httpx_async(registry))``.
    """
    notes = Notes(registry, source)

    async def watch(response: Any) -> None:
        unharmed(lambda: _watch(response, notes, _WatchedAsyncStream))

    return {"response": [watch]}


def _watch(response: Any, notes: Notes, watched: type) -> None:
    """Put a witness between an answer that tells of synthesis and whoever reads it."""
    if response.status_code != 200:
        return
    voice = _voice_of(response.request)
    reader = _reader_of(response) if voice is not None else None
    if reader is None:
        return
    try:
        content = response.content
    except RuntimeError:  # as usual: nobody has read it yet
        pass
    else:
        reader.feed(content)
        if reader.has_spoken:
            notes.used(voice)
        return
    encoding = response.headers.get("content-encoding", "").strip().lower()
    decoded = Decoded(reader, encoding, partial(_decode, type(response), encoding))
    witness = _Witness(decoded, lambda: notes.used(voice))
    kind: Any = type(response.stream)
    response.stream = _wrapping(watched, kind)(response.stream, witness)


def _voice_of(request: Any) -> object:
    """The voice that a request is to speak with; None where it is none of synthesis."""
    if request.method != "POST" or not request.url.path.rstrip("/").endswith(_PATHS):
        return None
    try:
        content = request.content
    except RuntimeError:  # it is sent piece by piece, and is not for us to read
        return None
    if len(content) > _LARGEST_REQUEST_BYTES:
        return None
    asked = (parsed(content) or {}).get("input")
    voice = asked.get("voice") if isinstance(asked, Mapping) else None
    return voice if is_voice(voice) else None


def _reader_of(response: Any) -> Reader | None:
    kind = response.headers.get("content-type", "").lower()
    if "event-stream" in kind:
        return EventsReader()
    return PageReader() if "json" in kind or not kind else None


def _decode(response_type: Any, encoding: str, content: bytes) -> Iterator[bytes]:
    """Undo any encoding that the client itself can undo, in small pieces: they may swell."""
    pieces = (
        content[start : start + _BYTES_AT_ONCE] for start in range(0, len(content), _BYTES_AT_ONCE)
    )
    decoded: Iterator[bytes] = response_type(
        200, headers={"content-encoding": encoding}, content=pieces
    ).iter_bytes()
    return decoded


class _Witness:
    """Sees an answer pass, and tells once that it was one of success."""

    def __init__(self, answer: Decoded, tell: Callable[[], None]) -> None:
        self._answer: Decoded | None = answer
        self._tell = tell

    def see(self, piece: bytes) -> None:
        if self._answer is not None:
            unharmed(partial(self._see, self._answer, piece))

    def _see(self, answer: Decoded, piece: bytes) -> None:
        try:
            answer.feed(piece)
        except BaseException:
            self._answer = None  # it is not readable, and is not tried again
            raise

    def dismiss(self) -> None:
        """Its end never came."""
        self._answer = None

    def decide(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            unharmed(lambda: self._tell() if answer.has_spoken() else None)


class _Watched:
    """A stream that somebody watches; made a kind of the very stream that it stands in for."""

    def __init__(self, stream: Any, witness: _Witness) -> None:
        self._stream = stream
        self._witness = witness


class _WatchedStream(_Watched):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                self._witness.see(piece)
                yield piece
        except Exception:
            self._witness.dismiss()
            raise
        self._witness.decide()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._witness.decide()


class _WatchedAsyncStream(_Watched):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                self._witness.see(piece)
                yield piece
        except Exception:
            self._witness.dismiss()
            raise
        self._witness.decide()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._witness.decide()


@cache
def _wrapping(watched: type, kind: type) -> Any:
    """A class of watched streams that are of a kind: httpx looks at what its streams are."""
    return type("WatchedStream", (watched, kind), {})
