"""Processes that can die at any instant, and lines that can lose what goes over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

import httpx
import sqlalchemy as sa

from tests.engine.waiting import LONG
from tests.fakes import FakeClock
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.errors import DatabaseUnusable
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.provider.sockets import Socket
from voicereg.registry.recorder import Batch, Recorder
from voicereg.sandbox import Sandbox

_NEVER = timedelta(days=10_000)
"""Notes are written when a test says so, not when a thread gets round to it."""


class Killed(BaseException):
    """The process is no more."""


class Life:
    """The instants that a process has left: statements, commits, requests, answers, waits."""

    def __init__(self) -> None:
        self._left: int | None = None
        self.is_over = False

    def begins(self) -> None:
        self._left = None
        self.is_over = False

    def ends_in(self, instants: int | None) -> None:
        self._left = instants

    def goes_on(self) -> None:
        """One more instant; raise Killed where there is none. The dead do nothing more."""
        if self._left == 0:
            self.is_over = True
        if self.is_over:
            raise Killed
        if self._left is not None:
            self._left -= 1


class Loss(StrEnum):
    """What becomes of a request that the client gives up waiting for."""

    BEFORE = "before"
    """It never arrives, though it was sent."""
    AFTER = "after"
    """It is carried out; the answer comes too late."""
    LATE = "late"
    """It arrives when the client has given up."""
    HELD = "held"
    """It is up to the provider, which lets a connection hang; the time-out is a real one."""


class Line(httpx.BaseTransport):
    """The way from one process to the provider."""

    def __init__(self, life: Life, late: Callable[[httpx.Request], None]) -> None:
        self._life = life
        self._late = late
        self._way: httpx.HTTPTransport | None = None
        self._losses: list[tuple[str, Loss]] = []
        self.sent = 0
        """Requests of the management of voices, on connections that there were."""

    def lose(self, action: str, loss: Loss, times: int) -> None:
        self._losses += [(action, loss)] * times

    def lose_nothing_more(self) -> None:
        self._losses.clear()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._life.goes_on()
        is_counted = action_of(request) in MANAGEMENT
        loss = self._loss_of(request)
        if loss is Loss.LATE:
            self._late(request)
        if loss in (Loss.BEFORE, Loss.LATE):
            raise httpx.ReadTimeout("no answer in time", request=request)
        self._way = self._way or httpx.HTTPTransport(verify=False)
        if loss is not Loss.HELD:
            # Whoever is slow here, on a machine that is busy: no other time-out is meant.
            request.extensions["timeout"] = {**request.extensions["timeout"], "read": LONG}
        try:
            response = self._way.handle_request(request)
            content = response.read()
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            self.sent += is_counted
            raise
        self.sent += is_counted
        response.close()
        if loss is Loss.AFTER:
            raise httpx.ReadTimeout("no answer in time", request=request)
        self._life.goes_on()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def _loss_of(self, request: httpx.Request) -> Loss | None:
        asked = action_of(request)
        for index, (action, loss) in enumerate(self._losses):
            if action in (asked, "*"):
                del self._losses[index]
                return loss
        return None

    def close(self) -> None:
        if self._way is not None:
            self._way.close()
            self._way = None


MANAGEMENT = ("create", "list", "query", "delete")
SYNTHESIZE = "synthesize"


def action_of(request: httpx.Request) -> str:
    """What a request asks for, the same word for both families."""
    if request.method == "GET":
        return "download"
    body: dict[str, Any] = json.loads(request.content)
    action: str = body["input"].get("action", SYNTHESIZE)
    return action.removesuffix("_voice")


class Away(StrEnum):
    """When a database is away that is to take notes of uses."""

    BEFORE = "before"
    """Nothing comes to it."""
    AFTER = "after"
    """It has taken everything, and nobody hears of that."""


@dataclass(frozen=True)
class Said:
    """A use that a process was told of."""

    reference: str
    source: str
    at: datetime
    count: int
    is_true: bool
    """Whether the provider knows of a use at that time or later."""


class _MortalClient(ProviderClient):
    """A client whose WebSockets are ways to die as well."""

    life: Life

    @contextmanager
    def _open_socket(self, path: str) -> Iterator[Socket]:
        self.life.goes_on()
        with super()._open_socket(path) as socket:
            yield socket
        self.life.goes_on()


class Pen:
    """Writes what one process has noted; the truth is kept beside it."""

    def __init__(
        self, write: Callable[[Batch], None], on_written: Callable[[list[Said]], None]
    ) -> None:
        self._write = write
        self._on_written = on_written
        self._batches: dict[int, list[Said]] = {}
        self._taken: set[int] = set()
        self.said: list[Said] = []
        """Uses that are noted, and in no batch yet."""
        self.away: Away | None = None
        """What becomes of the next batch."""
        self.is_in_doubt = False
        """Whether nobody knows what became of the last batch."""
        self.is_dry = False
        """Whether whoever wrote is no more."""

    def __call__(self, batch: Batch) -> None:
        if self.is_dry:
            return
        if batch.number not in self._batches:
            self._batches[batch.number], self.said = self.said, []
        self.is_in_doubt = True
        away, self.away = self.away, None
        if away is Away.BEFORE:
            raise DatabaseUnusable("the database", "it is away")
        self._write(batch)
        if batch.number not in self._taken:
            self._taken.add(batch.number)
            self._on_written(self._batches[batch.number])
        if away is Away.AFTER:
            raise DatabaseUnusable("the database", "it went away")
        self.is_in_doubt = False


class Process:
    """A process of its own with the registry open, as far as anybody else can tell."""

    def __init__(
        self,
        name: str,
        url: str,
        clock: FakeClock,
        sandbox: Sandbox,
        *,
        settings: Settings | None = None,
        late: Callable[[httpx.Request], None] = lambda request: None,
        written: Callable[[list[Said]], None] = lambda said: None,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.life = Life()
        self.line = Line(self.life, late)
        self.on_sleep: Callable[[], None] = lambda: None
        self._clock = clock
        settings = replace(settings or Settings(), base_url=sandbox.base_url)

        def client(where: Endpoint, key: str) -> ProviderClient:
            made = _MortalClient(
                where,
                key,
                timeouts=settings.create,
                clock=clock,
                rng=Random(seed),
                sleep=self._sleep,
                transport=self.line,
            )
            made.life = self.life
            return made

        self.registry = Registry.open(
            url,
            settings=settings,
            actor=name,
            source=name,
            clock=clock,
            sleep=self._sleep,
            environment={DEFAULT_KEY_VARIABLE: sandbox.api_key},
            client_factory=client,
        )
        # An example that fails must fail again: ids are no surprise.
        object.__setattr__(self.registry._context, "rng", Random(f"ids of {seed}"))
        engine = self.registry._context.database._engine
        for event in ("begin", "before_cursor_execute", "commit"):
            sa.event.listen(engine, event, self._instant)
        self._on_written = written
        self._remember_nothing()

    def _remember_nothing(self) -> None:
        """No use is noted, or in doubt."""
        self.pen = Pen(self.registry._uses.write, self._on_written)
        opened = self.registry.__dict__
        opened.pop("_speeches", None)
        opened["_recorder"] = Recorder(
            self.pen, clock=self._clock, source=self.name, flush_every=_NEVER
        )

    def _instant(self, *given: object) -> None:
        self.life.goes_on()

    def _sleep(self, duration: timedelta) -> None:
        self.life.goes_on()
        self.on_sleep()
        self._clock.sleep(duration)

    def bury(self) -> None:
        """What the kernel does with a process that is gone: its connections are closed.

        Another one begins in its place, with nothing of it. What was not written is lost.
        """
        self.pen.is_dry = True
        self.registry.close()
        self.life.begins()
        self._remember_nothing()


class Meanwhile:
    """What another thread does while the provider has a request; its failure is not lost."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        self.is_off = False

    def __call__(self, sandbox: Sandbox) -> None:
        if not self.is_off:
            try:
                self._work()
            except BaseException as failure:  # noqa: BLE001 - raised where it is seen
                self._failure = failure

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure
