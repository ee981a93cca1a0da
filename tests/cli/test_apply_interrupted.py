"""``apply`` stopped in the middle, in whichever way, and run again."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.cli.conftest import Cli
from tests.cli.manifests import at_provider, declared, many, standing, write
from tests.cli.support import execute, finished, spawn
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read what a run says until it says something; the rest stays unread."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize("count", [300])
def test_three_hundred_with_two_faults_interrupted_twice(cli: Cli, count: int) -> None:
    voices = many(count)
    faults = {"voice042": "A voice of [inspect].", "voice271": "Another of [inspect]."}
    wrong = {key: voices[key] | {"prompt": prompt} for key, prompt in faults.items()}
    write(voices | wrong)
    words = ("apply", "voices.json", "--yes", "--at-once", "4")

    stopped = spawn(*words)
    until(stopped, f"\n{count // 3} of ")
    stopped.send_signal(signal.SIGINT)
    first = finished(stopped)
    made_by_then = len(standing(cli))
    killed = spawn(*words)
    until(killed, f"\n{count // 3} of ")
    killed.kill()
    finished(killed)

    assert first.code == 130
    assert "what is done is not done twice" in first.err
    assert count // 3 <= made_by_then <= count // 3 + 8
    # Whoever was at work is gone: what it was at is settled by a sync.
    execute(
        cli.database, "UPDATE voices SET lease_expires_at = created_at WHERE state = 'creating'"
    )
    cli.done("sync")
    for voice in standing(cli).values():
        if voice["state"] == "unresolved":
            # It was recorded, and the process died before it had asked for it.
            assert not at_provider(cli)[voice["prompt"]]
            cli.done("resolve", voice["id"], "--release")

    third = cli(*words, "--json")
    assert third.code == 5
    failed = {done["key"] for done in third.json()["results"] if done["outcome"] != "done"}
    assert failed == set(faults)
    write(voices)
    cli.done(*words)

    assert standing(cli).keys() == voices.keys()
    assert {voice["state"] for voice in standing(cli).values()} == {"active"}
    assert at_provider(cli) == dict.fromkeys((voice["prompt"] for voice in voices.values()), 1)
    assert cli.done("apply", "voices.json", "--yes", "--json").json()["steps"] == []


class Gate:
    """In place of the time that a create takes: until the test lets all of them go on."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, seconds: float) -> None:
        self.reached.release()
        assert self.opened.wait(60)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.reached.acquire(timeout=60)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def held(
    gate: Gate,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Cli]:
    """The command line on a provider that makes nothing until the test lets it."""
    with Sandbox.start(create_time=timedelta(seconds=1), sleep=gate) as sandbox:
        monkeypatch.setenv("VOICEREG_DATABASE", database_url)
        monkeypatch.setenv("VOICEREG_BASE_URL", sandbox.base_url)
        monkeypatch.setenv(DEFAULT_KEY_VARIABLE, sandbox.api_key)
        yield Cli(capsys, sandbox, database_url)
        gate.opened.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_is_waited_for(held: Cli, gate: Gate, number: signal.Signals) -> None:
    write(many(6))
    process = spawn("apply", "voices.json", "--yes", "--at-once", "2")
    gate.wait_for(2)

    process.send_signal(number)
    said = until(process, "stopping: the voices under way are waited for")
    gate.opened.set()
    result = finished(process)

    assert "Traceback" not in said + result.err
    assert result.code == 130
    outcomes = [row[2] for row in result.rows()[1:]]
    assert outcomes == ["done"] * 2 + ["skipped"] * 4
    assert {voice["state"] for voice in standing(held).values()} == {"active"}
    assert len(standing(held)) == len(held.sandbox.voices()) == 2
    held.done("apply", "voices.json", "--yes")
    assert standing(held).keys() == many(6).keys()
    assert set(at_provider(held).values()) == {1}


def test_who_does_not_wait_leaves_it_unresolved(held: Cli, gate: Gate) -> None:
    write(many(6))
    process = spawn("apply", "voices.json", "--yes", "--at-once", "2")
    gate.wait_for(2)

    process.send_signal(signal.SIGINT)
    said = until(process, "stopping: the voices under way are waited for")
    process.send_signal(signal.SIGINT)
    result = finished(process)

    assert "Traceback" not in said + result.err
    assert result.code == 6
    assert [row[2] for row in result.rows()[1:]] == ["unresolved"] * 2 + ["skipped"] * 4
    assert {voice["state"] for voice in standing(held).values()} == {"unresolved"}
    gate.opened.set()
    assert held("apply", "voices.json", "--yes").code == 1
    assert len(standing(held)) == 6
    held.done("sync")
    assert held.done("apply", "voices.json", "--yes", "--json").json()["steps"] == []
    assert set(at_provider(held).values()) == {1}


def test_two_who_apply_the_same_file_at_once_make_each_voice_once(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voices = many(12) | {"choice": declared(99, candidates=3)}
    write(voices)

    both = [spawn("apply", "voices.json", "--yes") for _ in range(2)]
    results = [finished(process) for process in both]

    assert all("Traceback" not in result.err for result in results)
    assert standing(cli).keys() == many(12).keys()
    assert len(cli.done("choose", "--json").json()) == 3
    counts = at_provider(cli)
    assert counts.pop(voices["choice"]["prompt"]) == 3
    assert set(counts.values()) == {1}
