"""What a shell completes, asked as a shell asks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import PROGRAM, environment

SHELLS = ("bash", "zsh", "fish")


def asked(*words: str, beginning: str) -> dict[str, str]:
    """How a shell asks, in the environment, where the last word is being typed."""
    line = ["voicereg", *words, beginning]
    return {
        "_VOICEREG_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(line),
        "COMP_CWORD": str(len(line) - 1),
    }


def offered(said: str) -> list[str]:
    return [line.partition(",")[2] for line in said.splitlines() if line]


class Complete(Protocol):
    """Asks what is offered."""

    def __call__(self, *words: str, beginning: str = "") -> list[str]: ...


@pytest.fixture
def completed(cli: Cli) -> Complete:
    def complete(*words: str, beginning: str = "") -> list[str]:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in asked(*words, beginning=beginning).items():
                patched.setenv(name, value)
            result = cli()
        assert result.err == ""
        return offered(result.out)

    return complete


def test_a_process_answers_a_shell(cli: Cli) -> None:
    done = subprocess.run(
        PROGRAM,
        env=environment() | asked(beginning="exp"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    assert offered(done.stdout) == ["expiring", "export"]


def test_commands_and_options(completed: Complete) -> None:
    assert completed(beginning="exp") == ["expiring", "export"]
    assert "--where-tag" in completed("edit", beginning="--where")


def test_voices_by_any_of_their_names(cli: Cli, completed: Complete) -> None:
    voice = cli.created()
    voice_id = cli.done("show", voice, "--json").json()["voice_id"]
    cli.done("alias", "set", "narrator", voice)

    assert completed("show") == ["narrator", voice]
    assert completed("show", beginning=voice[:4]) == [voice]
    assert completed("delete", beginning=voice_id[:8]) == [voice_id]
    assert completed("edit", beginning="narr") == ["narrator"]
    assert completed("show", beginning="no-such") == []


def test_accounts_tags_and_models(cli: Cli, completed: Complete) -> None:
    cli.created("qwen-tts", "--tag", "team=新闻", "--tag", "use=radio")
    cli.done("account", "add", "singapore")

    assert completed("-a", beginning="s") == ["singapore"]
    assert completed("list", "--tag") == ["team", "use"]
    assert completed("list", "--tag", beginning="team=") == ["team=新闻"]
    models = completed("create", "--model", beginning="qwen3-tts-vd-2")
    assert models == ["qwen3-tts-vd-2026-01-26"]


def test_where_there_is_no_registry_none_is_made(
    completed: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nowhere.db"
    monkeypatch.setenv("VOICEREG_DATABASE", str(path))

    assert completed("show") == []
    assert not path.exists()
    monkeypatch.setenv("VOICEREG_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    assert completed("show") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_reads(cli: Cli, shell: str) -> None:
    script = cli.done("completion", shell).out

    assert "_VOICEREG_COMPLETE" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n"], input=script, text=True, check=True)
