"""Where the files of ``contrib`` are, and how they are read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTRIB = ROOT / "contrib"


def read(name: str) -> str:
    return (CONTRIB / name).read_text(encoding="utf-8")


def read_yaml(name: str) -> Any:
    return yaml.load(read(name), _Loader)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which the first would be lost."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
        return super().construct_mapping(node, deep)


def variables(name: str) -> dict[str, str]:
    """The variables of an env file, read as Docker does: nothing is quoted or expanded."""
    lines = [line for line in read(name).splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def promtool() -> str:
    """Prometheus' own tool; a test that needs it is skipped where there is none."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("there is no promtool here: the evaluator of the tests reads the expressions")
    return found
