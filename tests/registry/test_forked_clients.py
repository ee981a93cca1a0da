"""After a fork, a child speaks to the provider over connections of its own."""

from __future__ import annotations

import os

from tests.fakes import NARRATOR
from voicereg import Registry
from voicereg.sandbox import Sandbox


def test_a_child_and_its_parent_both_design(registry: Registry, sandbox: Sandbox) -> None:
    registry.design(**NARRATOR)  # the parent's connection is there, and kept alive
    child = os.fork()
    if child == 0:
        code = 1
        try:
            made = registry.design(**NARRATOR)
            code = 0 if made.voice_id else 1
        finally:
            os._exit(code)
    made = registry.design(**NARRATOR)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert made.voice_id is not None
    listed = {voice.voice_id for voice in registry.voices()}
    assert listed == {voice.voice_id for voice in sandbox.voices()}
    assert len(listed) == 3
