"""A voice says a text: there is a file or none, one use is noted, and a lost voice is seen."""

from __future__ import annotations

import io
import os
import stat
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import ANNOUNCER, NARRATOR, FakeClock
from tests.registry.support import closed_port
from voicereg import (
    AnswerUnreadable,
    ConnectionLost,
    InvalidInput,
    NotConnected,
    ProviderFault,
    ProviderProblem,
    RateLimited,
    Registry,
    Settings,
    State,
    StateConflict,
    Voice,
    VoiceGone,
    VoiceNotFound,
)
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox

TEXT = "Good evening. 晚上好！"
MODELS = {
    "link": NARRATOR["target_model"],
    "inference": ANNOUNCER["target_model"],
    "realtime": "qwen3-tts-vd-realtime-2026-01-15",
}
each_way = pytest.mark.parametrize("way", list(MODELS))


def designed(registry: Registry, way: str) -> Voice:
    example = ANNOUNCER if way == "inference" else NARRATOR
    return registry.design(**(example | {"target_model": MODELS[way]}))


def total(registry: Registry, voice: Voice) -> int:
    registry.flush()
    return sum(day.uses for day in registry.daily_uses(voice.id))


def spoken_models(sandbox: Sandbox) -> list[str]:
    """The models that were asked to speak, by whatever way."""
    models = []
    for request in sandbox.requests:
        if request.path.endswith("customization"):
            continue
        if "?model=" in request.path and request.method == "GET":
            models.append(request.path.partition("?model=")[2])
        elif request.model is not None:
            models.append(request.model)
    return models


@each_way
def test_a_file_and_a_use(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, tmp_path: Path, way: str
) -> None:
    voice = designed(registry, way)
    clock.advance(timedelta(days=30))
    file = tmp_path / "one.wav"

    found, spoken = registry.synthesize(voice.id, TEXT, file, source="tests")

    assert found.id == voice.id
    assert spoken.request_id
    assert spoken.first_audio_after >= timedelta(0)
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24000, 1, 2)
        frames = sound.readframes(sound.getnframes())
    assert len(frames) == 2 * sound.getnframes() == file.stat().st_size - 44 > 24000
    assert [path.name for path in tmp_path.iterdir() if "voicereg" not in path.name] == ["one.wav"]
    assert not list(tmp_path.glob(".voicereg-*"))
    assert spoken_models(sandbox) == [voice.target_model]
    assert total(registry, voice) == 1
    seen = registry.voice(voice.id)
    assert seen.last_used_at == clock.now()
    assert seen.last_used_source == "tests"
    assert seen.deadline_at == clock.now() + timedelta(days=365)
    assert seen.deadline_basis == "used"


@each_way
def test_a_stream(registry: Registry, way: str) -> None:
    voice = designed(registry, way)

    class Pipe(io.RawIOBase):
        """What cannot be sought in."""

        def __init__(self) -> None:
            self.content = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.content += data
            return len(data)

    pipe: Any = Pipe()
    registry.synthesize(voice.id, TEXT, pipe)

    content = bytes(pipe.content)
    assert content[:4] == b"RIFF"
    assert content[8:16] == b"WAVEfmt "
    if way == "realtime":  # as long as the stream: nobody knew when it began
        assert content[4:8] == content[40:44] == b"\xff\xff\xff\xff"
        assert content.count(b"RIFF") == 1
    assert total(registry, voice) == 1


def test_a_stream_in_which_something_is_already(registry: Registry) -> None:
    voice = designed(registry, "realtime")
    stream = io.BytesIO()
    stream.write(b"before")

    registry.synthesize(voice.id, TEXT, stream)

    assert stream.getvalue().startswith(b"beforeRIFF")


