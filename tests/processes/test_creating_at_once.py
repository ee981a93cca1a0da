"""More processes than there is room for create at 990 of 1,000: exactly ten succeed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import NARRATOR
from tests.processes.running import CONTEXT, running
from tests.processes.work import Place, design_one, open_new
from tests.schema.rows import add_voices
from voicereg import Registry
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.engine import Database
from voicereg.sandbox import Sandbox
from voicereg.schema import migrate

PROCESSES = 16
COMMANDS = 12
ROOT = Path(__file__).parents[2]


@pytest.fixture
def nearly_full(database_url: str, sandbox: Sandbox) -> Place:
    """990 of 1,000, in the registry and at the provider."""
    database = Database.open(database_url)
    with database.write() as connection:
        add_voices(connection, 990)
    database.close()
    sandbox.fill("qwen-tts", 990)
    return Place(database_url, sandbox.base_url, sandbox.api_key)


def _check_full(registry: Registry, sandbox: Sandbox, new: list[str]) -> None:
    """The registry and the provider agree, and nobody asked in vain."""
    quota = registry.quota("qwen-tts")
    assert (quota.used, quota.creating, quota.unresolved) == (1000, 0, 0)
    voices = registry.voices(with_gone=True)
    assert len(voices) == 1000
    made = {voice.voice_id for voice in sandbox.voices("qwen-tts")[990:]}
    assert len(made) == 10
    assert made < {voice.voice_id for voice in voices}
    assert made >= set(new)
    assert len(sandbox.requests) == 10, "all others were refused before any call"


def test_exactly_ten_succeed(
    nearly_full: Place, sandbox: Sandbox, open_registry: OpenRegistry, backend: str
) -> None:
    count = PROCESSES if backend == "sqlite" else 32
    together = CONTEXT.Barrier(count)
    with running(design_one, nearly_full, together, count=count) as others:
        told = [other.hear() for other in others]
        codes = [other.end() for other in others]

    made = [what for how, what in told if how == "made"]
    assert Counter(how for how, _ in told) == {"made": 10, "refused": count - 10}, told
    assert [what for how, what in told if how == "refused"] == ["here"] * (count - 10)
    assert codes == [0] * count
    assert len(set(made)) == 10
    _check_full(open_registry(), sandbox, made)


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_exactly_ten_succeed_through_the_command_line(
    nearly_full: Place, sandbox: Sandbox, open_registry: OpenRegistry
) -> None:
    environment = os.environ | {
        "VOICEREG_DATABASE": nearly_full.database,
        "VOICEREG_BASE_URL": nearly_full.base_url,
        DEFAULT_KEY_VARIABLE: nearly_full.key,
    }
    command = [sys.executable, "-m", "voicereg", "create"]
    asked: dict[str, Any] = {**NARRATOR}
    for option, name in (
        ("--model", "target_model"),
        ("--prompt", "prompt"),
        ("--preview-text", "preview_text"),
        ("--name", "name"),
    ):
        command += [option, asked[name]]
    # Each waits for the end of its input, which comes to all at one moment.
    start, signal = os.pipe()
    processes = [
        subprocess.Popen(
            ["/bin/sh", "-c", 'read _; exec "$0" "$@" </dev/null', *command],
            cwd=ROOT,
            env=environment,
            stdin=start,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(COMMANDS)
    ]
    os.close(start)
    os.close(signal)
    said = [process.communicate(timeout=120)[0] for process in processes]

    assert Counter(process.returncode for process in processes) == {0: 10, 3: COMMANDS - 10}, said
    assert not [text for text in said if "locked" in text or "Traceback" in text]
    _check_full(open_registry(), sandbox, [])


def test_many_open_a_brand_new_file(tmp_path: Path, sandbox: Sandbox) -> None:
    place = Place(
        f"sqlite:///{tmp_path / 'new' / 'voicereg.db'}", sandbox.base_url, sandbox.api_key
    )
    together = CONTEXT.Barrier(8)
    with running(open_new, place, together, count=8) as others:
        told = [other.hear() for other in others]
        codes = [other.end() for other in others]

    assert [how for how, _ in told] == ["opened"] * 8, told
    assert codes == [0] * 8
    with place.open() as registry:
        assert len(registry.voices(with_gone=True)) == 8
        assert [account.name for account in registry.accounts.all()] == ["default"]
    database = Database.open(place.database)
    assert migrate.differences(database) == []
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()
