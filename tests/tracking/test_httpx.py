"""A hook of an httpx client notes what speaks, and nothing else, and is in nobody's way."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.tracking.support import (
    COSY_MODEL,
    EVENT_STREAM,
    GENERATION,
    QWEN_MODEL,
    REFUSED,
    SYNTHESIZER,
    Pieces,
    asking,
    cosy,
    event,
    piece,
    qwen,
    spoken,
    uses,
)
from voicereg import InvalidInput, Registry, Voice
from voicereg.sandbox import Sandbox
from voicereg.tracking import track_httpx

Serve = Callable[..., httpx.Client]


@pytest.fixture
def http(registry: Registry, sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=sandbox.base_url,
        headers={"Authorization": f"Bearer {sandbox.api_key}"},
        trust_env=False,
        event_hooks=track_httpx(registry, source="tests"),
    ) as client:
        yield client


@pytest.fixture
def voice(registry: Registry) -> Voice:
    return qwen(registry)


@pytest.fixture
def serve(registry: Registry) -> Iterator[Serve]:
    """Makes clients whose network is a function, and which are watched."""
    made: list[httpx.Client] = []

    def client(respond: Callable[[httpx.Request], httpx.Response], **more: Any) -> httpx.Client:
        made.append(
            httpx.Client(
                base_url="https://somewhere.example/other/api/v1",
                transport=httpx.MockTransport(respond),
                event_hooks=track_httpx(registry),
                **more,
            )
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def answering(response: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: response


def total(registry: Registry, voice: Voice) -> int:
    return uses(registry, voice).total()


# --- with the sandbox -------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "path"), [(qwen, GENERATION), (cosy, SYNTHESIZER)])
def test_a_use_of_each_way_to_speak(
    registry: Registry,
    http: httpx.Client,
    make: Callable[[Registry], Voice],
    path: str,
) -> None:
    voice = make(registry)

    answer = http.post(path, json=asking(voice.voice_id, str(voice.target_model)))

    assert answer.json()["output"]["audio"]["url"]
    assert uses(registry, voice) == {"tests": 1}
    seen = registry.voice(voice.id)
    assert (seen.last_used_source, seen.deadline_basis) == ("tests", "used")


def test_several_voices(registry: Registry, http: httpx.Client) -> None:
    voices = [qwen(registry) for _ in range(3)]

    for number, voice in enumerate(voices, 1):
        for _ in range(number):
            http.post(GENERATION, json=asking(voice.voice_id))

    assert [total(registry, voice) for voice in voices] == [1, 2, 3]


@pytest.mark.parametrize(
    "kind", ["500", "503", "429", "error-200", "html", "cut-json", "missing-field", "wrong-type"]
)
def test_what_failed_is_no_use(
    registry: Registry, sandbox: Sandbox, http: httpx.Client, voice: Voice, kind: str
) -> None:
    sandbox.misbehave("synthesize", kind)

    http.post(GENERATION, json=asking(voice.voice_id))

    assert total(registry, voice) == 0
    http.post(GENERATION, json=asking(voice.voice_id))
    assert total(registry, voice) == 1


def test_a_connection_that_breaks_is_no_use(
    registry: Registry, sandbox: Sandbox, http: httpx.Client, voice: Voice
) -> None:
    sandbox.misbehave("synthesize", "reset", after=True)

    with pytest.raises(httpx.ReadError):
        http.post(GENERATION, json=asking(voice.voice_id))

    assert total(registry, voice) == 0


def test_a_stream_of_events(registry: Registry, http: httpx.Client, voice: Voice) -> None:
    headers = {"X-DashScope-SSE": "enable"}

    with http.stream("POST", GENERATION, json=asking(voice.voice_id), headers=headers) as answer:
        lines = list(answer.iter_lines())

    assert sum(line.startswith("data:") for line in lines) > 3
    assert total(registry, voice) == 1


def test_a_stream_of_events_that_is_refused(
    registry: Registry, http: httpx.Client, voice: Voice
) -> None:
    other = {"X-DashScope-SSE": "enable"}
    body = asking(voice.voice_id, "qwen3-tts-vc-2026-01-22")

    with http.stream("POST", GENERATION, json=body, headers=other) as answer:
        assert "VoiceModelMismatch" in answer.read().decode()

    assert total(registry, voice) == 0


def test_other_requests(registry: Registry, http: httpx.Client, voice: Voice) -> None:
    listing = {"model": "qwen-voice-design", "input": {"action": "list", "voice": voice.voice_id}}
    assert http.post("/services/audio/tts/customization", json=listing).status_code == 200
    http.get(GENERATION)
    http.post(GENERATION, content=b"{no json")
    http.post(GENERATION, json=[voice.voice_id])
    http.post(GENERATION, json={"model": QWEN_MODEL, "input": [voice.voice_id]})

    assert total(registry, voice) == 0


def test_many_threads(registry: Registry, http: httpx.Client) -> None:
    voices = [qwen(registry), cosy(registry)]
    paths = {voices[0].id: (GENERATION, QWEN_MODEL), voices[1].id: (SYNTHESIZER, COSY_MODEL)}

    def speak(number: int) -> int:
        voice = voices[number % 2]
        path, model = paths[voice.id]
        return http.post(path, json=asking(voice.voice_id, model)).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(speak, range(64))) == {200}

    assert [total(registry, voice) for voice in voices] == [32, 32]


def test_a_client_that_was_there_before(registry: Registry, sandbox: Sandbox, voice: Voice) -> None:
    seen: list[int] = []
    with httpx.Client(
        base_url=sandbox.base_url,
        headers={"Authorization": f"Bearer {sandbox.api_key}"},
        trust_env=False,
        event_hooks={"response": [lambda response: seen.append(response.status_code)]},
    ) as client:
        client.event_hooks["response"] += track_httpx(registry)["response"]
        client.post(GENERATION, json=asking(voice.voice_id))

    assert seen == [200]
    assert total(registry, voice) == 1


def test_the_new_client_of_the_official_sdk(
    registry: Registry, sandbox: Sandbox, voice: Voice, sdk: None
) -> None:
    import dashscope

    with (
        httpx.Client(
            base_url=sandbox.base_url,
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            trust_env=False,
            event_hooks=track_httpx(registry),
        ) as http,
        dashscope.Client(
            api_key=sandbox.api_key, base_url=sandbox.base_url, http_client=http
        ) as client,
    ):
        with pytest.warns(FutureWarning, match="preview"):
            tts = client.audio.tts
        made = tts.http.synthesize("Good evening.", model=QWEN_MODEL, voice=voice.voice_id)
        assert made.audio_url
        stream = tts.http.stream("Good evening.", model=QWEN_MODEL, voice=voice.voice_id)
        assert len(list(stream)) > 2

    assert total(registry, voice) == 2


# --- whatever passes through ------------------------------------------------------------------


def test_nothing_is_read_ahead(registry: Registry, serve: Serve, voice: Voice) -> None:
    body = Pieces([piece(), piece(), event(spoken())])
    client = serve(answering(httpx.Response(200, headers=EVENT_STREAM, stream=body)))

    with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
        assert body.taken == 0
        raw = answer.iter_raw()
        for number in (1, 2, 3):
            next(raw)
            assert body.taken == number
            assert total(registry, voice) == 0
        assert list(raw) == []
        assert total(registry, voice) == 1

    assert body.closed
    assert total(registry, voice) == 1


def test_the_bytes_are_those_that_came(serve: Serve, voice: Voice) -> None:
    sent = [b"\x00\xff", b"", b"data:{}\r\n", bytes(range(256))]
    for headers in (EVENT_STREAM, {"content-type": "application/json"}, {}):
        client = serve(answering(httpx.Response(200, headers=headers, stream=Pieces(sent))))
        assert client.post(GENERATION, json=asking(voice.voice_id)).content == b"".join(sent)


@pytest.mark.parametrize(
    ("pieces", "counted"),
    [
        ([piece(), piece(), event(spoken())], 1),
        ([piece(), event({"output": {"finish_reason": "stop"}})], 1),
        ([event(spoken()).replace(b"\n", b"\r\n")], 1),
        ([event(spoken()).rstrip()], 1),  # its last line has no end
        ([bytes([byte]) for byte in piece()], 1),
        ([piece("A" * 200_000), piece()], 1),
        ([piece("A" * 200_000)], 1),  # too long to be looked at: it can be nothing but audio
        ([piece(), REFUSED], 0),
        ([piece(), event({"code": "Throttling", "message": "no"})], 0),
        ([REFUSED], 0),
        ([event({"output": {"finish_reason": "stop"}})], 0),
        ([piece("")], 0),
        ([b": nothing\n\n"], 0),
        ([], 0),
        ([b"data:{cut\n\n", b"data:[]\n\n", b"\n\ndata\n"], 0),
        ([b"<html>"], 0),
    ],
)
def test_streams_of_events(
    registry: Registry, serve: Serve, voice: Voice, pieces: list[bytes], counted: int
) -> None:
    client = serve(answering(httpx.Response(200, headers=EVENT_STREAM, stream=Pieces(pieces))))

    with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
        assert b"".join(answer.iter_bytes()) == b"".join(pieces)

    assert total(registry, voice) == counted


@pytest.mark.parametrize(("read", "counted"), [(0, 0), (1, 1)])
def test_a_stream_that_is_left_early(
    registry: Registry, serve: Serve, voice: Voice, read: int, counted: int
) -> None:
    body = Pieces([piece()] * 9)
    client = serve(answering(httpx.Response(200, headers=EVENT_STREAM, stream=body)))

    with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
        raw = answer.iter_raw()
        for _ in range(read):
            next(raw)

    assert body.taken == read
    assert body.closed
    assert total(registry, voice) == counted


def test_a_stream_that_breaks_is_no_use(registry: Registry, serve: Serve, voice: Voice) -> None:
    body = Pieces([piece()], httpx.ReadError("gone"))
    client = serve(answering(httpx.Response(200, headers=EVENT_STREAM, stream=body)))

    with pytest.raises(httpx.ReadError, match="gone"):
        client.post(GENERATION, json=asking(voice.voice_id))

    assert total(registry, voice) == 0


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        (spoken(), 1),
        (spoken(code=""), 1),
        (spoken(code=None), 1),
        (spoken(code=200), 1),
        ({"output": {"audio": {"url": "", "data": "A" * 300_000}}}, 1),
        (spoken(code="InternalError"), 0),
        (spoken(code=500), 0),
        ({"code": "InternalError", "message": "no"}, 0),
        ({"output": {}}, 0),
        ({"output": {"choices": [{"message": {"content": "a dog"}}]}}, 0),
        ({"output": None}, 0),
        ([spoken()], 0),
        ("x" * 100_000, 0),
    ],
)
def test_answers_at_once(
    registry: Registry, serve: Serve, voice: Voice, body: Any, counted: int
) -> None:
    client = serve(answering(httpx.Response(200, json=body)))

    assert client.post(GENERATION, json=asking(voice.voice_id)).json() == body

    assert total(registry, voice) == counted


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("Identity", bytes),
        ("deflate, gzip", lambda content: gzip.compress(zlib.compress(content))),
    ],
)
@pytest.mark.parametrize("kind", ["json", "events", "large"])
def test_encodings(
    registry: Registry,
    serve: Serve,
    voice: Voice,
    encoding: str,
    encode: Callable[[bytes], bytes],
    kind: str,
) -> None:
    headers = {"content-encoding": encoding}
    if kind == "events":
        headers |= EVENT_STREAM
        good, bad = piece() + event(spoken()), piece() + REFUSED
    else:
        more = {"audio": {"data": "A" * 400_000}} if kind == "large" else {}
        good = json.dumps(spoken(**more)).encode()
        bad = json.dumps({"code": "InternalError", "message": "no"}).encode()
    answers = [
        httpx.Response(200, headers=headers, stream=Pieces([whole[:9], whole[9:]]))
        for whole in (encode(good), encode(bad))
    ]
    client = serve(lambda request: answers.pop(0))

    assert client.post(GENERATION, json=asking(voice.voice_id)).content == good
    assert total(registry, voice) == 1
    assert client.post(GENERATION, json=asking(voice.voice_id)).content == bad
    assert total(registry, voice) == 1


def test_an_encoding_that_is_none(
    registry: Registry, serve: Serve, voice: Voice, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    client = serve(
        answering(httpx.Response(200, headers=headers, stream=Pieces([b"no gzip", b"at all"])))
    )

    with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
        assert b"".join(answer.iter_raw()) == b"no gzipat all"

    assert total(registry, voice) == 0
    assert [record.message for record in caplog.records if record.name.startswith("voicereg")] == [
        "a use could not be noted"
    ]


@pytest.mark.parametrize("headers", [EVENT_STREAM, {"content-type": "application/json"}])
@pytest.mark.parametrize("encoding", ["", "gzip", "gzip, gzip"])
def test_nothing_much_is_held(
    registry: Registry, serve: Serve, voice: Voice, headers: dict[str, str], encoding: str
) -> None:
    whole = 64 * 1024 * 1024
    block = bytes(1024 * 1024)
    if encoding == "gzip":
        packer = zlib.compressobj(wbits=31)
        packed = b"".join(packer.compress(block) for _ in range(64)) + packer.flush()
        pieces = [packed[start : start + 4096] for start in range(0, len(packed), 4096)]
    else:
        pieces = [block] * (whole // len(block))
    headers = headers | ({"content-encoding": encoding} if encoding else {})
    client = serve(answering(httpx.Response(200, headers=headers, stream=Pieces(pieces))))
    body = asking(voice.voice_id)

    tracemalloc.start()
    try:
        with client.stream("POST", GENERATION, json=body) as answer:
            for _ in answer.iter_raw():
                pass
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_an_answer_that_was_read_before(registry: Registry, sandbox: Sandbox, voice: Voice) -> None:
    """As hooks do that log whole answers."""
    hooks = {"response": [lambda answer: answer.read(), *track_httpx(registry)["response"]]}
    with httpx.Client(
        base_url=sandbox.base_url,
        headers={"Authorization": f"Bearer {sandbox.api_key}"},
        trust_env=False,
        event_hooks=hooks,
    ) as client:
        for headers in ({}, {"X-DashScope-SSE": "enable"}):
            answer = client.post(GENERATION, json=asking(voice.voice_id), headers=headers)
            assert "audio" in answer.text
        sandbox.misbehave("synthesize", "error-200")
        assert "code" in client.post(GENERATION, json=asking(voice.voice_id)).json()

    assert total(registry, voice) == 2


def test_a_request_that_is_sent_in_pieces(registry: Registry, serve: Serve, voice: Voice) -> None:
    content = json.dumps(asking(voice.voice_id)).encode()
    received: list[bytes] = []

    def respond(request: httpx.Request) -> httpx.Response:
        received.append(request.read())
        return httpx.Response(200, json=spoken())

    client = serve(respond)
    assert client.post(GENERATION, content=iter([content[:5], content[5:]])).json() == spoken()
    assert received == [content]


def test_a_request_that_cannot_be_read(registry: Registry, voice: Voice, sandbox: Sandbox) -> None:
    content = json.dumps(asking(voice.voice_id)).encode()
    with httpx.Client(
        base_url=sandbox.base_url,
        headers={"Authorization": f"Bearer {sandbox.api_key}", "Content-Length": str(len(content))},
        trust_env=False,
        event_hooks=track_httpx(registry),
    ) as client:
        answer = client.post(GENERATION, content=iter([content[:5], content[5:]]))

    assert answer.json()["output"]["audio"]["url"]
    assert total(registry, voice) == 0


@pytest.mark.parametrize("voice_id", [None, 7, "", " \x00", "v" * 300, ["v"], {"v": 1}, "\ud800"])
def test_what_is_no_voice_is_not_noted(
    registry: Registry, serve: Serve, voice_id: object, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(answering(httpx.Response(200, json=spoken())))

    content = json.dumps(asking(voice_id)).encode()
    assert client.post(GENERATION, content=content).status_code == 200

    assert registry._recorder.pending == 0
    assert caplog.records == [record for record in caplog.records if record.name == "httpx"]


def test_a_voice_on_no_record_harms_nothing(registry: Registry, serve: Serve) -> None:
    client = serve(answering(httpx.Response(200, json=spoken())))
    client.post(GENERATION, json=asking("Cherry"))
    registry.flush()


def test_a_redirect_is_one_use(registry: Registry, serve: Serve, voice: Voice) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if "somewhere" in request.url.host:
            return httpx.Response(307, headers={"Location": f"https://there.example{GENERATION}"})
        return httpx.Response(200, json=spoken())

    client = serve(respond, follow_redirects=True)
    assert client.post(GENERATION, json=asking(voice.voice_id)).history

    assert total(registry, voice) == 1


def test_what_goes_wrong_here_is_not_the_callers(
    registry: Registry,
    serve: Serve,
    voice: Voice,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise MemoryError("of all things")

    monkeypatch.setattr(registry, "record_use", fail)
    client = serve(answering(httpx.Response(200, json=spoken())))

    assert client.post(GENERATION, json=asking(voice.voice_id)).json() == spoken()

    assert "a use could not be noted" in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING


@pytest.mark.parametrize("source", ["", " ", "a\nb", "x" * 101])
def test_an_odd_source_is_refused_at_once(registry: Registry, source: str) -> None:
    with pytest.raises(InvalidInput, match="source"):
        track_httpx(registry, source=source)


def test_a_registry_that_is_closed(
    open_registry: Callable[..., Registry], voice: Voice, sandbox: Sandbox
) -> None:
    registry = open_registry()
    hooks = track_httpx(registry)
    registry.close()
    with httpx.Client(
        transport=httpx.MockTransport(answering(httpx.Response(200, json=spoken()))),
        event_hooks=hooks,
    ) as client:
        url = f"https://somewhere.example{GENERATION}"
        assert client.post(url, json=asking(voice.voice_id)).json() == spoken()


def test_threads_and_streams(registry: Registry, serve: Serve, voice: Voice) -> None:
    ready = threading.Barrier(8)

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=EVENT_STREAM, stream=Pieces([piece()] * 3))

    client = serve(respond)

    def speak(_: int) -> None:
        ready.wait()
        for _ in range(20):
            with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
                answer.read()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(speak, range(8)))

    assert total(registry, voice) == 160
