"""What is to go wrong, and what is to be called, with the requests to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from voicereg.sandbox.faults import Fault
from voicereg.sandbox.turns import Agenda, Call, Turn


@dataclass(frozen=True, kw_only=True)
class Callback(Turn):
    """A function that is waiting for requests."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in store for requests of all kinds.

    Attributes:
        faults: what is to go wrong; one for each request.
        before: what is called before a request is carried out.
        after: what is called when it has been.
    """

    faults: Agenda[Fault] = field(default_factory=Agenda)
    before: Agenda[Callback] = field(default_factory=Agenda)
    after: Agenda[Callback] = field(default_factory=Agenda)

    def run_before(self, call: Call) -> None:
        """Call what waits for a request to begin."""
        _run(self.before, call)

    def run_after(self, call: Call) -> None:
        """Call what waits for a request to be carried out."""
        _run(self.after, call)


def _run(callbacks: Agenda[Callback], call: Call) -> None:
    for callback in callbacks.take_every(call):
        callback.function()
