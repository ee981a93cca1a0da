"""The course that a synthesis over a WebSocket takes: as it should be, or with a fault in it.

What is lost or replaced over HTTP has its like here. A fault that comes before anything is
carried out is met when the connection is made, if it is the first synthesis of the
connection: see ``SocketEndpoint``. All others are met here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from voicereg.sandbox.conversations import Outgoing, Part, Said
from voicereg.sandbox.errors import ApiError
from voicereg.sandbox.faults import Fault, FaultKind
from voicereg.sandbox.misbehaviour import SIGN_IN_PAGE, refusal_of, silence_of
from voicereg.sandbox.plan import Plan
from voicereg.sandbox.turns import Call

_WRONG_NUMBER = 12345


class Course:
    """The course of one synthesis.

    Args:
        plan: what is in store for requests.
        call: what is asked for.
        fault: what goes wrong; None for nothing.
    """

    def __init__(self, plan: Plan, call: Call, fault: Fault | None) -> None:
        self._plan = plan
        self._call = call
        self._fault = fault

    def before(self) -> None:
        """Call what waits for the synthesis to begin."""
        self._plan.run_before(self._call)

    def after(self) -> None:
        """Call what waits for the synthesis to be carried out."""
        self._plan.run_after(self._call)

    def lead(
        self, said: Outgoing, failed: Callable[[ApiError], Iterator[Outgoing]]
    ) -> Iterator[Outgoing]:
        """Return what comes in place of something that was to be said; usually itself.

        Args:
            said: what was to be said.
            failed: returns how a refusal is told.
        """
        fault = self._fault
        if fault is None or not isinstance(said, Said) or not _strikes(fault, said.part):
            yield said
            return
        self._fault = None
        silence, refused = silence_of(fault.kind), refusal_of(fault.kind, self._call)
        if silence is not None:
            if Part.AUDIO in said.part:
                yield said
            yield silence
        elif refused is not None:
            yield from failed(refused)
        else:
            yield Said(_spoilt(fault.kind, said.content))


class Courses:
    """Makes the courses of one connection's syntheses.

    Args:
        plan: what is in store for requests.
        call: what is asked for over such a connection.
        first: what goes wrong with the first one, which was found out as the connection was
            made; None for nothing.
    """

    def __init__(self, plan: Plan, call: Call, first: Fault | None) -> None:
        self._plan = plan
        self._call = call
        self._first: Course | None = Course(plan, call, first)

    def next(self) -> Course:
        """Return the course of the next synthesis."""
        course, self._first = self._first, None
        return course or Course(self._plan, self._call, self._plan.faults.take_first(self._call))


def _strikes(fault: Fault, part: Part) -> bool:
    if not fault.after:
        return Part.FIRST in part
    if silence_of(fault.kind) is not None:
        # In the middle of the audio; where there is none, at the end.
        return bool(part & (Part.AUDIO | Part.LAST))
    return Part.LAST in part


def _spoilt(kind: FaultKind, content: Any) -> Any:
    if kind is FaultKind.HTML:
        return SIGN_IN_PAGE
    if kind is FaultKind.CUT_JSON:
        text = json.dumps(content, ensure_ascii=False)
        return text[: len(text) // 2]
    if "header" in content:
        return {**content, "header": _with_spoilt(kind, content["header"], "event")}
    return _with_spoilt(kind, content, "type")


def _with_spoilt(kind: FaultKind, values: dict[str, Any], field: str) -> dict[str, Any]:
    if kind is FaultKind.WRONG_TYPE:
        return {**values, field: _WRONG_NUMBER}
    return {name: value for name, value in values.items() if name != field}
