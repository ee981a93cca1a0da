"""Designs that are right as they stand, to be changed in one place by each test."""

from __future__ import annotations

from typing import Any

import pytest

from voicereg import DesignRequest, InvalidInput
from voicereg.domain.designs import design_request
from voicereg.domain.errors import Problem

COSY = "cosyvoice-v3.5-plus"
QWEN = "qwen3-tts-vd-2026-01-26"


def ask(model: str = COSY, **changes: Any) -> DesignRequest:
    """Ask for a voice that breaks no rule but for ``changes``."""
    asked: dict[str, Any] = {
        "target_model": model,
        "prompt": "A calm voice",
        "preview_text": "Good evening",
        "name": "calm",
    }
    return design_request(**(asked | changes))


def refusals(model: str = COSY, **changes: Any) -> tuple[Problem, ...]:
    """The problems that asking like that comes to."""
    with pytest.raises(InvalidInput) as caught:
        ask(model, **changes)
    return caught.value.problems


def refusal(model: str = COSY, **changes: Any) -> Problem:
    """The one problem that asking like that comes to."""
    problems = refusals(model, **changes)
    assert len(problems) == 1, problems
    return problems[0]
