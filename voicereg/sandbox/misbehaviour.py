"""The endpoint that can be told to misbehave, and to call back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voicereg.sandbox.errors import (
    ApiError,
    internal_error,
    service_unavailable,
    too_fast,
    voice_quota_full,
)
from voicereg.sandbox.faults import RETRY_AFTER_SECONDS, Fault, FaultKind
from voicereg.sandbox.replies import Answer, Reply, Silence, refusal
from voicereg.sandbox.spoiling import cut, first_page_instead, sketch, spoilt
from voicereg.sandbox.turns import LIST, QUERY, Agenda, Call, Turn, call_of

_SILENCES = {FaultKind.RESET: Silence.RESET, FaultKind.TIMEOUT: Silence.HOLD}
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in.</body></html>\n"
_REFUSALS: Mapping[FaultKind, Callable[[Call], ApiError]] = {
    FaultKind.RATE_LIMIT: lambda call: too_fast(),
    FaultKind.RATE_LIMIT_RETRY_AFTER: lambda call: too_fast(),
    FaultKind.INTERNAL_ERROR: lambda call: internal_error(),
    FaultKind.ERROR_200: lambda call: internal_error(),
    FaultKind.UNAVAILABLE: lambda call: service_unavailable(),
    FaultKind.QUOTA_FULL: lambda call: voice_quota_full(call.family),
}


@dataclass(frozen=True, kw_only=True)
class Callback(Turn):
    """A function that is waiting for requests."""

    function: Callable[[], object]


class Misbehaviour:
    """Carries out requests, unless it has been told to do something else.

    A fault keeps the callbacks from nothing: they are called where the request is carried
    out, or would have been.

    Args:
        endpoint: what carries out a request; takes its body, returns the answer.
        request_id: returns a new request id.

    Attributes:
        faults: what is to go wrong; one for each request.
        before: what is called before a request is carried out.
        after: what is called when it has been.
    """

    def __init__(
        self, endpoint: Callable[[Any], dict[str, Any]], request_id: Callable[[], str]
    ) -> None:
        self.faults: Agenda[Fault] = Agenda()
        self.before: Agenda[Callback] = Agenda()
        self.after: Agenda[Callback] = Agenda()
        self._endpoint = endpoint
        self._request_id = request_id

    def __call__(self, body: Any) -> Reply | Silence:
        """Answer a request, or not.

        Args:
            body: the parsed JSON body.
        """
        call = call_of(body)
        if call is None:
            return self._carried_out(body).reply()
        fault = self.faults.take_first(call)
        _run(self.before, call)
        if fault is None:
            answer: Reply | Silence = self._carried_out(body).reply()
        else:
            answer = self._gone_wrong(fault, call, body)
        _run(self.after, call)
        return answer

    def _gone_wrong(self, fault: Fault, call: Call, body: Any) -> Reply | Silence:
        kind = fault.kind
        if kind is FaultKind.FIRST_PAGE:
            return self._carried_out(first_page_instead(body)).reply()
        if kind in _SILENCES or kind is FaultKind.HTML or kind in _REFUSALS:
            if fault.after:
                self._carried_out(body)
            return self._instead(kind, call)
        if fault.after or call.action in (LIST, QUERY):
            answer = self._carried_out(body)
        else:
            answer = sketch(call, body, self._request_id())
        if kind is FaultKind.CUT_JSON:
            return cut(answer)
        return spoilt(kind, call, answer).reply()

    def _instead(self, kind: FaultKind, call: Call) -> Reply | Silence:
        if kind in _SILENCES:
            return _SILENCES[kind]
        if kind is FaultKind.HTML:
            return Reply(200, _PAGE, content_type="text/html; charset=utf-8")
        refused = refusal(_REFUSALS[kind](call), self._request_id())
        if kind is FaultKind.ERROR_200:
            return Answer(200, refused.content).reply()
        if kind is FaultKind.RATE_LIMIT_RETRY_AFTER:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return Answer(refused.status, refused.content, headers).reply()
        return refused.reply()

    def _carried_out(self, body: Any) -> Answer:
        try:
            return Answer(200, self._endpoint(body))
        except ApiError as error:
            return refusal(error, self._request_id())


def _run(callbacks: Agenda[Callback], call: Call) -> None:
    for callback in callbacks.take_every(call):
        callback.function()
