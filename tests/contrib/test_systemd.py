"""The units: known sections and directives only, shut in alike, and as systemd sees them."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contrib.files import CONTRIB, read, variables
from tests.contrib.running import environment, free_port, place, run, run_scheduler
from voicereg.sandbox import Sandbox

Unit = dict[str, list[tuple[str, str]]]

SCHEDULER = "systemd/voicereg-housekeeping.service"
ROUND = "systemd/voicereg-round.service"
TIMER = "systemd/voicereg-round.timer"
UNITS = (SCHEDULER, ROUND, TIMER)

_UNIT = "Description Wants After Conflicts StartLimitIntervalSec"
_HARDENING = [
    "NoNewPrivileges",
    "CapabilityBoundingSet",
    "AmbientCapabilities",
    "ProtectSystem",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "LockPersonality",
    "RemoveIPC",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "RestrictAddressFamilies",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallErrorNumber",
]
_SERVICE = [
    "Type",
    "User",
    "Group",
    "Environment",
    "EnvironmentFile",
    "ExecStart",
    "Restart",
    "RestartSec",
    "SuccessExitStatus",
    "RestartPreventExitStatus",
    "KillSignal",
    "TimeoutStopSec",
    "TimeoutStartSec",
    "StateDirectory",
    "StateDirectoryMode",
    "WorkingDirectory",
    "UMask",
]
KNOWN = {
    "Unit": _UNIT.split(),
    "Service": [*_SERVICE, *_HARDENING],
    "Timer": ["OnCalendar", "RandomizedDelaySec", "Persistent", "Unit"],
    "Install": ["WantedBy"],
}


def parse(text: str) -> Unit:
    sections: Unit = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if header := re.fullmatch(r"\[(\w+)\]", line):
            assert header[1] not in sections, f"{line} is there twice"
            sections[header[1]] = []
            continue
        assignment = re.fullmatch(r"(\w+)=(.*\S)?", line)
        assert assignment is not None, f"no assignment: {line!r}"
        assert sections, f"before the first section: {line!r}"
        sections[list(sections)[-1]].append((assignment[1], assignment[2] or ""))
    return sections


def service(name: str) -> dict[str, str]:
    return dict(parse(read(name))["Service"])


@pytest.mark.parametrize("name", UNITS)
def test_every_section_and_directive_is_known_and_there_once(name: str) -> None:
    for section, assignments in parse(read(name)).items():
        directives = [directive for directive, _ in assignments]
        assert set(directives) <= set(KNOWN[section])
        assert len(directives) == len(set(directives))


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here; the test above reads the units all the same")
    program = tmp_path / "voicereg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for each in UNITS:
        text = read(each).replace("/opt/voicereg/bin/voicereg", str(program))
        (tmp_path / Path(each).name).write_text(text)
    units = [str(tmp_path / Path(name).name) for name in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stderr.splitlines() if "voicereg" in line]
    assert (done.returncode, found) == (0, [])


def test_both_services_are_shut_in_alike() -> None:
    scheduler, round_ = service(SCHEDULER), service(ROUND)
    for directive in (*_HARDENING, "User", "Group", "StateDirectory", "UMask", "KillSignal"):
        assert scheduler[directive] == round_[directive]
    assert scheduler["User"] == "voicereg" == scheduler["StateDirectory"]
    assert scheduler["NoNewPrivileges"] == scheduler["PrivateTmp"] == "yes"
    assert scheduler["ProtectSystem"] == "strict"
    assert scheduler["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("name", [SCHEDULER, ROUND])
def test_settings_and_keys_come_from_etc(name: str) -> None:
    found = service(name)
    assert found["Environment"] == "VOICEREG_CONFIG=/etc/voicereg/config.toml"
    # No "-" before it: a service without its keys would fail at each account instead.
    assert found["EnvironmentFile"] == "/etc/voicereg/voicereg.env"


def test_scheduler_and_timer_do_not_run_side_by_side() -> None:
    assert dict(parse(read(SCHEDULER))["Unit"])["Conflicts"] == Path(TIMER).name
    assert dict(parse(read(TIMER))["Unit"])["Conflicts"] == Path(SCHEDULER).name
    # A round by hand while the scheduler runs is harmless.
    assert "Conflicts" not in dict(parse(read(ROUND))["Unit"])


# --- what they run ------------------------------------------------------------------------------


def arguments(name: str) -> list[str]:
    program, *rest = shlex.split(service(name)["ExecStart"])
    assert program == "/opt/voicereg/bin/voicereg"
    return rest


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def given(tmp_path: Path, sandbox: Sandbox, port: int) -> dict[str, str]:
    """The environment of the units: settings and keys as in the examples, places of the test."""
    config = place(
        read("config.toml.example"),
        tmp_path / "config.toml",
        database=f'"{tmp_path / "voicereg.db"}"',
        port=str(port),
        url=f'"file://{tmp_path / "warnings.jsonl"}"',
    )
    keys = variables("voicereg.env.example")
    assert set(keys) == {"DASHSCOPE_API_KEY"}
    return environment(sandbox, VOICEREG_CONFIG=str(config))


def test_a_round_runs_as_the_unit_says(given: dict[str, str], sandbox: Sandbox) -> None:
    sandbox.add_voice(
        family="qwen-tts",
        origin="designed",
        target_model="qwen3-tts-vd-2026-01-26",
        name="late",
        created_at=sandbox.now() - timedelta(days=400),
    )
    done = run(arguments(ROUND), given)
    assert done.returncode == 0, done.stderr
    told = Path(given["VOICEREG_CONFIG"]).with_name("warnings.jsonl").read_text()
    assert '"late"' in told

    # Without a key the round fails, and the unit with it.
    failed = run(arguments(ROUND), given | {"DASHSCOPE_API_KEY": ""})
    assert failed.returncode == 5
    assert service(ROUND)["SuccessExitStatus"] != str(failed.returncode)


def test_the_scheduler_runs_and_ends_as_the_unit_says(given: dict[str, str], port: int) -> None:
    ended = run_scheduler(
        arguments(SCHEDULER), given, port, signal.Signals[service(SCHEDULER)["KillSignal"]]
    )
    assert ended.code == 0, ended.log
    assert ended.health["ok"] is True
    assert "voicereg_leader 1.0" in ended.metrics


def test_a_wrong_setting_ends_it_with_the_code_that_is_not_tried_again(
    given: dict[str, str],
) -> None:
    config = Path(given["VOICEREG_CONFIG"])
    config.write_text(config.read_text().replace("[schedule]\nround", "[schedule]\nruond"))
    done = run(arguments(SCHEDULER), given)
    assert str(done.returncode) == service(SCHEDULER)["RestartPreventExitStatus"]
    assert "ruond" in done.stderr


def test_the_scheduler_comes_back_but_not_with_wrong_settings() -> None:
    found = service(SCHEDULER)
    assert (found["Restart"], found["RestartPreventExitStatus"]) == ("on-failure", "2")
    assert dict(parse(read(SCHEDULER))["Unit"])["StartLimitIntervalSec"] == "0"
    assert (found["KillSignal"], found["TimeoutStopSec"]) == ("SIGTERM", "60s")


def test_the_timer_runs_the_round_every_six_hours() -> None:
    timer = dict(parse(read(TIMER))["Timer"])
    assert timer["OnCalendar"] == "*-*-* 00/6:17:00"
    assert timer["Persistent"] == "true"
    assert (CONTRIB / "systemd" / timer["Unit"]).is_file()
    # A failed round has to show, not to pass for a good one; being told to stop is no failure.
    assert service(ROUND)["SuccessExitStatus"] == "130"
    assert "Install" not in parse(read(ROUND))


def test_the_user_of_the_units_is_made() -> None:
    (line,) = [line for line in read("systemd/voicereg.sysusers").splitlines() if line[0] != "#"]
    assert shlex.split(line) == ["u", "voicereg", "-", "voicereg housekeeping", "/var/lib/voicereg"]


def test_systemd_would_make_that_user() -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("there is no systemd-sysusers here; the test above reads the line all the same")
    done = subprocess.run(
        ["systemd-sysusers", "--dry-run", str(CONTRIB / "systemd" / "voicereg.sysusers")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
