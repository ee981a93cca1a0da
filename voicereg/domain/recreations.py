"""Voices made anew from what is on record of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from voicereg.domain.designs import DesignOptions
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.voices import Origin, Voice

SOUNDS_DIFFERENT = (
    "the new voice will sound different: the same description never gives the same voice again"
)


def asked_again(voice: Voice, changed: Mapping[str, Any]) -> DesignOptions:
    """What to ask for, so that a new voice stands in for another.

    Its description, text, name, model, tags, owner and pin are those of the other, where they are
    not to be changed.

    Args:
        voice: the other.
        changed: what is to be other than it was; None: as it was.

    Raises:
        InvalidInput: it was not designed, or its description is not on record.
    """
    if voice.origin is not Origin.DESIGNED:
        raise InvalidInput(
            Problem("voice", voice.id, "it was cloned from a recording, which is not on record")
        )
    recorded = {
        "target_model": voice.target_model,
        "prompt": voice.prompt,
        "preview_text": voice.preview_text,
        "name": voice.name or None,
        "language": voice.language,
        "sample_rate": voice.sample_rate,
        "response_format": voice.response_format,
        "tags": dict(voice.tags),
        "owner": voice.owner,
        "pin": voice.pinned,
    }
    asked = recorded | {key: value for key, value in changed.items() if value is not None}
    missing = [
        Problem(option, "", f"what voice {voice.id} had is not on record: give one")
        for option, key in _NEEDED.items()
        if not asked[key]
    ]
    if missing:
        raise InvalidInput(*missing)
    return cast(DesignOptions, asked | {"replaces": voice.id})


_NEEDED = {
    "model": "target_model",
    "prompt": "prompt",
    "preview-text": "preview_text",
    "name": "name",
}
