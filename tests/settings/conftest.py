"""A home of its own for each test, so that nobody's own settings are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voicereg import InvalidInput
from voicereg.domain.errors import Problem
from voicereg.settings import Settings, load

Write = Callable[[str], Path]


def loaded(path: Path) -> Settings:
    """What a file sets, and nothing else does."""
    return load(config=path, environment={})


def refused(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a file."""
    with pytest.raises(InvalidInput) as caught:
        loaded(path)
    return caught.value.problems


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory."""
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "data"))
    for name in ("CONFIG", "DATABASE", "ACCOUNT", "BASE_URL", "SETTLE_AFTER"):
        monkeypatch.delenv(f"VOICEREG_{name}", raising=False)
    return place


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a settings file, and gives its path."""

    def write_it(content: str) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(content, encoding="utf-8")
        return path

    return write_it
