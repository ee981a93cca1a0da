"""The hook of an asynchronous httpx client, as that of a synchronous one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from tests.tracking.support import (
    COSY_MODEL,
    EVENT_STREAM,
    GENERATION,
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
from voicereg.tracking import track_httpx_async

Work = Callable[[httpx.AsyncClient], Coroutine[Any, Any, object]]


@pytest.fixture
def voice(registry: Registry) -> Voice:
    return qwen(registry)


def with_sandbox(registry: Registry, sandbox: Sandbox, work: Work) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(
            base_url=sandbox.base_url,
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            trust_env=False,
            event_hooks=track_httpx_async(registry, source="tests"),
        ) as client:
            await work(client)

    asyncio.run(run())


def with_answer(registry: Registry, response: httpx.Response, work: Work) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(
            base_url="https://somewhere.example/api/v1",
            transport=httpx.MockTransport(lambda request: response),
            event_hooks=track_httpx_async(registry),
        ) as client:
            await work(client)

    asyncio.run(run())


def total(registry: Registry, voice: Voice) -> int:
    return uses(registry, voice).total()


def test_many_at_once(registry: Registry, sandbox: Sandbox) -> None:
    narrator, announcer = qwen(registry), cosy(registry)

    async def speak(client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(
            *(client.post(GENERATION, json=asking(narrator.voice_id)) for _ in range(12)),
            *(
                client.post(SYNTHESIZER, json=asking(announcer.voice_id, COSY_MODEL))
                for _ in range(5)
            ),
        )
        assert all(answer.json()["output"]["audio"]["url"] for answer in answers)

    with_sandbox(registry, sandbox, speak)

    assert uses(registry, narrator) == {"tests": 12}
    assert uses(registry, announcer) == {"tests": 5}


@pytest.mark.parametrize("kind", ["500", "error-200", "html", "cut-json"])
def test_what_failed_is_no_use(
    registry: Registry, sandbox: Sandbox, voice: Voice, kind: str
) -> None:
    sandbox.misbehave("synthesize", kind)

    with_sandbox(
        registry, sandbox, lambda client: client.post(GENERATION, json=asking(voice.voice_id))
    )

    assert total(registry, voice) == 0


def test_a_stream_of_events(registry: Registry, sandbox: Sandbox, voice: Voice) -> None:
    async def speak(client: httpx.AsyncClient) -> None:
        headers = {"X-DashScope-SSE": "enable"}
        body = asking(voice.voice_id)
        async with client.stream("POST", GENERATION, json=body, headers=headers) as answer:
            lines = [line async for line in answer.aiter_lines()]
        assert sum(line.startswith("data:") for line in lines) > 3

    with_sandbox(registry, sandbox, speak)

    assert total(registry, voice) == 1


@pytest.mark.parametrize("end", ["leave", "cancel"])
@pytest.mark.parametrize(("read", "counted"), [(0, 0), (1, 1), (2, 1)])
def test_a_stream_that_is_left_early(
    registry: Registry, voice: Voice, end: str, read: int, counted: int
) -> None:
    body = Pieces([piece()] * 9)

    async def listen(client: httpx.AsyncClient) -> None:
        async with client.stream("POST", GENERATION, json=asking(voice.voice_id)) as answer:
            assert body.taken == 0
            raw = answer.aiter_raw()
            for number in range(read):
                await anext(raw)
                assert body.taken == number + 1
            if end == "cancel":
                raise asyncio.CancelledError

    async def speak(client: httpx.AsyncClient) -> None:
        task = asyncio.create_task(listen(client))
        await asyncio.wait([task])
        assert task.cancelled() == (end == "cancel")

    with_answer(registry, httpx.Response(200, headers=EVENT_STREAM, stream=body), speak)

    assert body.closed
    assert total(registry, voice) == counted


@pytest.mark.parametrize(
    ("pieces", "error", "counted"),
    [
        ([piece(), event(spoken())], None, 1),
        ([piece(), REFUSED], None, 0),
        ([piece()], httpx.ReadTimeout("slow"), 0),
    ],
)
def test_streams_of_events(
    registry: Registry,
    voice: Voice,
    pieces: list[bytes],
    error: Exception | None,
    counted: int,
) -> None:
    async def speak(client: httpx.AsyncClient) -> None:
        asked = client.post(GENERATION, json=asking(voice.voice_id))
        if error is None:
            assert (await asked).content == b"".join(pieces)
        else:
            with pytest.raises(type(error)):
                await asked

    response = httpx.Response(200, headers=EVENT_STREAM, stream=Pieces(pieces, error))
    with_answer(registry, response, speak)

    assert total(registry, voice) == counted


def test_an_answer_that_was_read_before(registry: Registry, voice: Voice) -> None:
    async def read(response: httpx.Response) -> None:
        await response.aread()

    async def speak(client: httpx.AsyncClient) -> None:
        client.event_hooks["response"].insert(0, read)
        await client.post(GENERATION, json=asking(voice.voice_id))

    body = Pieces([piece(), event(spoken())])
    with_answer(registry, httpx.Response(200, headers=EVENT_STREAM, stream=body), speak)

    assert total(registry, voice) == 1


def test_a_request_that_cannot_be_read(registry: Registry, sandbox: Sandbox, voice: Voice) -> None:
    async def pieces() -> Any:
        yield b'{"model": "m",'
        yield b' "input": {}}'

    async def speak(client: httpx.AsyncClient) -> None:
        headers = {"Content-Length": "27"}
        assert (await client.post(GENERATION, content=pieces(), headers=headers)).status_code >= 400

    with_sandbox(registry, sandbox, speak)
    response = httpx.Response(200, json=spoken())
    with_answer(registry, response, lambda client: client.post(GENERATION, content=pieces()))

    assert registry._recorder.pending == 0


def test_an_odd_source_is_refused_at_once(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="source"):
        track_httpx_async(registry, source="\n")
