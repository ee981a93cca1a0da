"""What a sync tells of itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from voicereg import ChangeKind, Family, State, Sync, SyncChange
from voicereg.domain.syncs import SYNC_KEYS

BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OF_THE_DESIGN = {
    "account",
    "complete",
    "requests",
    "imported",
    "refreshed",
    "adopted",
    "released",
    "missing",
    "gone",
    "held_back",
    "unresolved",
    "changes",
}


def change(kind: ChangeKind, before: State | None, after: State) -> SyncChange:
    return SyncChange(
        kind=kind,
        family=Family.COSYVOICE,
        id="v-1",
        voice_id="cosyvoice-v3.5-plus-vd-a-1",
        before=before,
        after=after,
        why="it was listed",
    )


def sync(*changes: SyncChange, **changed: Any) -> Sync:
    values: dict[str, Any] = {
        "account": "studio",
        "families": (Family.COSYVOICE, Family.QWEN_TTS),
        "dry_run": False,
        "complete": True,
        "started_at": BEGAN,
        "finished_at": BEGAN,
        "requests": 3,
        "listed": 7,
        "held_back": 1,
        "unresolved": 2,
        "any_day": 4,
        "changes": changes,
        "problems": ("something",),
    }
    return Sync(**(values | changed))


def test_the_json_has_the_keys_of_the_design_and_those_that_are_said() -> None:
    shown = sync().as_dict()
    assert tuple(shown) == SYNC_KEYS
    assert shown.keys() >= OF_THE_DESIGN
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize("kind", [kind for kind in ChangeKind if kind is not ChangeKind.LAPSED])
def test_each_kind_of_change_is_counted_under_its_own_name(kind: ChangeKind) -> None:
    one = change(kind, State.ACTIVE, State.ACTIVE)
    shown = sync(one, one).as_dict()
    counted = {other.value: shown[other.value] for other in ChangeKind if other.value in shown}
    assert counted == {name: 2 if name == kind.value else 0 for name in counted}
    assert kind.value in counted
    assert sync(one, one).count(kind) == 2


def test_a_change_in_json() -> None:
    shown = change(ChangeKind.IMPORTED, None, State.ACTIVE).as_dict()
    assert shown == {
        "kind": "imported",
        "family": "cosyvoice",
        "id": "v-1",
        "voice_id": "cosyvoice-v3.5-plus-vd-a-1",
        "from": None,
        "to": "active",
        "why": "it was listed",
    }
    moved = change(ChangeKind.MISSING, State.ACTIVE, State.MISSING).as_dict()
    assert (moved["from"], moved["to"]) == ("active", "missing")
