"""What the other processes do; each function is the whole work of one of them."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import sqlalchemy as sa

from tests.engine.waiting import LONG
from tests.fakes import ANNOUNCER, NARRATOR
from voicereg import QuotaExceeded, Registry, Settings, State
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE

if TYPE_CHECKING:
    from voicereg.domain.designs import DesignRequest
    from voicereg.domain.remote import CreatedVoice
    from voicereg.provider.client import ProviderClient
    from voicereg.provider.endpoints import Endpoint


@dataclass(frozen=True)
class Place:
    """Where a process works."""

    database: str
    base_url: str
    key: str

    def open(self, **options: Any) -> Registry:
        """A registry with the machine's own clock, as any program has it."""
        return Registry.open(
            self.database,
            settings=Settings(base_url=self.base_url),
            environment={DEFAULT_KEY_VARIABLE: self.key},
            **options,
        )


def design_one(place: Place, together: Barrier, parent: Connection) -> None:
    """Wait for the others, and design a voice; tell what came of it."""
    with place.open() as registry:
        registry.quota("qwen-tts")
        together.wait(LONG)
        try:
            voice = registry.design(**NARRATOR)
        except QuotaExceeded as error:
            parent.send(("refused", "by the provider" if error.by_provider else "here"))
        except BaseException as error:  # noqa: BLE001 - told to the parent
            parent.send((type(error).__name__, str(error)))
        else:
            parent.send(("made", voice.voice_id))


def open_new(place: Place, together: Barrier, parent: Connection) -> None:
    """Wait for the others, open a registry that is not there yet, and work with it."""
    together.wait(LONG)
    try:
        with place.open() as registry, registry.reserve(**NARRATOR) as slot:
            slot.release()
            parent.send(("opened", slot.voice.id))
    except BaseException as error:  # noqa: BLE001 - told to the parent
        parent.send((type(error).__name__, str(error)))


def design_and_tell(place: Place, parent: Connection) -> None:
    """Design a voice; tell when the provider's answer is there, before it is recorded."""
    from voicereg.provider.client import ProviderClient

    class Telling(ProviderClient):
        def create(self, request: DesignRequest) -> CreatedVoice:
            created = super().create(request)
            parent.send(("answered", created.voice_id))
            return created

    def make(where: Endpoint, key: str) -> ProviderClient:
        return Telling(where, key)

    with place.open(client_factory=make) as registry:
        registry.design(**NARRATOR, tags={"team": "news"})
    parent.send(("recorded", ""))


def reserve_without_commit(place: Place, parent: Connection) -> None:
    """Stop inside the transaction that records a voice, when all of it is written."""
    from voicereg.store import events, voices

    log = events.append

    def log_and_stop(connection: sa.Connection, **options: Any) -> None:
        log(connection, **options)
        recorded = connection.execute(voices.SELECT).all()
        parent.send(("inside", str(len(recorded))))
        threading.Event().wait()

    with place.open() as registry, patch.object(events, "append", log_and_stop):
        registry.reserve(**NARRATOR)


def create_and_delete(place: Place, seed: int, dies_after: int | None, parent: Connection) -> None:
    """Create and delete voices, tell of each, and go on until the end.

    Args:
        place: where to work.
        seed: decides what is done.
        dies_after: as many calls of functions later the process kills itself; None: it is killed.
        parent: is told.
    """
    random = Random(seed)
    with place.open() as registry:
        known = [voice.id for voice in registry.voices(states=[State.ACTIVE, State.PENDING])]
        parent.send(("begun", ""))
        if dies_after is not None:
            sys.setprofile(_Death(dies_after))
        while True:
            if known and random.random() < 0.4:
                voice = known.pop(random.randrange(len(known)))
                registry.delete(voice)
                parent.send(("deleted", voice))
                continue
            try:
                made = registry.design(**random.choice([NARRATOR, ANNOUNCER]))
            except QuotaExceeded:
                continue  # there is something to delete
            known.append(made.id)
            parent.send(("made", made.id))


class _Death:
    """Ends the process, as by ``kill -9``, when it has called so many functions."""

    def __init__(self, calls: int) -> None:
        self._left = itertools.count(calls, -1)

    def __call__(self, *event: object) -> None:
        if next(self._left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
