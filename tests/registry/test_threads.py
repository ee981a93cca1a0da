"""Many at once: the limit holds, and nobody is told anything but yes or that it is full."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import OpenRegistry
from tests.databases import PostgresServer
from tests.registry.rows import COSYVOICE, QWEN, counts, insert_voices
from tests.registry.support import COSY, FakeProvider, add_account, edit_account, made
from tests.registry.support import QWEN as NARRATED
from voicereg import Family, QuotaExceeded, Registry, Settings, State
from voicereg.domain.designs import DesignRequest
from voicereg.domain.remote import CreatedVoice
from voicereg.sandbox import Sandbox

THREADS = 16


def at_once(count: int, work: Callable[[int], object]) -> Counter[str]:
    """Run ``work`` in so many threads that begin together, and count how they ended."""
    ready = threading.Barrier(count)

    def run(number: int) -> str:
        ready.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(run, range(count)))


def test_sixteen_reserve_at_990_of_1000(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 990)
    ended = at_once(THREADS, lambda number: registry.reserve(**COSY))
    assert ended == {"done": 10, "QuotaExceeded": 6}
    assert registry.quota(COSYVOICE).used == 1000
    assert counts(database_url) == (1000, 10, 0)


def test_sixteen_registries_of_two_accounts_in_one_group(
    open_registry: OpenRegistry, database_url: str
) -> None:
    """Each as another program would: a pool of its own, on the same database."""
    add_account(open_registry(), "studio", quota_group="default")
    insert_voices(database_url, 990)
    registries = [
        open_registry(account="studio" if number % 2 else "default") for number in range(THREADS)
    ]
    ended = at_once(THREADS, lambda number: registries[number].reserve(**COSY))
    assert ended == {"done": 10, "QuotaExceeded": 6}
    assert registries[0].quota(COSYVOICE).used == 1000


def test_designs_at_once_end_like_one_after_the_other(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    insert_voices(database_url, 997, family=QWEN)
    ended = at_once(8, lambda number: registry.design(**NARRATED))
    assert ended == {"done": 3, "QuotaExceeded": 5}
    assert len(sandbox.voices()) == 3
    assert len(registry.voices(states=[State.ACTIVE], search="narrator")) == 3


def test_the_families_do_not_wait_for_each_others_slots(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 996)
    insert_voices(database_url, 996, family=QWEN)
    ended = at_once(THREADS, lambda number: registry.reserve(**(NARRATED if number % 2 else COSY)))
    assert ended == {"done": 8, "QuotaExceeded": 8}


def test_confirms_and_releases_at_once(registry: Registry) -> None:
    slots = [registry.reserve(**NARRATED) for _ in range(THREADS)]

    def settle(number: int) -> object:
        slot = slots[number]
        return slot.confirm(f"qwen-{number}") if number % 2 else slot.release()

    assert at_once(THREADS, settle) == {"done": THREADS}
    assert registry.quota(QWEN).used == THREADS // 2


def test_one_slot_confirmed_by_all_is_confirmed_once(registry: Registry) -> None:
    slot = registry.reserve(**NARRATED)
    assert at_once(8, lambda number: slot.confirm("qwen-made")) == {"done": 8}
    assert [event.action for event in registry.events()] == ["voice.confirm", "voice.create"]


def test_one_id_for_many_slots_goes_to_one(registry: Registry) -> None:
    """However they race, the losers are told what is the matter."""
    slots = [registry.reserve(**NARRATED) for _ in range(8)]
    ended = at_once(8, lambda number: slots[number].confirm("qwen-made"))
    assert ended == {"done": 1, "StateConflict": 7}
    assert registry.voice("qwen-made").state is State.ACTIVE


def test_one_voice_deleted_by_all_is_deleted_once(
    open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    registry = open_registry()
    voice = registry.design(**NARRATED)
    assert at_once(8, lambda number: registry.delete(voice.id)) == {"done": 8}
    assert sandbox.voices() == ()
    assert registry.voice(voice.id).state is State.DELETED
    actions = Counter(event.action for event in registry.events(voice=voice.id))
    assert actions["voice.delete"] == 1


def test_edits_of_the_same_voices_in_any_order_do_not_block_each_other(
    registry: Registry, database_url: str
) -> None:
    ids = insert_voices(database_url, 6)

    def edit(number: int) -> object:
        return registry.edit(*(ids if number % 2 else ids[::-1]), tags={f"by{number}": "x"})

    assert at_once(8, edit) == {"done": 8}
    for voice in registry.voices():
        assert set(voice.tags) == {f"by{number}" for number in range(8)}


def test_one_client_serves_all_threads(open_registry: OpenRegistry) -> None:
    clients: list[FakeProvider] = []
    numbers = iter(range(1000))
    lock = threading.Lock()

    def next_voice(asked: DesignRequest) -> CreatedVoice:
        with lock:
            return made(f"qwen-{next(numbers)}")

    def factory(endpoint: object, key: str) -> FakeProvider:
        clients.append(FakeProvider(create=next_voice))
        return clients[-1]

    registry = open_registry(client_factory=factory)
    assert at_once(8, lambda number: registry.design(**NARRATED)) == {"done": 8}
    assert len(clients) == 1
    registry.close()
    assert clients[0].closed


def test_a_full_registry_says_so_to_all(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 1000)
    before = counts(database_url)
    ended = at_once(THREADS, lambda number: registry.reserve(**COSY))
    assert ended == {QuotaExceeded.__name__: THREADS}
    assert counts(database_url) == before


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_the_server_s_own_isolation_is_of_no_account(
    postgresql: PostgresServer, isolation: str
) -> None:
    """A count under a lock must see what was there when the lock was had."""
    url = postgresql.create(migrated=True)
    name = make_url(url).database
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'")
    with Registry.open(url, settings=Settings()) as registry:
        edit_account(registry, "default", limits={Family.QWEN_TTS: 3})
        done = at_once(8, lambda number: registry.reserve(**NARRATED))
        assert done == {"done": 3, "QuotaExceeded": 5}
        assert registry.quota("qwen-tts").used == 3
    postgresql.drop(url)
