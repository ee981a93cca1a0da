"""The image and the composition: who runs, what is pinned, what goes in, and who waits for whom."""

from __future__ import annotations

import json
import re
import shlex
import signal
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.commands import parse
from tests.contrib.files import CONTRIB, ROOT, read, read_yaml, variables
from tests.contrib.running import environment, free_port, place, run, run_scheduler
from voicereg.sandbox import Sandbox


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", read("docker/Dockerfile"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions():
        if instruction[0] == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def last(name: str) -> str:
    return [rest for instruction, rest in stages()[-1] if instruction == name][-1]


def test_every_instruction_is_known() -> None:
    known = "FROM ENV WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    assert {name for name, _ in instructions()} <= set(known.split())


def test_both_stages_have_one_pinned_python_that_the_project_supports() -> None:
    images = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(images) == 2
    assert len(set(images)) == 1, "an environment is of one Python and one system"
    pinned = re.fullmatch(r"python:(3\.\d+)-slim-\w+", images[0])
    assert pinned is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Programming Language :: Python :: {pinned[1]}" in project["classifiers"]
    assert "all" in project["optional-dependencies"]


def test_no_compiler_and_no_installer_in_the_final_image() -> None:
    final = " ".join(rest for _, rest in stages()[-1])
    assert not re.search(r"\b(apt-get|gcc|pip|build-essential)\b", final)
    assert "--from=build /opt/voicereg /opt/voicereg" in final
    built = " ".join(rest for _, rest in stages()[0])
    assert "--only-binary=:all:" in built
    assert "[all]" in built


def test_it_does_not_run_as_root() -> None:
    uid, gid = last("USER").split(":")
    assert int(uid) >= 10_000
    assert int(gid) >= 10_000
    final = [rest for name, rest in stages()[-1] if name == "RUN"]
    assert any(f"--uid {uid} --gid {gid}" in rest for rest in final)
    names = [name for name, _ in stages()[-1]]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))


def test_what_it_runs_is_a_command_that_there_is() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["voicereg"]
    command = json.loads(last("CMD"))
    assert command == ["housekeeping", "start", "--all-accounts"]
    program, *checked = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert (program, checked[:2]) == ("voicereg", ["housekeeping", "status"])
    assert checked[2:] == ["--max-age", "26h"]
    for arguments in (command, checked):
        parse(shlex.join(["voicereg", *arguments]))


def test_the_registry_is_in_the_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    from voicereg.settings.places import default_config_path, default_database_path

    assert last("VOLUME") == "/var/lib/voicereg"
    for variable, value in re.findall(r"(XDG_\w+)=(\S+)", last("ENV")):
        monkeypatch.setenv(variable, value)
    assert str(default_database_path()) == "/var/lib/voicereg/voicereg.db"
    assert str(default_config_path()) == "/etc/voicereg/config.toml"


def test_what_it_runs_runs_and_is_healthy(tmp_path: Path, sandbox: Sandbox) -> None:
    """On a host, with the directories of the image in a directory of the test."""
    port = free_port()
    place(
        read("docker/config.toml.example"),
        tmp_path / "etc" / "voicereg" / "config.toml",
        port=str(port),
        address='"127.0.0.1"',
    )
    state = tmp_path / "var" / "lib" / "voicereg"
    state.mkdir(mode=0o700, parents=True)
    directories = re.findall(r"(HOME|XDG_\w+)=(\S+)", last("ENV"))
    given = environment(sandbox, **{name: f"{tmp_path}{path}" for name, path in directories})
    program, *checked = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert program == "voicereg"
    assert run(checked, given).returncode == 1, "no round was run yet"

    ended = run_scheduler(json.loads(last("CMD")), given, port, signal.Signals[last("STOPSIGNAL")])

    assert ended.code == 0, ended.log
    assert [path.name for path in state.iterdir()] == ["voicereg.db"]
    logged = [line for line in ended.log.splitlines() if line != "stopped"]
    assert logged
    for line in logged:
        assert json.loads(line)["level"] in ("info", "warning")
    assert run(checked, given).returncode == 0


