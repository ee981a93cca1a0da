"""Manifests that tests apply."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli

QWEN = "qwen3-tts-vd-2026-01-26"
COSYVOICE = "cosyvoice-v3.5-plus"


def declared(number: int, **said: Any) -> dict[str, Any]:
    """One voice that breaks no rule, unlike all others."""
    return {
        "target_model": QWEN,
        "prompt": f"A calm voice, number {number}.",
        "preview_text": "Dear listeners, good evening.",
    } | said


def many(count: int) -> dict[str, dict[str, Any]]:
    return {f"voice{number:03}": declared(number) for number in range(count)}


def write(voices: dict[str, dict[str, Any]], name: str = "voices.json", **top: Any) -> Path:
    """A manifest in the present directory."""
    file = Path(name)
    file.write_text(json.dumps({**top, "voices": voices}, ensure_ascii=False), encoding="utf-8")
    return file


def standing(cli: Cli) -> dict[str, dict[str, Any]]:
    """The voices on record that have a key, by it; a key has no two."""
    voices = [voice for voice in cli.done("list", "--json").json() if voice["manifest_key"]]
    counts = Counter(voice["manifest_key"] for voice in voices)
    assert set(counts.values()) <= {1}, counts
    return {voice["manifest_key"]: voice for voice in voices}


def at_provider(cli: Cli) -> Counter[str | None]:
    """How often each prompt is at the provider."""
    return Counter(voice.prompt for voice in cli.sandbox.voices())
