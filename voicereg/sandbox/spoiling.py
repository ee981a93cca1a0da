"""Answers that are not what they should be: cut, incomplete, of wrong types, or untrue.

Each takes an answer as the provider would give it, and returns another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from voicereg.sandbox.faults import FaultKind
from voicereg.sandbox.models import COSYVOICE
from voicereg.sandbox.replies import Answer, Reply
from voicereg.sandbox.turns import CREATE, DELETE, LIST, QUERY, SYNTHESIZE, Call

_WRONG_NUMBER = 12345
_TOTAL_OFF_BY = 7

_Object = dict[str, Any]


def sketch(call: Call, body: Any, request_id: str) -> Answer:
    """Return what a request that changes something would be answered, without a change.

    Args:
        call: what it asks for.
        body: its body, unchecked.
        request_id: the answer's.
    """
    fields = body["input"]
    output: _Object = {}
    if call.action == CREATE:
        output = {
            _id_field(call): "no-voice-was-made",
            "target_model": fields.get("target_model"),
        }
    elif call.action == DELETE and call.family != COSYVOICE:
        output = {_id_field(call): fields.get(_id_field(call))}
    return Answer(200, {"output": output, "usage": {"count": 1}, "request_id": request_id})


def cut(answer: Answer) -> Reply:
    """Return the first half of an answer, as a whole HTTP body."""
    whole = answer.reply()
    return replace(whole, payload=whole.payload[: len(whole.payload) // 2])


def spoilt(kind: FaultKind, call: Call, answer: Answer) -> Answer:
    """Return an answer with one thing in it that is wrong; a refusal as it is.

    Args:
        kind: what is wrong; one that is a matter of the content.
        call: what was asked for.
        answer: the right one.
    """
    if answer.status != 200:
        return answer
    return replace(answer, content=_SPOILERS[kind](call, answer.content))


def first_page_instead(body: Any) -> Any:
    """Return the body of a listing's request, asking for page 0."""
    return {**body, "input": {**body["input"], "page_index": 0}}


def _without_field(call: Call, content: _Object) -> _Object:
    output = content["output"]
    if call.action == CREATE:
        return _with_output(content, _without(output, _id_field(call)))
    if call.action == LIST:
        return _with_output(content, _without(output, "voice_list"))
    if call.action == QUERY:
        return _with_output(content, {})
    if call.action == SYNTHESIZE:
        return _with_output(content, {**output, "audio": _without(output["audio"], "url")})
    return _without(content, "output")


def _wrongly_typed(call: Call, content: _Object) -> _Object:
    output = content["output"]
    if call.action == CREATE:
        return _with_output(content, {**output, _id_field(call): _WRONG_NUMBER})
    if call.action == LIST:
        numbered = {str(number): item for number, item in enumerate(output["voice_list"])}
        return _with_output(content, {**output, "voice_list": numbered})
    if call.action == SYNTHESIZE:
        return _with_output(content, {**output, "audio": {**output["audio"], "url": _WRONG_NUMBER}})
    return {**content, "output": [output]}


def _emptied(call: Call, content: _Object) -> _Object:
    output = {**content["output"], "voice_list": []}
    return _with_output(content, output | ({"total_count": 0} if "total_count" in output else {}))


def _miscounted(call: Call, content: _Object) -> _Object:
    output = dict(content["output"])
    if "total_count" in output:
        output["total_count"] += _TOTAL_OFF_BY
    return _with_output(content, output)


_SPOILERS: Mapping[FaultKind, Callable[[Call, _Object], _Object]] = {
    FaultKind.MISSING_FIELD: _without_field,
    FaultKind.WRONG_TYPE: _wrongly_typed,
    FaultKind.EMPTY_PAGE: _emptied,
    FaultKind.WRONG_TOTAL: _miscounted,
}


def _id_field(call: Call) -> str:
    return "voice_id" if call.family == COSYVOICE else "voice"


def _with_output(content: _Object, output: _Object) -> _Object:
    return {**content, "output": output}


def _without(values: _Object, field: str) -> _Object:
    return {name: value for name, value in values.items() if name != field}
