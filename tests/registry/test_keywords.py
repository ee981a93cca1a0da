"""Keyword arguments that the registry passes on are checked like any function's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import NARRATOR
from voicereg import Registry


@pytest.mark.parametrize("method", ["design", "reserve", "check_design"])
def test_an_argument_that_there_is_not_is_refused(registry: Registry, method: str) -> None:
    asked: dict[str, Any] = {**NARRATOR, "pinned": True}  # it is called `pin`
    with pytest.raises(TypeError, match="'pinned'"):
        getattr(registry, method)(**asked)
    assert registry.voices(with_gone=True) == []
    assert registry.events() == []


@pytest.mark.parametrize("method", ["design", "reserve", "check_design"])
@pytest.mark.parametrize("missing", sorted(NARRATOR))
def test_an_argument_that_is_missing_is_named(
    registry: Registry, method: str, missing: str
) -> None:
    asked: dict[str, Any] = {**NARRATOR}
    del asked[missing]
    with pytest.raises(TypeError, match=f"missing keyword argument '{missing}'"):
        getattr(registry, method)(**asked)
    assert registry.voices(with_gone=True) == []


@pytest.mark.parametrize("method", ["voices", "iter_voices"])
def test_a_filter_that_there_is_not_is_refused(registry: Registry, method: str) -> None:
    with pytest.raises(TypeError, match="'state'"):
        getattr(registry, method)(state="active")  # it is called `states`
