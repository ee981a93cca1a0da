"""The sandbox as tests and the command line hold it: start, stop, and reaching in."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from voicereg.sandbox import Sandbox

from .wire import DESIGN, QWEN_CLONE, QWEN_DESIGN, Caller, FakeClock

FOREGROUND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would ignore it
from voicereg.sandbox import Sandbox
sandbox = Sandbox()
print(sandbox.base_url, flush=True)
sandbox.serve_forever()
print("ended", flush=True)
"""
STOPPED_BY_SIGNAL = """
import signal
from voicereg.sandbox import Sandbox
sandbox = Sandbox()
signal.signal(signal.SIGTERM, lambda *_: sandbox.stop())
print(sandbox.base_url, flush=True)
sandbox.serve_forever()
print("ended", flush=True)
"""


def _reachable(sandbox: Sandbox) -> bool:
    caller = Caller(sandbox)
    try:
        return caller.call(DESIGN, "list").status == 200
    except OSError:
        return False
    finally:
        caller.close()


def test_base_url(sandbox: Sandbox) -> None:
    parts = urlsplit(sandbox.base_url)
    assert (parts.scheme, parts.hostname, parts.path) == ("http", "127.0.0.1", "/api/v1")
    assert parts.port
    assert sandbox.api_key == "sandbox-key"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_it_listens_to_this_machine_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_loopback_by_other_names(host: str) -> None:
    with Sandbox.start(host=host) as sandbox:
        assert _reachable(sandbox)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="unknown family 'piano'"):
        Sandbox(limits={"piano": 3})
    with pytest.raises(ValueError, match="limit cannot be below 0"):
        Sandbox(limits={"cosyvoice": -1})
    with pytest.raises(ValueError, match="page cap"):
        Sandbox(page_cap=0)
    with pytest.raises(ValueError, match="key"):
        Sandbox(api_keys=())


def test_stop_hangs_up_and_lets_go_of_the_port() -> None:
    sandbox = Sandbox.start()
    caller = Caller(sandbox)
    assert caller.call(DESIGN, "list").status == 200
    port = urlsplit(sandbox.base_url).port
    assert port is not None

    sandbox.stop()
    sandbox.stop()

    assert caller.connection.sock is not None
    assert caller.connection.sock.recv(1) == b""  # the idle connection has ended too
    caller.close()
    assert not _reachable(sandbox)
    with Sandbox.start(port=port) as next_one:
        assert urlsplit(next_one.base_url).port == port
        assert _reachable(next_one)


def test_port_that_is_taken(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=urlsplit(sandbox.base_url).port or 0)


def test_stop_without_serving() -> None:
    sandbox = Sandbox()
    sandbox.stop()
    sandbox.serve_forever()  # returns at once
    assert not _reachable(sandbox)


def test_serving_in_the_foreground_ends_from_another_thread() -> None:
    sandbox = Sandbox()
    thread = threading.Thread(target=sandbox.serve_forever)
    thread.start()
    assert _reachable(sandbox)
    with pytest.raises(RuntimeError, match="already"):
        sandbox.serve_forever()

    sandbox.stop()

    thread.join(30)
    assert not thread.is_alive()
    assert not _reachable(sandbox)


@pytest.mark.parametrize(
    ("program", "number"), [(FOREGROUND, signal.SIGINT), (STOPPED_BY_SIGNAL, signal.SIGTERM)]
)
def test_serving_in_the_foreground_ends_by_signal(program: str, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        connection.request("GET", "/")  # once it answers, it serves
        assert connection.getresponse().status == 404
        connection.close()
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)

    assert (process.returncode, out, errors) == (0, "ended\n", "")


def test_voices_are_seen_as_they_were_at_that_moment(sandbox: Sandbox, caller: Caller) -> None:
    before = sandbox.voices()
    caller.call(DESIGN, "create", QWEN_DESIGN)
    (voice,) = sandbox.voices()

    assert before == ()
    with pytest.raises(AttributeError):
        voice.status = "UNDEPLOYED"  # type: ignore[misc]
    assert sandbox.voices("cosyvoice") == ()
    with pytest.raises(ValueError, match="unknown family"):
        sandbox.voices("piano")


