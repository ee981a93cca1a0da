"""A voice that was made and could not be noted: its id and its only recording are not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import creating
from voicereg import DatabaseBusy
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
