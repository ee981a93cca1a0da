"""What a host runs for a unit, a container or cron: the same command, on a registry of the test."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicereg.sandbox import Sandbox

PROGRAM = [sys.executable, "-m", "voicereg"]
_LONG = 60.0
"""Longer than anything here takes, on a machine that has much else to do."""


def environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """All that a command is given; of the test's own environment nothing."""
    given = {"DASHSCOPE_API_KEY": sandbox.api_key, "VOICEREG_BASE_URL": sandbox.base_url}
    return {"PATH": os.defpath, **given, **more}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def place(text: str, path: Path, **replaced: str) -> Path:
    """Write settings that stand on another host, as this one can have them."""
    for setting, value in replaced.items():
        text, count = re.subn(rf"(?m)^{setting} = \S+", f"{setting} = {value}", text)
        assert count == 1, f"{setting} is there {count} times"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(arguments: Sequence[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=dict(given),
        capture_output=True,
        text=True,
        timeout=_LONG,
    )


@dataclass
class Ended:
    """What a scheduler did until it was told to stop."""

    code: int
    log: str
    health: dict[str, Any]
    metrics: str


def run_scheduler(
    arguments: Sequence[str], given: Mapping[str, str], port: int, stop: signal.Signals
) -> Ended:
    """Run a scheduler until its first round has gone well, and end it by a signal."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        env=dict(given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            log += line
            if "the round has ended" in line:
                break
        assert process.poll() is None, log
        health = json.loads(_served(port, "/healthz"))
        metrics = _served(port, "/metrics")
        process.send_signal(stop)
        log += process.communicate(timeout=_LONG)[1]
    finally:
        process.kill()
        process.wait()
    return Ended(process.returncode, log, health, metrics)


def _served(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_LONG) as answer:
        body: bytes = answer.read()
        return body.decode()
