"""Leases that are interrupted while they are taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from voicereg.store import leases as store

NAME = "round of housekeeping"


@pytest.mark.parametrize("after", [False, True], ids=["before-it-is-there", "when-it-is-there"])
def test_a_signal_leaves_no_lease_behind(
    open_registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    registry = open_registry()
    put = store.put

    def interrupted(*given: Any) -> bool:
        if after:
            put(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            registry.leases.take(NAME, timedelta(minutes=1))

    assert registry.leases.holder(NAME) is None


def test_a_signal_after_the_commit_leaves_no_lease_behind(
    open_registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_registry()
    take = registry.leases._take

    def interrupted(*given: Any) -> None:
        take(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(registry.leases, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        registry.leases.take(NAME, timedelta(minutes=1))

    assert registry.leases.holder(NAME) is None


def test_a_signal_gives_away_no_lease_of_others(
    open_registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, other = open_registry(), open_registry()
    held = other.leases.take(NAME, timedelta(minutes=1))

    def interrupted(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry.leases, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        registry.leases.take(NAME, timedelta(minutes=1))

    other.leases.renew(held, timedelta(minutes=1))
