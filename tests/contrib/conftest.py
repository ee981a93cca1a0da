"""Registries that were lived with, and looked at as often as need be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.contrib.scenes import EMPTY, Expected, Played, Scene, begin, play
from tests.databases import SqliteTemplate
from tests.fakes import FakeClock
from tests.housekeeping.support import House
from voicereg.sandbox import Sandbox


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Lives through a scene, once for all tests. All begin as copies of the same registry."""
    template = SqliteTemplate(tmp_path_factory.mktemp("template"))
    directory, clock = tmp_path_factory.mktemp("begun"), FakeClock()
    known: dict[str, Scene] = {}
    with Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox:
        first = House(template.copy_to(directory / "voicereg.db"), clock, sandbox, directory)
        with first.opened:
            begin(first)
        begun_at, voices = clock.moment, {voice.voice_id for voice in sandbox.voices()}

        def scene(expected: Expected) -> Scene:
            if expected.name not in known:
                here = tmp_path_factory.mktemp(expected.name)
                template.copy_to(here / EMPTY)
                shutil.copy(directory / "voicereg.db", here)
                house = House(f"sqlite:///{here / 'voicereg.db'}", clock, sandbox, here)
                try:
                    with house.opened:
                        known[expected.name] = play(expected, house)
                finally:
                    clock.moment = begun_at
                    sandbox.clear_faults()
                    for voice in sandbox.voices():
                        if voice.voice_id not in voices:
                            sandbox.remove_voice(voice.voice_id)
            return known[expected.name]

        yield scene