@pytest.mark.parametrize(
    ("way", "formats"),
    [
        ("link", ["wav"]),
        ("inference", ["wav", "mp3", "pcm", "opus"]),
        ("realtime", ["wav", "pcm"]),
    ],
)
def test_formats(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, way: str, formats: list[str]
) -> None:
    voice = designed(registry, way)
    file = tmp_path / "audio"
    for offered in formats:
        _, spoken = registry.synthesize(voice.id, TEXT, file, response_format=offered)
        assert spoken.file_format == offered
        beginning = {"wav": b"RIFF", "mp3": b"\xff", "opus": b"OggS", "pcm": b""}[offered]
        assert file.read_bytes().startswith(beginning)
    before = len(sandbox.requests)
    for other in sorted({"wav", "mp3", "pcm", "opus", "flac", ""} - set(formats)):
        with pytest.raises(InvalidInput, match="offers"):
            registry.synthesize(voice.id, TEXT, file, response_format=other)
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("way", "rate", "accepted"),
    [
        ("link", 24000, True),
        ("link", 16000, False),  # its requests have no place for one
        ("inference", 48000, True),
        ("inference", 7999, False),
        ("inference", 48001, False),
    ],
)
def test_sample_rates(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, way: str, rate: int, accepted: bool
) -> None:
    voice = designed(registry, way)
    file = tmp_path / "one.wav"
    before = len(sandbox.requests)
    if not accepted:
        with pytest.raises(InvalidInput, match="sample-rate"):
            registry.synthesize(voice.id, TEXT, file, sample_rate=rate)
        assert len(sandbox.requests) == before
        return
    _, spoken = registry.synthesize(voice.id, TEXT, file, sample_rate=rate)
    with wave.open(str(file)) as sound:
        assert sound.getframerate() == spoken.sample_rate == rate


@each_way
@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001, "\ud800"])
def test_texts_that_are_none(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, way: str, text: str
) -> None:
    voice = designed(registry, way)
    before = len(sandbox.requests)
    with pytest.raises(InvalidInput, match="text"):
        registry.synthesize(voice.id, text, tmp_path / "one.wav")
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("source", ["", "a\nb", "x" * 101])
def test_an_odd_source_is_refused_before_anything_is_asked(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, source: str
) -> None:
    voice = designed(registry, "link")
    before = len(sandbox.requests)
    with pytest.raises(InvalidInput, match="source"):
        registry.synthesize(voice.id, TEXT, tmp_path / "one.wav", source=source)
    assert len(sandbox.requests) == before
    assert not (tmp_path / "one.wav").exists()


# --- voices that cannot speak -----------------------------------------------------------------


def test_a_pending_voice_is_refused(
    open_registry: OpenRegistry, clock: FakeClock, tmp_path: Path
) -> None:
    with Sandbox.start(review_time=timedelta(days=1)) as slow:
        registry = open_registry(
            settings=Settings(base_url=slow.base_url),
            environment={DEFAULT_KEY_VARIABLE: slow.api_key},
        )
        voice = registry.design(**ANNOUNCER, wait=timedelta(0))
        assert voice.state is State.PENDING
        before = len(slow.requests)
        with pytest.raises(StateConflict) as caught:
            registry.synthesize(voice.id, TEXT, tmp_path / "one.wav")
        assert len(slow.requests) == before
        registry.close()
    assert "--refresh" in str(caught.value.advice)


def test_gone_and_unmade_voices_are_refused(
    registry: Registry, sandbox: Sandbox, tmp_path: Path
) -> None:
    gone = designed(registry, "link")
    registry.delete(gone.id)
    with pytest.raises(RuntimeError), registry.reserve(**NARRATOR) as slot:
        raise RuntimeError
    unmade = slot.voice.id
    before = len(sandbox.requests)
    for reference in (gone.id, unmade):
        with pytest.raises(StateConflict, match="cannot be used"):
            registry.synthesize(reference, TEXT, tmp_path / "one.wav")
    with pytest.raises(VoiceNotFound):
        registry.synthesize("nobody", TEXT, tmp_path / "one.wav")
    assert len(sandbox.requests) == before
    assert not (tmp_path / "one.wav").exists()


@each_way
def test_a_voice_that_the_provider_knows_no_more(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, way: str
) -> None:
    voice = designed(registry, way)
    sandbox.remove_voice(str(voice.voice_id))
    file = tmp_path / "one.wav"
    file.write_bytes(b"earlier")

    for _ in range(2):
        with pytest.raises(VoiceGone) as caught:
            registry.synthesize(voice.id, TEXT, file)
        assert "missing" in str(caught.value.advice)

    assert registry.voice(voice.id).state is State.MISSING
    assert file.read_bytes() == b"earlier"
    assert total(registry, voice) == 0
    actions = [event.action for event in registry.events()]
    assert actions.count("voice.missing") == 1


# --- faults -----------------------------------------------------------------------------------

FAULTS: list[tuple[str, bool, type[ProviderProblem]]] = [
    ("500", False, ProviderFault),
    ("html", False, AnswerUnreadable),
    ("error-200", False, ProviderFault),
    ("429", True, RateLimited),
    ("reset", True, ConnectionLost),
    ("html", True, AnswerUnreadable),
]


