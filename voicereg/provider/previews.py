"""The preview audio in the answer to a create: checked before it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from voicereg.domain.audio import PreviewAudio
from voicereg.domain.designs import DesignRequest

_DATA_URL = re.compile(r"\s*data:[^,]{0,200},")
_BEGINNINGS = {"wav": (b"RIFF", b"RF64"), "opus": (b"OggS",), "mp3": (b"ID3", b"\xff")}
"""How a file of each format begins; PCM has no header."""
_HIGHEST_SAMPLE_RATE_HZ = 1_000_000
"""Far above any there is: a number beyond it is none."""


def read_preview(
    output: Mapping[str, Any], request: DesignRequest
) -> tuple[PreviewAudio, str | None]:
    """The preview audio of a new voice, and what is odd about it.

    It is sent only once, so whatever can be decoded is kept, even where it does not look like what
    it is said to be.

    Args:
        output: what the answer holds.
        request: what was asked for, where the answer does not say what it sent.

    Raises:
        ValueError: there is none, with a few words why.
    """
    preview = output.get("preview_audio")
    if not isinstance(preview, dict) or not isinstance(preview.get("data"), str):
        raise ValueError("the answer carried no preview audio")
    text = "".join(_DATA_URL.sub("", preview["data"], count=1).split()).rstrip("=")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the preview audio is not valid Base64") from None
    if not data:
        raise ValueError("the preview audio is empty")
    said_format = preview.get("response_format")
    response_format = (
        said_format.lower()
        if isinstance(said_format, str) and said_format.isalnum() and len(said_format) <= 8
        else request.response_format
    )
    said_rate = preview.get("sample_rate")
    audio = PreviewAudio(
        data=data,
        response_format=response_format,
        sample_rate=said_rate
        if isinstance(said_rate, int)
        and not isinstance(said_rate, bool)
        and 0 < said_rate <= _HIGHEST_SAMPLE_RATE_HZ
        else request.sample_rate,
    )
    beginnings = _BEGINNINGS.get(response_format)
    if beginnings is not None and not data.startswith(beginnings):
        return (
            audio,
            f"the preview audio does not begin like {response_format}; it is kept as it is",
        )
    return audio, None
