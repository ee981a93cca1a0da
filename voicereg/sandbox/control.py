"""Telling the sandbox over HTTP what to do, at paths that the provider does not have.

It needs no key, and is for programs on this machine: a web page that is open in a browser
here could reach it, too, so what a browser sends for one is refused.

- ``POST /sandbox/faults`` with ``{"action", "kind"}`` and, where wanted, ``times``,
  ``after``, ``family`` and ``skip``, as for ``Sandbox.misbehave``: 201 and the fault.
- ``GET /sandbox/faults``: what is still to go wrong.
- ``DELETE /sandbox/faults``: nothing more shall go wrong; the list that is left.
- ``POST /sandbox/offline`` with ``{"seconds"}``: 202, and then nobody can connect for so long.
- ``GET /sandbox/clock``: ``now`` and ``offset_seconds``, by which it was moved in all.
- ``POST /sandbox/clock`` with ``{"advance_days"}``, ``{"advance_seconds"}`` or both, which
  are added up: the clock is moved forward; the same, and as ``deleted`` the ids of the
  voices that are gone for idleness.

What is wrong with a request is said as ``{"error"}``.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from voicereg.sandbox.clock import LONGEST_OFFSET, MovableClock, Reading
from voicereg.sandbox.door import Door
from voicereg.sandbox.faults import Fault, fault_kind
from voicereg.sandbox.replies import Reply, json_bytes
from voicereg.sandbox.turns import Agenda
from voicereg.sandbox.voices import SandboxVoice

#: Where the paths of this begin.
PREFIX = "/sandbox/"
#: How long the sandbox can be told to be offline, in seconds.
LONGEST_OFFLINE = 3600

_ADVANCES = {"advance_days": timedelta(days=1), "advance_seconds": timedelta(seconds=1)}
_PORT = re.compile(r":[0-9]*\Z")


class ControlError(Exception):
    """A request that is refused.

    Args:
        status: the HTTP status of the answer.
        message: what is wrong, for a person to read.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    def reply(self) -> Reply:
        """Return the answer."""
        return Reply(self.status, json_bytes({"error": self.message}), headers=self.headers)


