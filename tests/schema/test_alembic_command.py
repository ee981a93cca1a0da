"""Alembic's own command, as one who writes a migration uses it in the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.schema import frozen
from voicereg.engine import Database
from voicereg.schema import migrate
from voicereg.schema.revisions import HEAD, found_revision

ROOT = Path(__file__).parents[2]


def _start(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", "-c", "alembic.ini", *arguments],
        cwd=ROOT,
        env=os.environ | {"VOICEREG_DATABASE": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _alembic(url: str, *arguments: str) -> str:
    process = _start(url, *arguments)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def test_two_at_once_set_up_the_configured_database(empty_database_url: str) -> None:
    """As from two hosts."""
    _upgrade_twice_at_once(empty_database_url)

    assert f"{HEAD} (head)" in _alembic(empty_database_url, "current")
    assert "No new upgrade operations" in _alembic(empty_database_url, "check")


@pytest.mark.parametrize("backend", [pytest.param("sqlite", marks=pytest.mark.soak), "postgresql"])
@pytest.mark.parametrize("released", frozen.RELEASED[-1:], indirect=True)
def test_two_at_once_bring_a_released_version_up(released_url: str) -> None:
    before = frozen.rows(released_url)

    _upgrade_twice_at_once(released_url)

    after = frozen.rows(released_url)
    for table in ("voices", "voice_tags", "voice_previews", "events", "accounts"):
        # With the columns that there were: a later version may have added some.
        had = [{name: row[name] for name in before[table][0]} for row in after[table]]
        assert sorted(had, key=repr) == sorted(before[table], key=repr)


def _upgrade_twice_at_once(url: str) -> None:
    both = [_start(url, "upgrade", "head") for _ in range(2)]

    said = [process.communicate(timeout=60)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    database = Database.open(url)
    assert found_revision(database) == HEAD
    assert migrate.differences(database) == []
    database.close()
