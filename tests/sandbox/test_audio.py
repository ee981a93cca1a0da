"""Preview sounds, taken apart by readers that share nothing with what wrote them."""

from __future__ import annotations

import base64
import io
import struct
import wave
from array import array
from itertools import pairwise

import pytest

from voicereg.sandbox.audio import preview_audio

from .readers import mp3_frames, ogg_pages
from .wire import CREATES, Caller

RATES = (8000, 16000, 24000, 48000)
VOICE = "qwen-tts-vd-narrator-voice-20251201102800-a1b2"
OTHER = "qwen-tts-vd-narrator-voice-20251201102800-a1b3"


def _samples(data: bytes) -> array[int]:
    return array("h", struct.unpack(f"<{len(data) // 2}h", data))


def _upward_crossings(samples: array[int]) -> int:
    return sum(1 for a, b in pairwise(samples) if a < 0 <= b)


@pytest.mark.parametrize("rate", RATES)
def test_wav_is_a_soft_tone(rate: int) -> None:
    with wave.open(io.BytesIO(preview_audio(VOICE, rate, "wav"))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        assert sound.getframerate() == rate
        frames = sound.readframes(sound.getnframes())
        seconds = sound.getnframes() / rate

    assert 0.6 <= seconds <= 1.5
    samples = _samples(frames)
    assert samples[0] == samples[-1] == 0
    assert 4000 < max(samples) < 10000
    assert 130 < _upward_crossings(samples) / seconds < 430


@pytest.mark.parametrize("rate", RATES)
def test_pcm_is_the_samples_of_the_wav(rate: int) -> None:
    with wave.open(io.BytesIO(preview_audio(VOICE, rate, "wav"))) as sound:
        assert preview_audio(VOICE, rate, "pcm") == sound.readframes(sound.getnframes())


def test_each_voice_has_its_own_sound() -> None:
    assert preview_audio(VOICE, 24000, "pcm") == preview_audio(VOICE, 24000, "pcm")
    assert preview_audio(VOICE, 24000, "pcm") != preview_audio(OTHER, 24000, "pcm")


@pytest.mark.parametrize(
    ("rate", "version"), [(8000, "2.5"), (16000, "2"), (24000, "2"), (48000, "1")]
)
def test_mp3_is_frames_of_silence(rate: int, version: str) -> None:
    frames = mp3_frames(preview_audio(VOICE, rate, "mp3"))

    assert {(frame.version, frame.rate, frame.mono) for frame in frames} == {(version, rate, True)}
    seconds = sum(frame.samples for frame in frames) / rate
    assert 0.6 <= seconds <= 1.5 + 0.08
    assert all(len(frame.side_information) < frame.length - 4 for frame in frames)
    assert {frame.side_information.strip(b"\0") for frame in frames} == {b""}


@pytest.mark.parametrize("rate", RATES)
def test_opus_is_silence_in_ogg(rate: int) -> None:
    first, second, *sound = ogg_pages(preview_audio(VOICE, rate, "opus"))

    assert [page.sequence for page in (first, second, *sound)] == list(range(2 + len(sound)))
    assert len({page.serial for page in (first, second, *sound)}) == 1
    assert [page.flags for page in (first, second, *sound)] == [2, 0, *[0] * (len(sound) - 1), 4]
    (head,) = first.packets
    assert len(head) == 19
    magic, version, channels, pre_skip, original, gain, mapping = struct.unpack("<8sBBHIhB", head)
    assert (magic, version, channels, original) == (b"OpusHead", 1, 1, rate)
    assert (gain, mapping) == (0, 0)
    (tags,) = second.packets
    assert tags.startswith(b"OpusTags")
    (vendor,) = struct.unpack_from("<I", tags, 8)
    assert struct.unpack_from("<I", tags, 12 + vendor) == (0,)
    assert len(tags) == 16 + vendor
    packets = [packet for page in sound for packet in page.packets]
    # Code 0 (one frame), mono, and configuration 31: 20 ms, which is 960 samples at 48 kHz.
    assert {(packet[0] & 3, packet[0] >> 2 & 1, packet[0] >> 3) for packet in packets} == {
        (0, 0, 31)
    }
    played = sound[-1].granule - pre_skip
    assert 0.6 <= played / 48000 <= 1.5
    assert 0 <= len(packets) * 960 - sound[-1].granule < 960


@pytest.mark.parametrize(
    ("kind", "rate", "name", "beginning"),
    [
        ("cosyvoice design", 16000, "wav", b"RIFF"),
        ("cosyvoice design", 48000, "mp3", b"\xff\xfb"),
        ("qwen design", 24000, "mp3", b"\xff\xf3"),
        ("qwen design", 8000, "opus", b"OggS"),
        ("qwen design", 8000, "pcm", b"\0\0"),
    ],
)
def test_create_answers_the_sound_that_was_asked_for(
    caller: Caller, kind: str, rate: int, name: str, beginning: bytes
) -> None:
    output = caller.call(*CREATES[kind], {"sample_rate": rate, "response_format": name}).output

    preview = output["preview_audio"]
    assert (preview["sample_rate"], preview["response_format"]) == (rate, name)
    data = base64.b64decode(preview["data"], validate=True)
    assert data.startswith(beginning)
    assert data == preview_audio(output.get("voice") or output["voice_id"], rate, name)