class Control:
    """Answers the requests that are about the sandbox itself.

    Args:
        faults: what is to go wrong.
        door: where clients come in.
        clock: what time it is.
        advance: moves that clock; returns what it shows then, and the voices that are gone.
    """

    def __init__(
        self,
        faults: Agenda[Fault],
        door: Door,
        clock: MovableClock,
        advance: Callable[[timedelta], tuple[Reading, tuple[SandboxVoice, ...]]],
    ) -> None:
        self._faults = faults
        self._door = door
        self._clock = clock
        self._advance = advance
        self._served: Mapping[str, Mapping[str, Callable[[bytes], Reply]]] = {
            PREFIX + "faults": {
                "GET": self._show,
                "POST": self._add,
                "DELETE": self._clear,
            },
            PREFIX + "offline": {"POST": self._go_offline},
            PREFIX + "clock": {"GET": self._show_clock, "POST": self._move_clock},
        }

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request.

        Args:
            method: such as ``POST``.
            path: without the query.
            headers: found whatever the case of their name.
            body: as it came.
        """
        try:
            _refuse_browsers(headers)
            methods = self._served.get(path)
            if methods is None:
                raise ControlError(404, f"nothing is served at {path!r}")
            if method not in methods:
                allowed = ", ".join(methods)
                raise ControlError(405, f"{path} is for {allowed}", {"Allow": allowed})
            return methods[method](body)
        except ControlError as error:
            return error.reply()

    def _show(self, body: bytes) -> Reply:
        return _reply(200, [_document(fault) for fault in self._faults.all()])

    def _add(self, body: bytes) -> Reply:
        fault = _fault(_fields(body))
        self._faults.add(fault)
        return _reply(201, _document(fault))

    def _clear(self, body: bytes) -> Reply:
        self._faults.clear()
        return self._show(body)

    def _go_offline(self, body: bytes) -> Reply:
        fields = _fields(body)
        _require_known(fields, "seconds")
        seconds = _taken(fields, "seconds", (int, float), "a number")
        if not 0 < seconds <= LONGEST_OFFLINE:
            raise ControlError(400, f"seconds must be above 0, and {LONGEST_OFFLINE} at most")
        # Only afterwards: it ends the connection that the answer is for.
        return Reply(
            202,
            json_bytes({"seconds": seconds}),
            afterwards=partial(self._door.shut_for, seconds),
        )

    def _show_clock(self, body: bytes) -> Reply:
        return _reply(200, _clock_document(self._clock.read()))

    def _move_clock(self, body: bytes) -> Reply:
        by = _advance(_fields(body))
        try:
            reading, gone = self._advance(by)
        except ValueError as error:
            raise ControlError(400, str(error)) from error
        deleted = [voice.voice_id for voice in gone]
        return _reply(200, _clock_document(reading) | {"deleted": deleted})


def _fault(fields: Mapping[str, Any]) -> Fault:
    _require_known(fields, "action", "kind", "times", "after", "family", "skip")
    try:
        return Fault(
            action=_taken(fields, "action", str, "a string"),
            kind=fault_kind(_taken(fields, "kind", str, "a string")),
            times=_taken(fields, "times", (int, type(None)), "an integer or null", 1),
            after=_taken(fields, "after", bool, "true or false", False),
            family=_taken(fields, "family", (str, type(None)), "a string or null", None),
            skip=_taken(fields, "skip", int, "an integer", 0),
        )
    except ValueError as error:
        raise ControlError(400, str(error)) from error


def _document(fault: Fault) -> dict[str, Any]:
    return {
        "action": fault.action,
        "kind": fault.kind.value,
        "times": fault.times,
        "after": fault.after,
        "family": fault.family,
        "skip": fault.skip,
    }


def _advance(fields: Mapping[str, Any]) -> timedelta:
    _require_known(fields, *_ADVANCES)
    if not fields:
        raise ControlError(400, f"{' or '.join(_ADVANCES)} is required")
    by = timedelta(0)
    for field in fields:
        unit = _ADVANCES[field]
        number = _taken(fields, field, (int, float), "a number")
        most = LONGEST_OFFSET // unit
        if not 0 < number <= most:
            raise ControlError(400, f"{field} must be above 0, and {most} at most")
        by += number * unit
    return by


def _clock_document(reading: Reading) -> dict[str, Any]:
    return {
        "now": reading.now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "offset_seconds": reading.offset.total_seconds(),
    }


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ControlError(400, "the body is not valid JSON") from None
    if not isinstance(fields, dict):
        raise ControlError(400, "the body must be a JSON object")
    return fields


def _require_known(fields: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(fields) - set(known))
    if unknown:
        # Left alone, a slip of the pen would set a fault that nobody meant.
        raise ControlError(400, f"unknown field {unknown[0]!r}: one of {', '.join(known)}")


def _taken(
    fields: Mapping[str, Any],
    field: str,
    types: type | tuple[type, ...],
    described: str,
    *default: Any,
) -> Any:
    """Return a field's value, sure to be of the types; a ``default`` makes it optional."""
    if field not in fields:
        if default:
            return default[0]
        raise ControlError(400, f"{field} is required")
    value = fields[field]
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        raise ControlError(400, f"{field} must be {described}")
    return value


def _refuse_browsers(headers: Mapping[str, str]) -> None:
    """Refuse what a web page makes a browser send. Raises ControlError."""
    if "Origin" in headers:
        raise ControlError(403, "this is not for web pages: a request with an Origin is refused")
    # The name of a page's own host can be made to lead here, but it stays that name.
    if not _is_loopback(_PORT.sub("", headers.get("Host", ""))):
        raise ControlError(403, "this is for this machine only: the Host must be a loopback one")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _reply(status: int, content: Any) -> Reply:
    return Reply(status, json_bytes(content))
