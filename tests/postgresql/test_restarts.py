"""A server that is restarted under load: whoever works with it hardly notices."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from itertools import cycle, islice

import pytest

from tests.engine.waiting import until
from tests.fakes import ANNOUNCER, NARRATOR
from tests.postgresql.servers import OwnServer, needs_pgbouncer, pgbouncer
from tests.uses.support import counted
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.housekeeping import run_round
from voicereg.sandbox import Sandbox

WAYS = [signal.SIGKILL, signal.SIGINT, signal.SIGQUIT]
"""Killed, shut down in order, shut down at once."""


@pytest.fixture
def url(server: OwnServer) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    yield server.create(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _open(url: str, sandbox: Sandbox) -> Registry:
    return Registry.open(
        url,
        settings=Settings(base_url=sandbox.base_url),
        environment={DEFAULT_KEY_VARIABLE: sandbox.api_key},
        source="load",
    )


class _Load:
    """Threads that work without a pause, each with a registry of its own."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}
        self.errors: list[BaseException] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, work: Callable[[], object]) -> None:
        self.done[name] = 0

        def go_on() -> None:
            while not self._over.is_set():
                try:
                    work()
                except BaseException as error:  # noqa: BLE001 - told by the test
                    self.errors.append(error)
                    return
                self.done[name] += 1

        self._threads.append(threading.Thread(target=go_on, name=name))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def go_on_for(self, turns: int) -> None:
        """Until each of them has done so much more, or one of them has failed."""
        before = dict(self.done)
        until(
            lambda: (
                bool(self.errors)
                or all(self.done[name] >= turns + so_far for name, so_far in before.items())
            )
        )

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def _restart_under_load(
    server: OwnServer, sandbox: Sandbox, url: str, through: str, *, restarts: int, turns: int
) -> dict[str, int]:
    load = _Load()
    with (
        _open(through, sandbox) as creating,
        _open(through, sandbox) as recording,
        _open(through, sandbox) as keeping,
    ):
        known = creating.design(**ANNOUNCER)
        assert known.voice_id is not None
        creating.aliases.set("voice", known.id)
        examples = cycle([NARRATOR, ANNOUNCER])

        def create() -> None:
            creating.delete(creating.design(**next(examples)).id)
            creating.design(**next(examples))

        def use() -> None:
            for _ in range(100):
                recording.record_use(known.voice_id or "")
            recording.flush()

        def keep() -> None:
            done = run_round(keeping, environment={})
            assert done.ok, done

        def look() -> None:
            assert keeping.aliases._resolve("voice", None, patient=True).voice == known.id
            assert keeping.quota("cosyvoice").used > 0
            keeping.voices(limit=5)

        for name, work in {"create": create, "use": use, "keep": keep, "look": look}.items():
            load.add(name, work)
        load.start()
        try:
            for how in islice(cycle(WAYS), restarts):
                load.go_on_for(turns)
                server.restart(how)
            load.go_on_for(turns)
        finally:
            load.end()
        assert load.errors == []
    with _open(url, sandbox) as registry:
        assert registry.sync().complete
        for family in ("cosyvoice", "qwen-tts"):
            quota = registry.quota(family)
            assert (quota.used, quota.unresolved, quota.creating, quota.unseen) == (
                len(sandbox.voices(family)),
                0,
                0,
                0,
            )
    assert sum(counted(url).values()) == 100 * load.done["use"]
    return load.done


def test_a_restart_under_load(server: OwnServer, sandbox: Sandbox, url: str) -> None:
    _restart_under_load(server, sandbox, url, url, restarts=3, turns=1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_many_restarts_under_load(server: OwnServer, sandbox: Sandbox, url: str) -> None:
    _restart_under_load(server, sandbox, url, url, restarts=60, turns=3)


@needs_pgbouncer
@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_restarts_behind_pgbouncer(server: OwnServer, sandbox: Sandbox, url: str) -> None:
    with pgbouncer(server.port) as bouncer:
        name = url.rpartition("/")[2]
        _restart_under_load(server, sandbox, url, bouncer.url(name), restarts=6, turns=2)
