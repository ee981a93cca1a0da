"""Ctrl-C and SIGTERM, sent to a process of its own while the provider is at work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import creating, finished, spawn
from voicereg.sandbox import Sandbox


class Hold:
    """In place of the time that a create takes: until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, seconds: float) -> None:
        self.reached.set()
        assert self.released.wait(60)


@pytest.fixture
def hold() -> Iterator[Hold]:
    hold = Hold()
    yield hold
    hold.released.set()


@pytest.fixture
def sandbox(hold: Hold) -> Iterator[Sandbox]:
    with Sandbox.start(create_time=timedelta(seconds=1), sleep=hold) as sandbox:
        yield sandbox
        hold.released.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_provider_designs(cli: Cli, hold: Hold, number: signal.Signals) -> None:
    process = spawn(*creating())
    assert hold.reached.wait(60)

    process.send_signal(number)
    result = finished(process)

    (voice,) = cli.done("list", "--json").json()
    assert (voice["state"], voice["voice_id"]) == ("unresolved", None)
    assert (result.code, result.out) == (6, "")
    recorded, said, advice = result.err.splitlines()
    assert recorded.startswith(f"{voice['id']} is recorded")
    assert said.startswith(f"voicereg: the outcome of creating voice {voice['id']} is unknown")
    assert "its slot stays held" in said
    assert advice.startswith("  do not repeat it blindly")
    assert [event["action"] for event in cli.done("events", "--json").json()] == [
        "voice.unresolved",
        "voice.create",
    ]


def test_killed_while_the_provider_designs(cli: Cli, hold: Hold) -> None:
    process = spawn(*creating())
    assert hold.reached.wait(60)

    process.kill()
    finished(process)

    (voice,) = cli.done("list", "--json").json()
    assert voice["state"] == "creating"
    (quota,) = cli.done("quota", "--family", "qwen-tts", "--json").json()
    assert (quota["used"], quota["creating"]) == (1, 1)
