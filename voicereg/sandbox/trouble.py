"""Telling a sandbox to misbehave, to go away, and to call back in the middle of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, Self

from voicereg.sandbox.door import Door
from voicereg.sandbox.faults import Fault, FaultKind, fault_kind
from voicereg.sandbox.plan import Callback, Plan


class Trouble:
    """The part of a sandbox that is about what goes wrong.

    Args:
        plan: what is in store for requests.
        door: where clients come in.
    """

    def __init__(self, plan: Plan, door: Door) -> None:
        self._plan = plan
        self._door = door

    # --- single requests --------------------------------------------------------------------

    def misbehave(
        self,
        action: str,
        kind: FaultKind | str,
        *,
        times: int | None = 1,
        after: bool = False,
        family: str | None = None,
        skip: int = 0,
    ) -> None:
        """Let requests go wrong, from the next one on.

        A request meets one fault at most: the first that was set of those that match it
        decides, and the others do not count it, even where that first one lets it through.
        Only requests with a right key, a JSON body and a known action are looked at. They
        are recorded as ever. Over a WebSocket, one task of ``/inference`` counts as one
        request, and so does one session of ``/realtime``; the first of a connection counts
        when the connection is made.

        Args:
            action: ``create``, ``list``, ``query``, ``delete``, ``synthesize``, or ``*`` for
                all of them; CosyVoice's names (``create_voice``) mean the same.
            kind: what goes wrong, as described at ``FaultKind``.
            times: how many requests meet it; None: all, until ``clear_faults``.
            after: whether the request is carried out first.
            family: ``cosyvoice`` or ``qwen-tts``; None for both.
            skip: how many requests are let through first.

        Raises:
            ValueError: an unknown action, kind or family, a kind that is not for this action,
                ``times`` below 1 or ``skip`` below 0.
        """
        self._plan.faults.add(
            Fault(
                action=action,
                kind=fault_kind(kind),
                times=times,
                after=after,
                family=family,
                skip=skip,
            )
        )

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is still to go wrong, in the order in which it was set."""
        return self._plan.faults.all()

    def clear_faults(self) -> None:
        """Let nothing more go wrong. Connections that are held stay so."""
        self._plan.faults.clear()

    def wait_for_held(self, count: int = 1, seconds: float = 30.0) -> bool:
        """Wait until so many connections are held by ``timeout``; return whether they are."""
        return self._door.wait_for_held(count, seconds)

    def release_held(self) -> None:
        """Hang up, without an answer, on all connections that ``timeout`` holds now."""
        self._door.release()

    def on_action(
        self,
        action: str,
        callback: Callable[[Self], object],
        *,
        times: int | None = 1,
        when: Literal["before", "after"] = "after",
        family: str | None = None,
        skip: int = 0,
    ) -> None:
        """Call a function in the middle of requests, so that things change at the client's back.

        It is called in the thread that handles the request, with no lock held, and the answer
        waits for it. All that match a request are called, in the order in which they were
        set, each counting for itself; and where a fault keeps the request from being carried
        out, they are called where it would have been. What a callback raises becomes an
        ``InternalError``.

        Args:
            action: as for ``misbehave``.
            callback: takes the sandbox.
            times: how many requests it is called in; None: all.
            when: ``before`` or ``after`` the request is carried out. The answer is not made
                anew after it.
            family: ``cosyvoice`` or ``qwen-tts``; None for both.
            skip: how many requests are let through first.

        Raises:
            ValueError: as for ``misbehave``, or another ``when``.
        """
        agendas = {"before": self._plan.before, "after": self._plan.after}
        if when not in agendas:
            raise ValueError(f"unknown when {when!r}: one of {', '.join(agendas)}")
        agendas[when].add(
            Callback(
                action=action,
                function=partial(callback, self),
                times=times,
                family=family,
                skip=skip,
            )
        )

    # --- all requests -------------------------------------------------------------------------

    def go_offline(self) -> None:
        """Refuse all connections and end those there are; harmless when repeated.

        Requests under way get no answer, whether or not they are still carried out. The port
        stays this sandbox's own: it is bound, but nobody listens.
        """
        self._door.shut()

    def go_online(self) -> None:
        """Listen again, at the same port; harmless when repeated, and once it is stopped.

        Raises:
            OSError: another process has the port. It would have had to ask for this very port
                in the instant in which it was closed.
        """
        self._door.open()

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Be offline for the length of a ``with`` statement.

        Raises:
            OSError: as for ``go_online``.
        """
        self.go_offline()
        try:
            yield
        finally:
            self.go_online()
