"""A confirm and a sync that record the same voice in the same instant.

On SQLite there is one writer; PostgreSQL lets the one commit between the other's look and its word.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.registry.rows import COSYVOICE
from tests.registry.support import COSY
from tests.registry.syncs.support import actions, kinds, states, stock
from voicereg import ChangeKind, Registry, Slot, State, Sync, Voice
from voicereg.sandbox import Sandbox
from voicereg.sandbox.provider import SandboxVoice
from voicereg.store import voices

pytestmark = pytest.mark.parametrize("backend", ["postgresql"])


@pytest.fixture
def reserved(registry: Registry) -> Slot:
    """A create that is under way, of a voice that nothing in a listing tells of."""
    return registry.reserve(**COSY)


@pytest.fixture
def there(sandbox: Sandbox) -> SandboxVoice:
    (voice,) = stock(sandbox)
    return voice


def test_a_voice_that_is_confirmed_as_it_is_imported(
    registry: Registry,
    open_registry: OpenRegistry,
    monkeypatch: pytest.MonkeyPatch,
    reserved: Slot,
    there: SandboxVoice,
) -> None:
    insert = voices.insert
    confirmed: list[Voice] = []

    def late(*arguments: Any) -> None:
        if not confirmed:
            confirmed.append(reserved.confirm(there.voice_id))
        insert(*arguments)

    monkeypatch.setattr(voices, "insert", late)
    sync = open_registry().sync()
    assert confirmed
    assert (sync.complete, sync.changes) == (True, ())
    assert registry.voice(there.voice_id).id == reserved.voice.id
    assert registry.quota(COSYVOICE).used == 1


def test_a_voice_that_is_imported_as_it_is_confirmed(
    registry: Registry,
    open_registry: OpenRegistry,
    monkeypatch: pytest.MonkeyPatch,
    reserved: Slot,
    there: SandboxVoice,
) -> None:
    holder_of = voices.holder_of
    colleague = open_registry()
    synced: list[Sync] = []

    def stale(*arguments: Any) -> str | None:
        held = holder_of(*arguments)
        if not synced:
            synced.append(colleague.sync())
        return held

    monkeypatch.setattr(voices, "holder_of", stale)
    voice = reserved.confirm(there.voice_id)
    assert [kinds(sync) for sync in synced] == [[ChangeKind.IMPORTED]]
    assert (voice.id, voice.voice_id) == (reserved.voice.id, there.voice_id)
    assert states(registry) == {there.voice_id: State.PENDING, None: State.FAILED}
    assert registry.quota(COSYVOICE).used == 1
    assert actions(registry)[-2:] == ["voice.give-up-id", "voice.confirm"]
