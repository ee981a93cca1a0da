"""``voicereg sandbox`` and ``voicereg demo``: trying it without a key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, assert_usage_error, creating, finished, spawn


@pytest.fixture
def served() -> Iterator[subprocess.Popen[str]]:
    process = spawn(
        "sandbox", "--port", "0", "--json", "--create-seconds", "0", "--limit", "qwen-tts=1"
    )
    yield process
    if process.poll() is None:
        process.kill()
        finished(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    served: subprocess.Popen[str],
    number: signal.Signals,
) -> None:
    assert served.stdout is not None
    told = json.loads(served.stdout.readline())
    monkeypatch.setenv("DASHSCOPE_API_KEY", told["api_key"])
    assert told["websocket_base_url"] == told["base_url"].replace("http:", "ws:").replace(
        "/api/", "/api-ws/"
    )

    cli.done("--base-url", told["base_url"], *creating())
    cli.done("account", "edit", "default", "--limit", "qwen-tts=9")
    assert cli("-q", "--base-url", told["base_url"], *creating()).code == 3

    served.send_signal(number)
    result = finished(served)
    assert (result.code, result.out, result.err) == (0, "", "")


def test_it_says_what_to_type(cli: Cli) -> None:
    process = spawn("sandbox", "--port", "0")
    assert process.stdout is not None

    lines = [process.stdout.readline() for _ in range(3)]
    process.terminate()
    result = finished(process)

    assert lines[0].startswith("export VOICEREG_BASE_URL=http://127.0.0.1:")
    assert lines[0].endswith("/api/v1\n")
    assert lines[1] == "export DASHSCOPE_API_KEY=sandbox-key\n"
    assert lines[2].startswith("export VOICEREG_DATABASE=")
    assert "Traceback" not in result.err


@pytest.mark.parametrize(("options", "days"), [((), 365), (("--delete-idle-after", "30"), 30)])
def test_a_voice_that_nobody_uses_is_deleted(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], days: int
) -> None:
    process = spawn("sandbox", "--port", "0", "--json", "--create-seconds", "0", *options)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    monkeypatch.setenv("DASHSCOPE_API_KEY", told["api_key"])
    created = json.loads(cli.done("--base-url", told["base_url"], *creating(), "--json").out)

    clock = told["base_url"].removesuffix("/api/v1") + "/sandbox/clock"
    with httpx.Client(trust_env=False) as client:
        deleted = [
            client.post(clock, json={"advance_days": by}).json()["deleted"] for by in (days - 1, 1)
        ]
    process.terminate()
    result = finished(process)

    assert deleted == [[], [created["voice_id"]]]
    assert (result.code, result.err) == (0, "")


def test_it_misbehaves_as_it_was_told() -> None:
    told = (
        "create:timeout:after:1",
        "list_voice:503:2",
        "query:reset:after",
        "*:429-retry-after:*",
        "delete:500",
        "synthesize:503",
    )
    process = spawn(
        "sandbox", "--port", "0", "--json", *(word for one in told for word in ("--fault", one))
    )
    assert process.stdout is not None
    base_url = json.loads(process.stdout.readline())["base_url"]

    with httpx.Client(trust_env=False) as client:
        faults = client.get(base_url.removesuffix("/api/v1") + "/sandbox/faults").json()
    process.terminate()
    result = finished(process)

    assert [(one["action"], one["kind"], one["after"], one["times"]) for one in faults] == [
        ("create", "timeout", True, 1),
        ("list", "503", False, 2),
        ("query", "reset", True, 1),
        ("*", "429-retry-after", False, None),
        ("delete", "500", False, 1),
        ("synthesize", "503", False, 1),
    ]
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("", "not of the form ACTION:KIND[:after][:TIMES]"),
        ("create", "not of the form ACTION:KIND[:after][:TIMES]"),
        ("create:500:before", "not of the form"),
        ("create:500:1:after", "not of the form"),
        ("create:500:-1", "not of the form"),
        ("create:500:" + "9" * 5000, "not of the form"),
        ("create:500:0", "times cannot be below 1: 0"),
        ("sing:500", "unknown action 'sing': one of create, list, query, delete, synthesize, *"),
        ("create:flood", "unknown kind 'flood': one of reset, timeout, 429, 429-retry-after, 500,"),
        ("create:empty-page", "'empty-page' is for list only, not for create"),
    ],
)
def test_a_fault_that_cannot_be(cli: Cli, fault: str, said: str) -> None:
    assert_usage_error(cli("sandbox", "--fault", fault), "--fault", said)


@pytest.mark.parametrize("days", ["0", "-1", "36526", "a year"])
def test_an_idle_time_that_cannot_be(cli: Cli, days: str) -> None:
    assert_usage_error(cli("sandbox", "--delete-idle-after", days), "--delete-idle-after")


def test_a_port_that_is_taken(cli: Cli) -> None:
    port = cli.sandbox.base_url.split(":")[2].partition("/")[0]

    assert_refused(
        cli("sandbox", "--port", port), 2, f"port: Address already in use (given: {port})", "--port"
    )


def test_the_demo_leaves_nothing_behind(cli: Cli, tmp_path: Path) -> None:
    cli.created()
    Path("mine.txt").write_text("mine")
    (tmp_path / "xdg_config_home" / "voicereg").mkdir(parents=True)
    (tmp_path / "xdg_config_home" / "voicereg" / "config.toml").write_text("not TOML at all")
    database, environment = cli.content(), dict(os.environ)
    here, requests = Path.cwd(), len(cli.sandbox.requests)

    result = cli.done("demo")

    for told in ("$ voicereg create", "$ voicereg list", "(exit code 3)", "announcer.wav"):
        assert told in result.out + result.err
    assert "deleted" in result.out
    assert Path.cwd() == here
    assert [path.name for path in Path().iterdir()] == ["mine.txt"]
    assert dict(os.environ) == environment
    assert cli.content() == database
    assert len(cli.sandbox.requests) == requests
    assert not (tmp_path / "xdg_data_home").exists()
    assert cli.sandbox.api_key not in result.out + result.err
