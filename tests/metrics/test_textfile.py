"""The file for the node exporter: whole, readable, and of a name that it reads."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from voicereg import InvalidInput
from voicereg.metrics.textfile import write_textfile

TEXT = b"# a metric\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "node_exporter"
    made.mkdir()
    return made


@pytest.fixture
def _strict_mask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_strict_mask")
def test_everybody_can_read_it_whatever_the_mask(directory: Path) -> None:
    path = directory / "voicereg.prom"

    write_textfile(path, TEXT)

    assert path.read_bytes() == TEXT
    assert mode_of(path) == 0o644
    assert list(directory.iterdir()) == [path]


def test_it_is_moved_into_place_whole(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "voicereg.prom"
    path.write_bytes(b"before")
    seen: list[tuple[bytes, bytes, int, str]] = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append((path.read_bytes(), self.read_bytes(), mode_of(self), self.suffix))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_textfile(path, TEXT)

    # What is not whole yet has a name that the node exporter does not read.
    assert seen == [(b"before", TEXT, 0o644, ".new")]
    assert path.read_bytes() == TEXT


def test_a_failure_leaves_what_was_there(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "voicereg.prom"
    path.write_bytes(b"before")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInput, match="No space left"):
        write_textfile(path, TEXT)

    assert path.read_bytes() == b"before"
    assert list(directory.iterdir()) == [path]


def test_a_link_stays_one(directory: Path, tmp_path: Path) -> None:
    path = directory / "voicereg.prom"
    path.symlink_to(tmp_path / "elsewhere")

    write_textfile(path, TEXT)

    assert path.is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("voicereg.txt", "must end in .prom"),
        (".prom", "must end in .prom"),
        ("voicereg.prom.new", "must end in .prom"),
        ("there.prom", "not a regular file"),
        ("nowhere/voicereg.prom", "No such file"),
    ],
)
def test_what_cannot_be_read_is_not_written(directory: Path, name: str, why: str) -> None:
    (directory / "there.prom").mkdir()

    with pytest.raises(InvalidInput, match=why):
        write_textfile(directory / name, TEXT)

    assert [path.name for path in directory.iterdir()] == ["there.prom"]
