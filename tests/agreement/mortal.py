"""Processes that can die at any instant, and lines that can lose what goes over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Any

import httpx
import sqlalchemy as sa

from tests.engine.waiting import LONG
from tests.fakes import FakeClock
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.sandbox import Sandbox


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
        """Requests on connections that there were."""

    def lose(self, action: str, loss: Loss, times: int) -> None:
        self._losses += [(action, loss)] * times

    def lose_nothing_more(self) -> None:
        self._losses.clear()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._life.goes_on()
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
            self.sent += 1
            raise
        self.sent += 1
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


def action_of(request: httpx.Request) -> str:
    """What a request asks for, the same word for both families."""
    body: dict[str, Any] = json.loads(request.content)
    action: str = body["input"]["action"]
    return action.removesuffix("_voice")


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
        seed: int = 0,
    ) -> None:
        self.life = Life()
        self.line = Line(self.life, late)
        self.on_sleep: Callable[[], None] = lambda: None
        self._clock = clock
        settings = replace(settings or Settings(), base_url=sandbox.base_url)

        def client(where: Endpoint, key: str) -> ProviderClient:
            return ProviderClient(
                where,
                key,
                timeouts=settings.create,
                clock=clock,
                rng=Random(seed),
                sleep=self._sleep,
                transport=self.line,
            )

        self.registry = Registry.open(
            url,
            settings=settings,
            actor=name,
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

    def _instant(self, *given: object) -> None:
        self.life.goes_on()

    def _sleep(self, duration: timedelta) -> None:
        self.life.goes_on()
        self.on_sleep()
        self._clock.sleep(duration)

    def bury(self) -> None:
        """What the kernel does with a process that is gone: its connections are closed.

        Another one begins in its place, with nothing of it.
        """
        self.registry.close()
        self.life.begins()


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
