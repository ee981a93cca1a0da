"""A sandbox with a clock of its own, and a caller of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from voicereg.sandbox import Sandbox

from .talk import Client
from .wire import Caller, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    with Sandbox.start(clock=clock, rng=Random(7), review_time=timedelta(0)) as running:
        yield running


@pytest.fixture
def ageing(clock: FakeClock) -> Iterator[Sandbox]:
    """A sandbox in which a voice is gone a year after its last use."""
    with Sandbox.start(
        clock=clock, review_time=timedelta(days=2), delete_idle_after=timedelta(days=365)
    ) as running:
        yield running


@pytest.fixture
def ageing_caller(ageing: Sandbox) -> Iterator[Caller]:
    made = Caller(ageing)
    yield made
    made.close()


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    made = Caller(sandbox)
    yield made
    made.close()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    made = Client(sandbox)
    with made.http:
        yield made
