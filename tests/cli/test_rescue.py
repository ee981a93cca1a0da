"""A voice that was made and could not be noted: its id and its only recording are not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.manifests import many, standing, write
from tests.cli.support import creating, execute
from voicereg import DatabaseBusy, Voice
from voicereg.cli.main import run
from voicereg.registry import context
from voicereg.registry.creates import Creates
from voicereg.sandbox import Sandbox


@pytest.mark.parametrize("named", [True, False])
def test_the_preview_goes_into_a_file(
    cli: object,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    named: bool,
) -> None:
    def busy(*given: object, **options: object) -> None:
        raise DatabaseBusy("elsewhere")

    monkeypatch.setattr(Creates, "confirm", busy)
    monkeypatch.setattr(context, "_TRIES", 1)
    monkeypatch.chdir(tmp_path)
    file = ["--preview", "asked.wav"] if named else []
    assert run(creating("qwen-tts", *file)) == 6
    (made,) = sandbox.voices()
    said = capsys.readouterr().err
    assert made.voice_id in said
    (kept,) = tmp_path.glob("*.wav")
    assert (kept.name == "asked.wav") is named
    assert kept.name in said
    assert kept.read_bytes().startswith(b"RIFF")


def test_apply_puts_previews_into_files_as_well(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm = Creates.confirm

    def busy_once(*given: object, **options: object) -> Voice:
        monkeypatch.setattr(Creates, "confirm", confirm)
        raise DatabaseBusy("elsewhere")

    monkeypatch.setattr(Creates, "confirm", busy_once)
    monkeypatch.setattr(context, "_TRIES", 1)
    write(many(3))

    result = cli("apply", "voices.json", "--yes", "--at-once", "1")

    assert result.code == 6
    assert [row[2] for row in result.rows()[1:]] == ["unresolved", "done", "done"]
    lost = next(voice for voice in cli.sandbox.voices() if voice.voice_id in result.out)
    (kept,) = Path().glob("*.wav")
    assert kept.name in result.err
    assert kept.read_bytes().startswith(b"RIFF")
    execute(
        cli.database, "UPDATE voices SET lease_expires_at = created_at WHERE state = 'creating'"
    )
    cli.done("sync")
    assert standing(cli)["voice000"]["voice_id"] == lost.voice_id
    assert cli.done("apply", "voices.json", "--yes", "--json").json()["steps"] == []
