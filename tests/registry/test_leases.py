"""Leases that are interrupted while they are taken or given back."""

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


@pytest.mark.parametrize("after", [False, True], ids=["before-it-is-gone", "when-it-is-gone"])
def test_a_signal_while_it_is_given_back_leaves_no_lease_behind(
    open_registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    registry = open_registry()
    lease = registry.leases.take(NAME, timedelta(minutes=1))
    drop, signals = store.drop, iter([KeyboardInterrupt])

    def interrupted(*given: Any) -> None:
        if after:
            drop(*given)
        for signal in signals:
            raise signal
        drop(*given)

    with monkeypatch.context() as patched:
        patched.setattr(store, "drop", interrupted)
        with pytest.raises(KeyboardInterrupt):
            registry.leases.release(lease)

    assert registry.leases.holder(NAME) is None
