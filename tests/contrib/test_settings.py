"""The examples of settings and keys: they load, and they are read alike by all who read them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.contrib.files import CONTRIB, read, variables
from voicereg import settings


def test_the_example_of_the_host_loads() -> None:
    loaded = settings.load(config=CONTRIB / "config.toml.example", environment={})
    assert loaded.database_url() == "sqlite:////var/lib/voicereg/voicereg.db"
    assert (loaded.metrics.address, loaded.metrics.port) == ("127.0.0.1", 9464)
    assert loaded.schedule.round == "17 */6 * * *"
    (channel,) = loaded.channels
    assert channel.url == "file:///var/lib/voicereg/warnings.jsonl"
    assert loaded.keep_alive.rules == ()


def test_the_example_of_the_containers_loads_and_leaves_the_database_to_them() -> None:
    loaded = settings.load(config=CONTRIB / "docker" / "config.toml.example", environment={})
    assert loaded.database is None
    assert (loaded.metrics.address, loaded.metrics.port) == ("0.0.0.0", 9464)
    assert loaded.log.format is settings.LogFormat.JSON


@pytest.mark.parametrize("name", ["config.toml.example", "docker/config.toml.example"])
def test_what_is_commented_out_loads_as_well(name: str, tmp_path: Path) -> None:
    meant = re.compile(r"^# (?=\[\[|[a-z_]+ = )", re.MULTILINE)
    text = read(name)
    assert meant.search(text)
    path = tmp_path / "config.toml"
    path.write_text(meant.sub("", text))
    loaded = settings.load(config=path, environment={})
    assert "on call" in {channel.name for channel in loaded.channels}


@pytest.mark.parametrize("name", ["voicereg.env.example", "docker/env.example"])
def test_sh_and_docker_read_the_keys_alike(name: str, tmp_path: Path) -> None:
    uncommented = re.sub(r"^#(?=[A-Z]+[A-Z_]*=)", "", read(name), flags=re.MULTILINE)
    path = tmp_path / "voicereg.env"
    path.write_text(uncommented)
    found = dict(line.split("=", 1) for line in uncommented.splitlines() if line and line[0] != "#")
    assert "DASHSCOPE_API_KEY" in variables(name)
    assert {"DASHSCOPE_API_KEY", "SINGAPORE_API_KEY", "ON_CALL_URL"} <= set(found)
    done = subprocess.run(
        ["sh", "-c", f"set -a && . {shlex.quote(str(path))} && env"],
        env={"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert {variable: seen[variable] for variable in found} == found


@pytest.mark.parametrize("name", ["voicereg.env.example", "docker/env.example"])
def test_no_key_is_in_the_examples(name: str) -> None:
    for value in variables(name).values():
        assert value.startswith("put-")