@each_way
@pytest.mark.parametrize(("kind", "after", "error"), FAULTS)
def test_a_fault_leaves_nothing_behind(
    registry: Registry,
    sandbox: Sandbox,
    tmp_path: Path,
    way: str,
    kind: str,
    after: bool,
    error: type[ProviderProblem],
) -> None:
    voice = designed(registry, way)
    earlier, new = tmp_path / "earlier.wav", tmp_path / "new.wav"
    earlier.write_bytes(b"earlier")
    before = sorted(tmp_path.iterdir())
    for file in (earlier, new):
        sandbox.clear_faults()
        sandbox.misbehave("synthesize", kind, after=after, times=None)
        with pytest.raises(ProviderProblem) as caught:
            registry.synthesize(voice.id, TEXT, file)
        assert type(caught.value) is error

    assert {path for path in sorted(tmp_path.iterdir()) if "voicereg.db" not in path.name} == {
        path for path in before if "voicereg.db" not in path.name
    }
    assert earlier.read_bytes() == b"earlier"
    assert total(registry, voice) == 0
    assert registry.voice(voice.id).state is State.ACTIVE


@each_way
def test_nobody_listens(
    registry: Registry, open_registry: OpenRegistry, tmp_path: Path, way: str
) -> None:
    voice = designed(registry, way)
    other = open_registry(settings=Settings(base_url=closed_port()))
    with pytest.raises(NotConnected):
        other.synthesize(voice.id, TEXT, tmp_path / "one.wav")
    assert total(registry, voice) == 0


@each_way
def test_too_fast_is_tried_again_and_counts_once(
    registry: Registry, sandbox: Sandbox, clock: FakeClock, tmp_path: Path, way: str
) -> None:
    voice = designed(registry, way)
    clock.slept.clear()
    sandbox.misbehave("synthesize", "429-retry-after", times=2)
    registry.synthesize(voice.id, TEXT, tmp_path / "one.wav")
    assert clock.slept == [timedelta(seconds=2)] * 2
    assert total(registry, voice) == 1


def test_an_interrupt_leaves_nothing_behind(registry: Registry, tmp_path: Path) -> None:
    voice = designed(registry, "inference")

    class Interrupted(io.BytesIO):
        def write(self, data: Any) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registry.synthesize(voice.id, TEXT, Interrupted())
    assert total(registry, voice) == 0
    registry.synthesize(voice.id, TEXT, tmp_path / "one.wav")
    assert total(registry, voice) == 1


# --- files ------------------------------------------------------------------------------------


def _missing_directory(tmp_path: Path) -> Path:
    return tmp_path / "none" / "one.wav"


def _directory(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


@pytest.mark.parametrize("place", [_missing_directory, _directory])
def test_places_where_no_file_can_be(
    registry: Registry, sandbox: Sandbox, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    voice = designed(registry, "link")
    before = len(sandbox.requests)
    with pytest.raises(InvalidInput, match="file"):
        registry.synthesize(voice.id, TEXT, place(tmp_path))
    assert len(sandbox.requests) == before
    assert not list(tmp_path.glob(".voicereg-*"))


def test_a_link_stays_one(registry: Registry, tmp_path: Path) -> None:
    voice = designed(registry, "link")
    (tmp_path / "real").mkdir()
    link = tmp_path / "one.wav"
    link.symlink_to(tmp_path / "real" / "two.wav")
    registry.synthesize(voice.id, TEXT, link)
    assert link.is_symlink()
    assert (tmp_path / "real" / "two.wav").read_bytes().startswith(b"RIFF")


def test_what_is_no_file_is_written_to_and_stays(registry: Registry, tmp_path: Path) -> None:
    """Pipes and devices. A pipe of the test's own: a mistake must not replace a real device."""
    voice = designed(registry, "realtime")
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(pipe.read_bytes)
        registry.synthesize(voice.id, TEXT, pipe)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert heard.result(30).startswith(b"RIFF")

    assert not list(tmp_path.glob(".voicereg-*"))
    assert total(registry, voice) == 1


# --- several at once --------------------------------------------------------------------------


@each_way
def test_threads(registry: Registry, tmp_path: Path, way: str) -> None:
    voice = designed(registry, way)
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda number: registry.synthesize(voice.id, TEXT, tmp_path / f"{number}.wav"),
                range(8),
            )
        )
    assert len({(tmp_path / f"{number}.wav").read_bytes() for number in range(8)}) == 1
    assert total(registry, voice) == 8


def test_an_alias_speaks(registry: Registry, tmp_path: Path) -> None:
    voice = designed(registry, "link")
    registry.aliases.set("narrator", voice.id)
    found, _ = registry.synthesize("narrator", TEXT, tmp_path / "one.wav")
    assert found.id == voice.id
    assert total(registry, voice) == 1
