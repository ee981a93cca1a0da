"""Where each preview goes: into the page, into a folder beside it, or nowhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from voicereg.domain.audio import WAV_HEADER_BYTES, KeptPreview, PreviewAudio
from voicereg.domain.voices import Voice

_SAFE_NAME = re.compile(r"[a-z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class _Kind:
    media_type: str
    ending: str


_KINDS = {
    "wav": _Kind("audio/wav", "wav"),
    "mp3": _Kind("audio/mpeg", "mp3"),
    "opus": _Kind("audio/ogg", "opus"),
    # Bare samples, which no browser plays: they get a header.
    "pcm": _Kind("audio/wav", "wav"),
}


class Placement(Enum):
    """What becomes of the preview of a voice."""

    EMBEDDED = auto()
    """It is in the page."""
    BESIDE = auto()
    """It is in a folder beside the page, which links to it."""
    LEFT_OUT = auto()
    """There is one, and the page is without it."""


@dataclass(frozen=True, slots=True)
class Previews:
    """Where the previews of a page go."""

    placements: Mapping[str, Placement]
    """Of each voice of which one is kept, by registry id."""
    folder: str
    """The name of the folder beside the page."""

    @classmethod
    def place(
        cls,
        voices: Sequence[Voice],
        kept: Mapping[str, KeptPreview],
        *,
        room_bytes: int,
        folder: str | None,
    ) -> Previews:
        """Decide where each goes: into the page while there is room, the most wanted first.

        Args:
            voices: those of the page, the soonest deadline first: who listens before it is too
                late hears those without anything but the page.
            kept: what is kept of them.
            room_bytes: how much room they may take in the page, written out as text.
            folder: the name of the folder for the others; None: they are left out.
        """
        placements = {}
        left_bytes = room_bytes
        otherwise = Placement.LEFT_OUT if folder is None else Placement.BESIDE
        for voice in voices:
            found = kept.get(voice.id)
            if found is None:
                continue
            if found.response_format not in _KINDS:
                placements[voice.id] = Placement.LEFT_OUT
                continue
            takes_bytes = _embedded_bytes(found)
            fits = takes_bytes <= left_bytes
            left_bytes -= takes_bytes if fits else 0
            placements[voice.id] = Placement.EMBEDDED if fits else otherwise
        return cls(placements, folder or "")

    @classmethod
    def none(cls, voices: Sequence[Voice], kept: Mapping[str, KeptPreview]) -> Previews:
        """Leave all of them out."""
        ids = [voice.id for voice in voices if voice.id in kept]
        return cls(dict.fromkeys(ids, Placement.LEFT_OUT), "")

    def placed(self, placement: Placement) -> list[str]:
        """The registry ids of the voices whose preview goes there."""
        return [voice for voice, found in self.placements.items() if found is placement]

    def url(
        self, voice: str, kept: KeptPreview, read: Callable[[str], PreviewAudio | None]
    ) -> str | None:
        """What the page plays; None where there is nothing to play.

        Args:
            voice: a registry id.
            kept: what is kept of it.
            read: reads the audio of the voice with that registry id.
        """
        match self.placements.get(voice):
            case Placement.EMBEDDED:
                audio = read(voice)
                if audio is None or audio.response_format not in _KINDS:
                    return None
                kind = _KINDS[audio.response_format]
                encoded = base64.b64encode(audio.playable).decode("ascii")
                return f"data:{kind.media_type};base64,{encoded}"
            case Placement.BESIDE:
                return f"{_quoted(self.folder)}/{file_name(voice, kept.response_format)}"
            case _:
                return None


def file_name(voice: str, response_format: str) -> str:
    """The name of the file beside the page: of letters, digits and one dot.

    Args:
        voice: a registry id, which a file that was imported may have brought.
        response_format: one that can be played.

    Raises:
        KeyError: a format that cannot.
    """
    if not _SAFE_NAME.fullmatch(voice):
        voice = "x" + hashlib.sha256(voice.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{voice}.{_KINDS[response_format].ending}"


def _embedded_bytes(kept: KeptPreview) -> int:
    header = WAV_HEADER_BYTES if kept.response_format == "pcm" else 0
    return (kept.size_bytes + header + 2) // 3 * 4


def _quoted(folder: str) -> str:
    from urllib.parse import quote

    # Behind a dot, so that a folder whose name has a colon in it is taken for no scheme.
    return "./" + quote(folder)
