"""The endpoint that can be told to misbehave, and to call back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voicereg.sandbox.errors import (
    ApiError,
    internal_error,
    service_unavailable,
    too_fast,
    voice_quota_full,
)
from voicereg.sandbox.faults import RETRY_AFTER_SECONDS, Fault, FaultKind
from voicereg.sandbox.plan import Plan
from voicereg.sandbox.replies import Answer, Reply, Silence, refusal
from voicereg.sandbox.spoiling import cut, first_page_instead, spoilt
from voicereg.sandbox.turns import LIST, QUERY, Call

_SILENCES = {FaultKind.RESET: Silence.RESET, FaultKind.TIMEOUT: Silence.HOLD}
#: What a proxy that wants a log-in puts in the way.
SIGN_IN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in.</body></html>\n"
)
_REFUSALS: Mapping[FaultKind, Callable[[Call], ApiError]] = {
    FaultKind.RATE_LIMIT: lambda call: too_fast(),
    FaultKind.RATE_LIMIT_RETRY_AFTER: lambda call: too_fast(),
    FaultKind.INTERNAL_ERROR: lambda call: internal_error(),
    FaultKind.ERROR_200: lambda call: internal_error(),
    FaultKind.UNAVAILABLE: lambda call: service_unavailable(),
    FaultKind.QUOTA_FULL: lambda call: voice_quota_full(call.family),
}


class Misbehaviour:
    """Carries out requests, unless it has been told to do something else.

    A fault keeps the callbacks from nothing: they are called where the request is carried
    out, or would have been.

    Args:
        plan: what is to go wrong, and what to be called.
        endpoint: what carries out a request; takes its body and headers.
        request_id: returns a new request id.
        call_of: returns what a body asks for, or None where that is nothing known.
        sketch: returns what a request would be answered that is not carried out; takes what it
            asks for, its body and a request id.
    """

    def __init__(
        self,
        plan: Plan,
        endpoint: Callable[[Any, Mapping[str, str]], Answer],
        request_id: Callable[[], str],
        *,
        call_of: Callable[[Any], Call | None],
        sketch: Callable[[Call, Any, str], Answer],
    ) -> None:
        self._plan = plan
        self._endpoint = endpoint
        self._request_id = request_id
        self._call_of = call_of
        self._sketch = sketch

    def __call__(self, body: Any, headers: Mapping[str, str]) -> Reply | Silence:
        """Answer a request, or not.

        Args:
            body: the parsed JSON body.
            headers: those of the request.
        """
        call = self._call_of(body)
        if call is None:
            return self._carried_out(body, headers).reply()
        fault = self._plan.faults.take_first(call)
        self._plan.run_before(call)
        if fault is None:
            answer: Reply | Silence = self._carried_out(body, headers).reply()
        else:
            answer = self._gone_wrong(fault, call, body, headers)
        self._plan.run_after(call)
        return answer

    def _gone_wrong(
        self, fault: Fault, call: Call, body: Any, headers: Mapping[str, str]
    ) -> Reply | Silence:
        kind = fault.kind
        if kind is FaultKind.FIRST_PAGE:
            return self._carried_out(first_page_instead(body), headers).reply()
        if replaces_the_answer(kind):
            if fault.after:
                self._carried_out(body, headers)
            return instead(kind, call, self._request_id())
        if fault.after or call.action in (LIST, QUERY):
            answer = self._carried_out(body, headers)
        else:
            answer = self._sketch(call, body, self._request_id())
        if kind is FaultKind.CUT_JSON:
            return cut(answer)
        return spoilt(kind, call, answer).reply()

    def _carried_out(self, body: Any, headers: Mapping[str, str]) -> Answer:
        try:
            return self._endpoint(body, headers)
        except ApiError as error:
            return refusal(error, self._request_id())


def replaces_the_answer(kind: FaultKind) -> bool:
    """Return whether something else comes in place of an answer, or nothing."""
    return kind in _SILENCES or kind is FaultKind.HTML or kind in _REFUSALS


def silence_of(kind: FaultKind) -> Silence | None:
    """Return how a request goes without an answer, or None where it gets one."""
    return _SILENCES.get(kind)


def refusal_of(kind: FaultKind, call: Call) -> ApiError | None:
    """Return the refusal that comes in place of an answer, or None where none does."""
    return _REFUSALS[kind](call) if kind in _REFUSALS else None


def instead(kind: FaultKind, call: Call, request_id: str) -> Reply | Silence:
    """Return what comes in place of an answer over HTTP.

    Args:
        kind: one that replaces the answer.
        call: what was asked for.
        request_id: the answer's.
    """
    if kind in _SILENCES:
        return _SILENCES[kind]
    if kind is FaultKind.HTML:
        return Reply(200, SIGN_IN_PAGE.encode(), content_type="text/html; charset=utf-8")
    refused = refusal(_REFUSALS[kind](call), request_id)
    if kind is FaultKind.ERROR_200:
        return Answer(200, refused.content).reply()
    if kind is FaultKind.RATE_LIMIT_RETRY_AFTER:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Answer(refused.status, refused.content, headers).reply()
    return refused.reply()
