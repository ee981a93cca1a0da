"""The sound of speech, and the sentences that it is made of."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from voicereg.sandbox import Sandbox
from voicereg.sandbox.manner import SAMPLE_RATES, Manner
from voicereg.sandbox.sentences import billed_characters, complete_sentences
from voicereg.sandbox.speaking import Speaker, pieces, speech_file

from .readers import mp3_frames, ogg_pages

VOICE = "qwen-tts-vd-narrator-voice-20251201102800-a1b2"
OTHER = "qwen-tts-vd-narrator-voice-20251201102800-a1b3"

PROGRAM = """
import sys
from voicereg.sandbox import Sandbox
with Sandbox.start() as sandbox:
    print("websockets" in sys.modules)
"""


def test_another_text_and_another_voice_sound_otherwise() -> None:
    manner = Manner("pcm", 24000)
    sound = speech_file(VOICE, "Good evening.", manner)

    assert sound == speech_file(VOICE, "Good evening.", manner)
    assert sound != speech_file(OTHER, "Good evening.", manner)
    assert sound != speech_file(VOICE, "Good morning.", manner)
    assert len(sound) == len("Good evening.") * 2 * 1200
    assert len(speech_file(VOICE, "晚上好", manner)) == 6 * 2 * 1200


def test_two_texts_in_turn_sound_like_both() -> None:
    speaker = Speaker(VOICE, Manner("pcm", 24000))

    assert speaker.say("Good ") + speaker.say("evening.") == speaker.say("Good evening.")


@pytest.mark.parametrize("rate", SAMPLE_RATES)
def test_all_rates_in_all_formats(rate: int) -> None:
    text = "A sentence that is long enough for more than one page of an Ogg file. " * 3
    sound = speech_file(VOICE, text, Manner("pcm", rate))
    seconds = len(sound) / 2 / rate

    frames = mp3_frames(speech_file(VOICE, text, Manner("mp3", rate)))
    assert {frame.rate for frame in frames} == {rate}
    assert 0 <= sum(frame.samples for frame in frames) / rate - seconds < 1152 / rate
    *pages, last = ogg_pages(speech_file(VOICE, text, Manner("opus", rate)))
    assert len(pages) > 10
    assert abs((last.granule - 312) / 48000 - seconds) < 0.001
    done = 0
    for page in (*pages[2:], last):
        done += len(page.packets)
        assert page.granule == done * 960 or page is last
    assert 0 <= done * 960 - last.granule < 960
    assert speech_file(VOICE, text, Manner("wav", rate))[44:] == sound


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 48_000, 1_000_000])
def test_pieces(length: int) -> None:
    audio = bytes(length)
    cut = list(pieces(audio))

    assert b"".join(cut) == audio
    assert all(0 < len(piece) <= 16 * 1024 for piece in cut)
    assert all(len(piece) % 2 == 0 for piece in cut[:-1])
    assert len(cut) >= 3 or length < 12


@pytest.mark.parametrize(
    ("text", "sentences", "rest"),
    [
        ("", [], ""),
        ("Good evening", [], "Good evening"),
        ("Good evening.", ["Good evening."], ""),
        ("It is 3.14 or so. And", ["It is 3.14 or so."], " And"),
        ("What?! No.", ["What?!", " No."], ""),
        ("早上好。晚上好！再", ["早上好。", "晚上好！"], "再"),
        ("\n\nA\nB", ["\n\nA\n"], "B"),
        (" . . ", [" .", " ."], " "),
    ],
)
def test_sentences(text: str, sentences: list[str], rest: str) -> None:
    assert complete_sentences(text) == (sentences, rest)


def test_billed_characters() -> None:
    assert billed_characters("中A文123") == 8
    assert billed_characters("中 文。") == 6


def test_a_sandbox_that_nobody_speaks_with_starts_without_websockets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=30,
    )

    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_client_that_cannot_wait_for_the_handshake(sandbox: Sandbox) -> None:
    message = b'{"header": {"action": "sing", "task_id": "t1", "streaming": "duplex"}}'
    address = httpx.URL(sandbox.base_url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as connection:
        connection.sendall(
            b"GET /api-ws/v1/inference HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Authorization: Bearer %b\r\n\r\n"
            % sandbox.api_key.encode()
            # One masked text frame, with a mask that changes nothing.
            + bytes([0x81, 0x80 | len(message)])
            + bytes(4)
            + message
        )
        received = b""
        while b"task-failed" not in received:
            data = connection.recv(65536)
            assert data
            received += data

    assert received.startswith(b"HTTP/1.1 101 ")
    assert b"is not an action" in received
