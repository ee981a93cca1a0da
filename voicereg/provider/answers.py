"""From an HTTP answer to a value or a typed error.

The codes are those of the provider's error-code page (November 2026). An error body can come with
HTTP 200 as well, so its ``code`` is looked at before its ``output``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from voicereg.domain.provider_errors import (
    AccessDenied,
    AnswerUnreadable,
    Arrearage,
    ContentRefused,
    InvalidKey,
    ModelUnknown,
    ParameterRefused,
    ProviderAnswered,
    ProviderFault,
    ProviderRefused,
    RateLimited,
    VoiceGone,
    VoiceModelMismatch,
    VoiceQuotaFull,
)


class Action(StrEnum):
    """What was asked of the provider; some codes mean something else for a create."""

    CREATE = "create"
    LIST = "list"
    QUERY = "query"
    DELETE = "delete"
    SYNTHESIZE = "synthesize"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer before anything is believed of it."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    output: Mapping[str, Any]
    request_id: str | None
    status: int

    def text(self, field: str) -> str:
        """The text at ``field``, which must be there.

        Raises:
            AnswerUnreadable: it is not.
        """
        value = self.output.get(field)
        if not isinstance(value, str) or not value:
            raise self.unreadable(f"it has no {field}")
        return value

    def unreadable(self, why: str) -> AnswerUnreadable:
        """The error that says why this answer cannot be used."""
        return AnswerUnreadable(why, status=self.status, request_id=self.request_id)


_REFUSALS: dict[str, type[ProviderRefused]] = {
    "InvalidApiKey": InvalidKey,
    "DataInspectionFailed": ContentRefused,
    "Throttling": RateLimited,
    "BadRequest.ResourceNotExist": VoiceGone,
    "BadRequest.VoiceNotFound": VoiceGone,
    "VoiceNotFound": VoiceGone,
    "InvalidParameter.ResourceNotExist": VoiceGone,
    "InvalidParameter.DataInspection": ContentRefused,
    "BadRequest.VoiceModelMismatch": VoiceModelMismatch,
    "InvalidParameter": ParameterRefused,
    "Arrearage": Arrearage,
    "AccessDenied": AccessDenied,
    "Model.AccessDenied": AccessDenied,
    "Model.NotExist": ModelUnknown,
    "ModelNotFound": ModelUnknown,
}
"""Codes that say that nothing was carried out. One stands for its own sub-codes as well."""

_QUOTA_FULL = "Throttling.AllocationQuota"
_LONGEST_SHOWN = 500


def read_answer(raw: RawAnswer, action: Action, now: datetime) -> Answer:
    """What ``raw`` says.

    Args:
        raw: the HTTP answer.
        action: what was asked.
        now: the moment that a ``Retry-After`` date is counted from.

    Raises:
        ProviderRefused: a documented refusal, by its own class.
        ProviderFault: a failure of the provider's, or a code that is not documented.
        AnswerUnreadable: no JSON object, or one without an output.
    """
    body = _parsed(raw)
    if body is None:
        if raw.status == 429:
            raise RateLimited("HTTP 429", "", status=429, retry_after=retry_after(raw.headers, now))
        if raw.status >= 500:
            raise ProviderFault(
                "no readable body",
                "",
                status=raw.status,
                retry_after=retry_after(raw.headers, now),
            )
        raise AnswerUnreadable("it is no JSON object", status=raw.status)
    request_id = _text(body.get("request_id"))
    code = _code(body.get("code"))
    if code or raw.status >= 400:
        raise _error_class(code or "", raw.status, action)(
            code or f"HTTP {raw.status}",
            _text(body.get("message")) or "",
            status=raw.status,
            request_id=request_id,
            retry_after=retry_after(raw.headers, now),
        )
    output = body.get("output")
    if raw.status != 200 or not isinstance(output, dict):
        raise AnswerUnreadable("it has no output", status=raw.status, request_id=request_id)
    return Answer(output=output, request_id=request_id, status=raw.status)


def error_of(
    action: Action, code: object, message: object, *, request_id: object = None
) -> ProviderAnswered:
    """The error that an event of a WebSocket tells of.

    Args:
        action: what was asked.
        code: the provider's code, whatever came in its place.
        message: likewise.
        request_id: likewise.
    """
    known = _code(code) or "no code"
    return _error_class(known, 0, action)(
        known, _text(message) or "", status=0, request_id=_text(request_id)
    )


def _error_class(code: str, status: int, action: Action) -> type[ProviderAnswered]:
    if status >= 500:
        return ProviderFault
    if action is Action.CREATE and _is(code, _QUOTA_FULL):
        return VoiceQuotaFull
    documented = code
    while documented:
        if documented in _REFUSALS:
            return _REFUSALS[documented]
        documented = documented.rpartition(".")[0]
    return RateLimited if status == 429 else ProviderFault


def _is(code: str, documented: str) -> bool:
    return code == documented or code.startswith(documented + ".")


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long a ``Retry-After`` header asks to wait: seconds or a date; None without one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return timedelta(seconds=int(value))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(timedelta(0), aware - now)


def _parsed(raw: RawAnswer) -> dict[str, Any] | None:
    try:
        body = json.loads(raw.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _code(value: object) -> str | None:
    """An error code; one that is no text (and does not say 200) is as undocumented as any other."""
    if isinstance(value, str) or not value or value == 200:
        return _text(value)
    return _text(str(value))


def _text(value: object) -> str | None:
    """``value`` when it is a text: short, and such that a terminal and a database can take it."""
    if not isinstance(value, str) or not value:
        return None
    return "".join(
        character if character.isprintable() else " " for character in value[:_LONGEST_SHOWN]
    )
