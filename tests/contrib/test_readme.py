"""The instructions: they name every file, and nothing that there is not."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.contrib.commands import parse
from tests.contrib.files import CONTRIB, ROOT, read

README = read("README.md")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHELL = [block for kind, block in BLOCKS if kind == "sh"]


def test_every_file_is_told_of() -> None:
    there = {
        str(path.relative_to(CONTRIB))
        for path in CONTRIB.rglob("*")
        if path.is_file() and path.name not in ("README.md", ".env", "config.toml")
    }
    told = set(re.findall(r"`((?:[a-z]+/)?[\w.-]*(?:/[\w.-]+)?)`", README))
    assert there <= told
    assert {name for name in told if "/" in name and not name.startswith("/")} <= there


def test_every_file_that_is_copied_is_there() -> None:
    copied = re.findall(r"(?<![\w/])contrib/[\w./-]+", "\n".join(SHELL))
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
    for name in re.findall(r"(?m)^cp (\S+) \S+$", "\n".join(SHELL)):
        assert (CONTRIB / "docker" / name).is_file(), name


def test_every_command_can_be_typed() -> None:
    lines = "\n".join(SHELL).replace("\\\n", " ").splitlines()
    ours = [line for line in lines if line.startswith("voicereg ")]
    ours += re.findall(r"`(voicereg [^`]+)`", README)
    ours += [
        line.replace("docker compose run --rm scheduler", "voicereg")
        for line in lines
        if line.startswith("docker compose run --rm scheduler ")
    ]
    ours += re.findall(r"=/opt/voicereg/bin/(voicereg .+)", README)
    assert len(ours) >= 6
    for line in ours:
        parse(line)


@pytest.mark.parametrize("number", range(len(SHELL)))
def test_a_shell_understands_each_block(number: int) -> None:
    done = subprocess.run(["sh", "-n"], input=SHELL[number], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_units_are_copied_where_they_are_started() -> None:
    started = set(re.findall(r"systemctl enable --now ([\w.-]+)", README))
    assert started == {"voicereg-housekeeping", "voicereg-round.timer"}
    for name in started:
        unit = name if "." in name else f"{name}.service"
        assert f"contrib/systemd/{unit}" in "\n".join(SHELL)
        assert "[Install]" in read(f"systemd/{unit}")


def test_places_are_those_of_the_files() -> None:
    for place in ("/etc/voicereg/config.toml", "/etc/voicereg/voicereg.env"):
        for name in ("systemd/voicereg-housekeeping.service", "cron/voicereg"):
            assert place in README
            assert place in read(name)
    assert "/etc/prometheus/voicereg-alerts.yaml" in README
    assert "/etc/prometheus/voicereg-alerts.yaml" in read("prometheus/scrape.yaml")


def test_they_are_in_the_source_distribution() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"/contrib"' in project.partition("[tool.hatch.build.targets.sdist]")[2]