def sent(path: str) -> bool:
    """Whether the builder sees a path: the last line that fits it or a folder of it decides."""
    seen = True
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    for line in read("docker/Dockerfile.dockerignore").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        whole = not line.removeprefix("!").startswith("**/")
        if any(fnmatch(each if whole else each.rpartition("/")[2], pattern) for each in above):
            seen = line.startswith("!")
    return seen


def test_what_is_copied_is_sent_and_nothing_else() -> None:
    copied = [
        source for name, rest in stages()[0] if name == "COPY" for source in rest.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists()
        assert sent(source)
    assert sent("voicereg/cli/main.py")
    for path in (".git/config", ".venv/bin/python", "contrib/docker/.env", "voicereg.db", "tests"):
        assert not sent(path)
    assert not sent("voicereg/__pycache__/engine.cpython-313.pyc")
    # What the wheel is made of.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]}
    needed |= {"pyproject.toml", *project["project"]["license-files"]}
    assert set(copied) == needed


@pytest.fixture
def composed() -> dict[str, Any]:
    composed: dict[str, Any] = read_yaml("docker/compose.yaml")
    return composed


def test_the_composition_has_known_keys_only(composed: dict[str, Any]) -> None:
    assert set(composed) == {"name", "x-voicereg", "services", "networks", "volumes"}
    known = {
        "image",
        "build",
        "command",
        "restart",
        "environment",
        "env_file",
        "volumes",
        "networks",
        "ports",
        "read_only",
        "tmpfs",
        "cap_drop",
        "cap_add",
        "security_opt",
        "shm_size",
        "healthcheck",
        "depends_on",
        "stop_grace_period",
    }
    for service in composed["services"].values():
        assert set(service) <= known
        assert set(service["networks"]) <= set(composed["networks"])
        for volume in service["volumes"]:
            assert volume["type"] == "bind" or volume["source"] in composed["volumes"]


def test_the_scheduler_waits_for_the_database_and_its_schema(composed: dict[str, Any]) -> None:
    services = composed["services"]
    assert set(services) == {"database", "upgrade", "scheduler"}
    healthy = {"condition": "service_healthy"}
    done = {"condition": "service_completed_successfully"}
    assert services["upgrade"]["depends_on"] == {"database": healthy}
    assert services["scheduler"]["depends_on"] == {"database": healthy, "upgrade": done}
    assert services["database"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert services["upgrade"]["command"] == ["db", "upgrade"]
    assert services["upgrade"]["restart"] == "no"
    assert services["scheduler"]["restart"] == "unless-stopped"
    parse("voicereg db upgrade")


def test_each_service_may_do_as_little_as_it_can(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert ("cap_add" in service) == (name == "database")
    assert composed["networks"]["inside"] == {"internal": True}
    assert composed["services"]["database"]["networks"] == ["inside"]
    assert "ports" not in composed["services"]["database"]


def test_images_are_pinned_and_built_from_the_dockerfile(composed: dict[str, Any]) -> None:
    images = {service["image"] for service in composed["services"].values()}
    for image in images:
        assert not image.endswith(":latest")
        assert ":" in image
    build = composed["services"]["scheduler"]["build"]
    context = (CONTRIB / "docker" / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()


def test_secrets_come_from_the_environment(composed: dict[str, Any]) -> None:
    text = read("docker/compose.yaml")
    for variable in re.findall(r"\$\{(\w+)", text):
        assert variable in variables("docker/env.example")
    for value in re.findall(r"(?i)\w*password: (.*)", text):
        assert re.fullmatch(r"\$\{\w+:\?.+\}", value)
    services = composed["services"]
    assert services["scheduler"]["env_file"] == [".env"]
    assert "env_file" not in services["upgrade"], "it needs no key"
    assert ".env" in read("docker/.gitignore").splitlines()


def test_the_metrics_are_published_to_this_host_alone(composed: dict[str, Any]) -> None:
    (port,) = composed["services"]["scheduler"]["ports"]
    assert port == "127.0.0.1:9464:9464"
    assert last("EXPOSE") == "9464"
