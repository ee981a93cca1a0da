"""Synthesis of the SDK over HTTP: class methods that return an answer, or one in pieces."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from voicereg.tracking.answers import has_audio, is_error
from voicereg.tracking.notes import Used, is_voice, unharmed


def watched_call(used: Used, method: classmethod[Any, Any, Any]) -> Any:
    """A class method ``call`` that notes the voice when its answer is one of success."""
    call = method.__func__
    voice_of = _voice_of(call)

    @functools.wraps(call)
    def watched(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
        answer = call(cls, *args, **kwargs)
        voice = voice_of(cls, args, kwargs)
        if voice is None:
            return answer
        if inspect.isgenerator(answer):
            return _pieces(answer, _Hearing(used, voice))
        _Hearing(used, voice).all_of(answer)
        return answer

    return classmethod(watched)


def watched_async_call(used: Used, method: classmethod[Any, Any, Any]) -> Any:
    """The same of a coroutine."""
    call = method.__func__
    voice_of = _voice_of(call)

    @functools.wraps(call)
    async def watched(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
        answer = await call(cls, *args, **kwargs)
        voice = voice_of(cls, args, kwargs)
        if voice is None:
            return answer
        if inspect.isasyncgen(answer):
            return _async_pieces(answer, _Hearing(used, voice))
        _Hearing(used, voice).all_of(answer)
        return answer

    return classmethod(watched)


def _voice_of(call: Callable[..., Any]) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]:
    """What finds the voice among the arguments of a call; None where there is none."""
    signature = inspect.signature(call)

    def find(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = kwargs.get("voice")
        if given is None and args:
            try:
                given = signature.bind(cls, *args, **kwargs).arguments.get("voice")
            except TypeError:
                return None
        return given if is_voice(given) else None

    return find


class _Hearing:
    """What was heard of one call."""

    def __init__(self, used: Used, voice: Any) -> None:
        self._used = used
        self._voice = voice
        self._heard = False
        self._failed = False

    def all_of(self, answer: Any) -> None:
        """Hear an answer that comes at once."""
        self.hear(answer)
        self.end()

    def hear(self, answer: Any) -> None:
        """Hear an answer, or a piece of one."""
        unharmed(lambda: self._hear(answer))

    def _hear(self, answer: Any) -> None:
        # Read as attributes: not every kind of answer is a mapping as well.
        said = {"code": getattr(answer, "code", None), "output": getattr(answer, "output", None)}
        if getattr(answer, "status_code", None) != 200 or is_error(said):
            self._failed = True
        elif has_audio(said["output"]):
            self._heard = True

    def fail(self) -> None:
        """Its end never came."""
        self._failed = True

    def end(self) -> None:
        """There is no more of it, or nobody wants more."""
        if self._heard and not self._failed:
            unharmed(lambda: self._used(self._voice))


def _pieces(pieces: Any, hearing: _Hearing) -> Iterator[Any]:
    try:
        for piece in pieces:
            hearing.hear(piece)
            yield piece
    except Exception:
        hearing.fail()
        raise
    finally:
        hearing.end()
        pieces.close()


async def _async_pieces(pieces: Any, hearing: _Hearing) -> AsyncIterator[Any]:
    try:
        async for piece in pieces:
            hearing.hear(piece)
            yield piece
    except Exception:
        hearing.fail()
        raise
    finally:
        hearing.end()
        await pieces.aclose()
