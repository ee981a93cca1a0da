"""Programs of this machine that play audio."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from voicereg.domain.audio import PreviewAudio
from voicereg.domain.errors import InvalidInput, Problem

VARIABLE = "VOICEREG_PLAYER"
"""Names the program that plays, with its options; the file's path is added."""
_ANY = frozenset({"wav", "mp3", "opus"})
_WAV = frozenset({"wav"})


@dataclass(frozen=True, slots=True)
class _Player:
    command: tuple[str, ...]
    formats: frozenset[str]


_KNOWN = (
    _Player(("mpv", "--no-video", "--really-quiet"), _ANY),
    _Player(("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"), _ANY),
    _Player(("afplay",), frozenset({"wav", "mp3"})),
    _Player(("play", "-q"), frozenset({"wav", "mp3"})),
    _Player(("pw-play",), _WAV),
    _Player(("paplay",), _WAV),
    _Player(("aplay", "-q"), _WAV),
)


def player_for(audio_format: str, environment: Mapping[str, str]) -> Sequence[str]:
    """The command of a program that plays a format.

    Args:
        audio_format: such as ``wav``; raw samples count as ``wav``, since they get its header.
        environment: the variables of the process.

    Raises:
        InvalidInput: there is none.
    """
    chosen = environment.get(VARIABLE)
    if chosen:
        try:
            command = shlex.split(chosen)
        except ValueError as error:
            raise InvalidInput(Problem(VARIABLE, chosen, str(error))) from None
        if not command or shutil.which(command[0]) is None:
            raise InvalidInput(Problem(VARIABLE, chosen, "there is no such program"))
        return command
    wanted = "wav" if audio_format == "pcm" else audio_format
    for player in _KNOWN:
        if wanted in player.formats and shutil.which(player.command[0]) is not None:
            return player.command
    names = ", ".join(player.command[0] for player in _KNOWN if wanted in player.formats)
    raise InvalidInput(
        Problem("--play", "", f"no program that plays {wanted} was found ({names})"),
        advice=f"install one, or name another in {VARIABLE}; -o writes the audio to a file",
    )


def play(audio: PreviewAudio, command: Sequence[str]) -> int:
    """Play audio to its end, and return the exit code of the program that did."""
    suffix = "wav" if audio.response_format == "pcm" else audio.response_format
    with tempfile.TemporaryDirectory(prefix="voicereg-") as directory:
        file = Path(directory) / f"preview.{suffix}"
        file.write_bytes(audio.playable)
        # The program is one of ours or the user's own choice, and no shell reads the path.
        return subprocess.run([*command, str(file)], check=False).returncode  # noqa: S603
