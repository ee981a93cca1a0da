"""The sandbox put together, and what tests and the command line do with it."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from types import TracebackType
from typing import Unpack

from voicereg.sandbox import customization
from voicereg.sandbox.booth import Booth
from voicereg.sandbox.clock import MovableClock
from voicereg.sandbox.control import Control
from voicereg.sandbox.door import Door
from voicereg.sandbox.downloads import Download, Shelf
from voicereg.sandbox.models import Catalogue, TargetModel
from voicereg.sandbox.options import SandboxOptions
from voicereg.sandbox.plan import Plan
from voicereg.sandbox.provider import Provider
from voicereg.sandbox.recording import RecordedRequest, RequestLog
from voicereg.sandbox.review import Review
from voicereg.sandbox.server import Front, SandboxServer
from voicereg.sandbox.stock import Stock
from voicereg.sandbox.studio import Studio
from voicereg.sandbox.trouble import Trouble
from voicereg.sandbox.wiring import management, speech_endpoints, speech_sockets

#: Where the API begins, as at the provider's own hosts.
BASE_PATH = "/api/v1"
#: The same for WebSocket connections.
WEBSOCKET_BASE_PATH = "/api-ws/v1"
#: The key that the sandbox takes unless told otherwise.
DEFAULT_API_KEY = "sandbox-key"


class Sandbox(Stock, Trouble):
    """A local stand-in for the provider's voice API.

    Made, it listens but answers nothing yet: ``Sandbox.start`` answers on a thread of its
    own, ``serve_forever`` in the foreground. As a context manager it stops at the end.

    Args:
        port: where to listen; 0 takes a free port.
        host: a loopback address, or ``localhost``: it is no server for others.
        api_keys: the keys that are right.
        region: which of the provider's regions it plays, such as ``cn-beijing``.
        limits: voices per family; 1,000 for one that is left out.
        review_time: how long a new CosyVoice voice stays ``DEPLOYING``.
        create_time: how long a create takes before the voice is there.
        page_cap: the most voices on a page of a listing, silently; None for no cap.
        clock: returns the time now, aware and in UTC; the system's where None. ``advance``
            adds to what it says.
        rng: where ids come from; the system's randomness where None.
        sleep: waits for so many seconds; ``time.sleep`` where None.
        utc_offset: how far the provider's wall clock is ahead of UTC. Its times carry no
            zone, and the documentation names none; Beijing's unless said.
        reject_marker: a CosyVoice prompt with this in it fails the review.
        inspect_marker: a prompt or preview text with this in it is refused.
        extra_models: target models beyond the documented ones.
        keep_requests: how many requests are remembered, and how many downloads.
        delete_idle_after: how long a voice may be neither made nor used before it is gone, as
            soon as anybody looks or the clock is moved; None: nothing goes by itself.

    Raises:
        ValueError: a host beyond loopback, no key, an unknown family, or a number below
            what makes sense.
        OSError: the address cannot be had.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        api_keys: Iterable[str] = (DEFAULT_API_KEY,),
        region: str = "cn-beijing",
        limits: Mapping[str, int] | None = None,
        review_time: timedelta = timedelta(seconds=1),
        create_time: timedelta = timedelta(0),
        page_cap: int | None = None,
        clock: Callable[[], datetime] | None = None,
        rng: Random | None = None,
        sleep: Callable[[float], None] | None = None,
        utc_offset: timedelta = timedelta(hours=8),
        reject_marker: str = "[reject]",
        inspect_marker: str = "[inspect]",
        extra_models: Iterable[TargetModel] = (),
        keep_requests: int = 10_000,
        delete_idle_after: timedelta | None = None,
    ) -> None:
        address = _loopback(host)
        self._api_keys = tuple(api_keys)
        if not self._api_keys:
            raise ValueError("the sandbox needs at least one key")
        self._clock = MovableClock(clock or _system_clock)
        review = Review(review_time, reject_marker, inspect_marker)
        provider = Provider(
            limits=limits or {},
            review=review,
            clock=self._clock,
            rng=rng or SystemRandom(),
            utc_offset=utc_offset,
            page_cap=page_cap,
            delete_idle_after=delete_idle_after,
        )
        catalogue = Catalogue(region, extra_models)
        studio = Studio(
            provider=provider,
            review=review,
            create_time=create_time,
            sleep=sleep or time.sleep,
        )
        self._log = RequestLog(keep_requests)
        self._door = Door(address, port)
        shown = f"[{address}]" if ":" in address else address
        self._host = f"{shown}:{self._door.port}"
        self._shelf = Shelf(
            root=f"http://{self._host}",
            clock=self._clock,
            token=lambda: provider.request_id().replace("-", ""),
            remembered=keep_requests,
        )
        plan = Plan()
        parts = (provider, studio, catalogue)
        speech = (plan, Booth(provider, catalogue, review), provider.request_id)
        self._server = SandboxServer(
            self._door,
            Front(
                endpoints={
                    BASE_PATH + customization.PATH: management(plan, *parts),
                    **speech_endpoints(*speech, self._shelf, BASE_PATH),
                },
                sockets=speech_sockets(*speech, WEBSOCKET_BASE_PATH),
                shelf=self._shelf,
                control=Control(plan.faults, self._door, self._clock, provider.advance),
                api_keys=frozenset(self._api_keys),
                log=self._log,
                clock=self._clock,
                request_id=provider.request_id,
            ),
        )
        Stock.__init__(self, provider, catalogue)
        Trouble.__init__(self, plan, self._door)
        self._serving = threading.Lock()

    # --- running ----------------------------------------------------------------------

    @classmethod
    def start(cls, **options: Unpack[SandboxOptions]) -> Sandbox:
        """Return a sandbox that answers already, on a daemon thread.

        Args:
            options: as for ``Sandbox``.

        Raises:
            ValueError: as for ``Sandbox``.
            OSError: the address cannot be had.
        """
        sandbox = cls(**options)
        threading.Thread(target=sandbox.serve_forever, name="sandbox", daemon=True).start()
        return sandbox

    def serve_forever(self) -> None:
        """Answer requests until ``stop`` is called or Ctrl+C is pressed, then let go of the port.

        Raises:
            RuntimeError: it is being served already.
        """
        if not self._serving.acquire(blocking=False):
            raise RuntimeError("this sandbox is being served already")
        try:
            self._server.serve_forever()
        except KeyboardInterrupt:
            pass  # the usual way to end a server in the foreground
        finally:
            self._serving.release()
            self._door.close()

    def stop(self) -> None:
        """Stop answering, hang up on everyone and let go of the port; harmless when repeated.

        Requests under way are cut off, as by a server that dies. May be called from any
        thread, and from a signal handler in the one that serves.
        """
        self._door.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # --- reaching it ------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """Where the API begins, such as ``http://127.0.0.1:8080/api/v1``."""
        return f"http://{self._host}{BASE_PATH}"

    @property
    def websocket_base_url(self) -> str:
        """Where its WebSocket part begins, such as ``ws://127.0.0.1:8080/api-ws/v1``."""
        return f"ws://{self._host}{WEBSOCKET_BASE_PATH}"

    @property
    def api_key(self) -> str:
        """The first of the keys that are right."""
        return self._api_keys[0]

    # --- its clock ----------------------------------------------------------------------

    def now(self) -> datetime:
        """Return what time it is here (aware, UTC)."""
        return self._clock()

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward, and return what time it is then (aware, UTC).

        Where ``delete_idle_after`` is set, the voices that are idle by then are gone at once.
        What takes time by the clock is over by then, too: reviews, and the links of audio
        files. How long a create takes does not go by it, but by ``sleep``.

        Args:
            by: how far.

        Raises:
            ValueError: nothing forward, or over a hundred years (36,525 days) in all.
        """
        reading, _ = self._provider.advance(by)
        return reading.now

    # --- looking at what it was asked ---------------------------------------------------

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The newest requests to the API, oldest first, messages over WebSockets included."""
        return self._log.all()

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The newest requests for audio files, oldest first."""
        return self._shelf.downloads()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._log.clear()


def _loopback(host: str) -> str:
    """Return the address to listen at. Raises ValueError for one that others can reach."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the sandbox listens at a loopback address only, not at {host!r}")
    return host


def _system_clock() -> datetime:
    return datetime.now(UTC)
