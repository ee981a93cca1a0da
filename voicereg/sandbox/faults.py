"""The ways in which the sandbox can be told to misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voicereg.sandbox.turns import ANY, CREATE, LIST, Call, Turn


class FaultKind(StrEnum):
    """What goes wrong.

    Unless said otherwise, nothing was carried out; with ``after`` it was, and then the
    answer is lost or replaced, a refusal too.

    The first group loses or replaces the answer:

    - ``reset``: the connection is reset, and there is no answer, not one byte. The request
      has been read, since what it asks for is in it; a client cannot see that.
    - ``timeout``: no answer, on a connection that stays open until the client hangs up, the
      sandbox stops or goes offline, or ``Sandbox.release_held`` hangs up.
    - ``429``: ``Throttling.RateQuota``, without a word on when to come back.
    - ``429-retry-after``: the same with ``Retry-After`` (``RETRY_AFTER_SECONDS``).
    - ``500``: ``InternalError``.
    - ``503``: ``ServiceUnavailable``.
    - ``html``: a web page with HTTP 200, as a proxy that wants a log-in puts in the way.
    - ``error-200``: ``InternalError``, with HTTP 200 and no ``output``.
    - ``quota-full`` (creates only): HTTP 400 ``Throttling.AllocationQuota``, however many
      voices there are.

    The second spoils the answer. Without ``after``, that of a create, delete or update is
    one that looks like it; that of a list or query is the right one, spoilt, with ``after``
    or without, since nothing is carried out by them:

    - ``cut-json``: HTTP as it should be, with the first half of the JSON text; a refusal's too.
    - ``missing-field``: without what matters most. Create: the id; list: ``voice_list``;
      query: ``output`` is ``{}``; delete and update: ``output``. A refusal stays as it is.
    - ``wrong-type``: the same field is of a wrong type. Create: the id is a number; list:
      ``voice_list`` is an object; else: ``output`` is a list. A refusal stays as it is.

    The third is for lists only, where it makes no difference whether with ``after`` or
    without; a refusal stays as it is:

    - ``empty-page``: no voices, and where there is a total, 0.
    - ``first-page``: page 0, whichever is asked for; ``page_index`` says 0 as well.
    - ``wrong-total``: ``total_count`` is 7 too high. No effect on a listing without one.

    Speaking over HTTP meets those of the first two groups, but for ``quota-full``; what
    matters most in its answer is ``output.audio.url``. Over a WebSocket, they look like this:

    - ``reset`` and ``timeout``: the handshake gets no answer; with ``after``, they come when
      the client has the first piece of the audio, and nothing counts as a use.
    - ``429``, ``429-retry-after``, ``500``, ``503`` and ``html``: in place of the handshake's
      answer. With ``after``, all is spoken, and then there is a ``task-failed`` or ``error``
      event, or the page as a message, in place of ``task-finished`` or ``session.finished``.
    - ``error-200``: the same, but for the handshake, which goes well: the event comes in place
      of ``task-started`` or ``session.created``.
    - ``cut-json``, ``missing-field`` and ``wrong-type``: in ``task-started`` or
      ``session.created``, and with ``after`` in ``task-finished`` or ``session.finished``;
      what matters most is ``header.event``, or ``type``.

    For a second task on a connection, and all after it, there is no handshake any more: what
    would be met there comes in place of ``task-started``.
    """

    RESET = "reset"
    TIMEOUT = "timeout"
    RATE_LIMIT = "429"
    RATE_LIMIT_RETRY_AFTER = "429-retry-after"
    INTERNAL_ERROR = "500"
    UNAVAILABLE = "503"
    HTML = "html"
    CUT_JSON = "cut-json"
    MISSING_FIELD = "missing-field"
    ERROR_200 = "error-200"
    WRONG_TYPE = "wrong-type"
    EMPTY_PAGE = "empty-page"
    FIRST_PAGE = "first-page"
    WRONG_TOTAL = "wrong-total"
    QUOTA_FULL = "quota-full"


#: What ``429-retry-after`` asks a client to wait.
RETRY_AFTER_SECONDS = 2

_ONLY_FOR = {
    FaultKind.EMPTY_PAGE: LIST,
    FaultKind.FIRST_PAGE: LIST,
    FaultKind.WRONG_TOTAL: LIST,
    FaultKind.QUOTA_FULL: CREATE,
}


@dataclass(frozen=True, kw_only=True)
class Fault(Turn):
    """A way in which some requests to come will go wrong.

    Attributes:
        kind: what goes wrong; a kind that is for one action only waits for that one, where
            the action is ``*``.
        after: whether it goes wrong once the request has been carried out.

    Raises:
        ValueError: as for ``Turn``, or the action cannot go wrong like that.
    """

    kind: FaultKind
    after: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action not in (ANY, _ONLY_FOR.get(self.kind, self.action)):
            raise ValueError(
                f"{self.kind.value!r} is for {_ONLY_FOR[self.kind]} only, not for {self.action}"
            )

    def matches(self, call: Call) -> bool:
        """Return whether this is for such a request."""
        return super().matches(call) and (call.action == _ONLY_FOR.get(self.kind, call.action))


def fault_kind(name: str) -> FaultKind:
    """Return the kind of that name.

    Raises:
        ValueError: there is none; it names all there are.
    """
    try:
        return FaultKind(name)
    except ValueError:
        known = ", ".join(kind.value for kind in FaultKind)
        raise ValueError(f"unknown kind {name!r}: one of {known}") from None
