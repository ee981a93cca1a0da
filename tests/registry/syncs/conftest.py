"""A provider that lives by the test's clock: what it made, and when, is known to the second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fakes import FakeClock
from voicereg.sandbox import Sandbox


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    with Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
def paged_sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    """One that puts three voices on a page, whatever is asked for."""
    with Sandbox.start(review_time=timedelta(0), clock=clock.now, page_cap=3) as sandbox:
        yield sandbox


@pytest.fixture
def other_sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    """Another account at the provider, with voices of its own."""
    with Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox:
        yield sandbox
