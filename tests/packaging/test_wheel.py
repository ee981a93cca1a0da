"""A wheel, installed elsewhere and run from another directory: it carries its migrations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from voicereg.schema.revisions import REVISIONS
from voicereg.version import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel],
        check=True,
        capture_output=True,
    )
    return target


def run(installed: Path, here: Path, *arguments: str) -> str:
    """Run the installed program from ``here``, with nothing of the checkout before it."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("VOICEREG_")
    } | {"PYTHONPATH": str(installed), "VOICEREG_DATABASE": str(here / "elsewhere.db")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=here,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_it_holds_the_program_its_migrations_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "voicereg/schema/alembic.ini" in names
    assert "voicereg/schema/migrations/env.py" in names
    versions = "voicereg/schema/migrations/versions/"
    assert [
        name.removeprefix(versions)[:4] for name in sorted(names) if name.startswith(versions)
    ] == list(REVISIONS)
    assert "voicereg/py.typed" in names
    assert {name.split("/")[0] for name in names} == {
        "voicereg",
        f"voicereg-{__version__}.dist-info",
    }


def test_it_sets_its_database_up_and_works(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import voicereg; print(voicereg.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    quotas = json.loads(run(installed, tmp_path, "-m", "voicereg", "quota", "--json"))
    assert [(quota["family"], quota["remaining"]) for quota in quotas] == [
        ("cosyvoice", 1000),
        ("qwen-tts", 1000),
    ]
    checked = json.loads(run(installed, tmp_path, "-m", "voicereg", "db", "check", "--json"))
    assert checked["ok"], checked


def test_its_demo_runs(installed: Path, tmp_path: Path) -> None:
    told = run(installed, tmp_path, "-m", "voicereg", "demo", "--report", "demo.html")
    assert "(exit code 3)" in told
    left = [file.name for file in tmp_path.iterdir()]
    assert left == ["demo.html"], "the demo left something behind"
    # The template, its style and its script are in the wheel, too.
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    assert page.endswith("</html>\n")
    assert "grandfather" in page
