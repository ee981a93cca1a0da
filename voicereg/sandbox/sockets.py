"""The paths at which WebSocket connections are taken, and what may go wrong right there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voicereg.sandbox.conversations import Conversation
from voicereg.sandbox.courses import Courses
from voicereg.sandbox.faults import FaultKind
from voicereg.sandbox.misbehaviour import instead, replaces_the_answer
from voicereg.sandbox.plan import Plan
from voicereg.sandbox.replies import Reply, Silence
from voicereg.sandbox.turns import SYNTHESIZE, Call

#: Makes a conversation; takes the query of the URL, and the courses of what is to come.
Maker = Callable[[Mapping[str, str], Courses], Conversation]


class SocketEndpoint:
    """Takes connections, unless it has been told to do something else.

    The first synthesis of a connection counts as asked for when the connection is made. A
    fault that loses or replaces the answer before anything is carried out does so with the
    answer to the handshake; but ``error-200``, which looks right at first, waits, like all
    others, for the synthesis.

    Args:
        plan: what is to go wrong, and what to be called.
        family: whose voices speak here.
        make: makes a conversation.
        request_id: returns a new request id.
    """

    def __init__(self, plan: Plan, family: str, make: Maker, request_id: Callable[[], str]) -> None:
        self._plan = plan
        self._call = Call(SYNTHESIZE, family)
        self._make = make
        self._request_id = request_id

    def open(self, query: Mapping[str, str]) -> Conversation | Reply | Silence:
        """Return what a client talks to from now on, or what it is refused with.

        Args:
            query: of the URL.
        """
        fault = self._plan.faults.take_first(self._call)
        if (
            fault is not None
            and not fault.after
            and fault.kind is not FaultKind.ERROR_200
            and replaces_the_answer(fault.kind)
        ):
            return instead(fault.kind, self._call, self._request_id())
        return self._make(query, Courses(self._plan, self._call, fault))