def test_add_voice_checks_nothing_of_the_provider(sandbox: Sandbox, caller: Caller) -> None:
    beijing = timezone(timedelta(hours=8))
    voice = sandbox.add_voice(
        family="qwen-tts",
        origin="designed",
        target_model="qwen9-tts-vd",
        name="far too long a name, with spaces",
        prompt="p" * 5000,
        preview_text="Hello.",
        language="xx",
        created_at=datetime(2025, 12, 10, 14, 54, 9, tzinfo=beijing),
    )

    assert voice in sandbox.voices("qwen-tts")
    assert voice.created_at == datetime(2025, 12, 10, 6, 54, 9, tzinfo=UTC)
    assert voice.created_at.utcoffset() == timedelta(0)
    item = caller.call(DESIGN, "query", voice=voice.voice_id).output
    assert item == {
        "voice": voice.voice_id,
        "target_model": "qwen9-tts-vd",
        "language": "xx",
        "voice_prompt": "p" * 5000,
        "preview_text": "Hello.",
        "gmt_create": "2025-12-10 14:54:09",
        "gmt_modified": "2025-12-10 14:54:09",
    }


def test_add_voice_refuses_what_cannot_be(sandbox: Sandbox) -> None:
    for family, origin, created_at in (
        ("piano", "designed", None),
        ("cosyvoice", "stolen", None),
        ("cosyvoice", "cloned", datetime(2026, 1, 1)),  # noqa: DTZ001
    ):
        with pytest.raises(ValueError, match=r"unknown|time zone"):
            sandbox.add_voice(
                family=family, origin=origin, target_model="m", name="n", created_at=created_at
            )
    assert sandbox.voices() == ()


def test_added_status_stays(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock) as sandbox:
        sandbox.add_voice(
            family="cosyvoice",
            origin="designed",
            target_model="cosyvoice-v3-plus",
            name="n",
            status="UNDEPLOYED",
        )
        clock.advance(timedelta(days=1))
        assert [voice.status for voice in sandbox.voices()] == ["UNDEPLOYED"]


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts"])
def test_fill_mixes_designed_and_cloned(sandbox: Sandbox, family: str) -> None:
    made = sandbox.fill(family, 991)

    assert made == sandbox.voices(family) == sandbox.voices()
    assert len({voice.voice_id for voice in made}) == 991
    designed = [voice for voice in made if voice.origin == "designed"]
    assert len(designed) == 496
    assert all(voice.prompt and voice.preview_text for voice in designed)
    assert not any(voice.prompt for voice in made if voice.origin == "cloned")
    assert {voice.status for voice in made} == {"OK"}
    assert sandbox.fill(family, 0) == ()


def test_same_randomness_gives_the_same_ids(clock: FakeClock) -> None:
    def ids(seed: int) -> list[str]:
        with Sandbox.start(clock=clock, rng=Random(seed)) as sandbox:
            sandbox.fill("cosyvoice", 2)
            sandbox.fill("qwen-tts", 2)
            return [voice.voice_id for voice in sandbox.voices()]

    assert ids(1) == ids(1) != ids(2)


def test_ids_stay_different_when_chance_repeats_itself(clock: FakeClock) -> None:
    class Stuck(Random):
        """Gives each number eight times."""

        def __init__(self) -> None:
            self.calls = 0

        def getrandbits(self, bits: int, /) -> int:
            self.calls += 1
            return int(self.calls // 8 % 2**bits)

    with Sandbox.start(clock=clock, rng=Stuck()) as sandbox:
        caller = Caller(sandbox)
        for _ in range(5):
            caller.call("qwen-voice-enrollment", "create", QWEN_CLONE)
        caller.close()
        assert len({voice.voice_id for voice in sandbox.voices()}) == 5


def test_wall_clock_can_be_another(clock: FakeClock) -> None:
    with Sandbox.start(clock=clock, utc_offset=timedelta(0)) as sandbox:
        caller = Caller(sandbox)
        caller.call(DESIGN, "create", QWEN_DESIGN)
        (item,) = caller.call(DESIGN, "list").output["voice_list"]
        caller.close()

    assert item["gmt_create"] == "2026-11-23 20:30:15"
    assert "-voice-20261123203015-" in item["voice"]


def test_it_keeps_time_by_the_system_unless_told_otherwise() -> None:
    with Sandbox.start() as sandbox:
        before = datetime.now(UTC)
        sandbox.fill("cosyvoice", 1)
        after = datetime.now(UTC)
        assert before <= sandbox.voices()[0].created_at <= after
