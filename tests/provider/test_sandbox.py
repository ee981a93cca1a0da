"""The client against the sandbox, which is written from the documentation alone; and threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from voicereg.domain.families import Family
from voicereg.domain.provider_errors import (
    ContentRefused,
    InvalidKey,
    ParameterRefused,
    VoiceGone,
    VoiceQuotaFull,
)
from voicereg.domain.remote import ReviewStatus
from voicereg.domain.voices import Origin
from voicereg.provider.client import ProviderClient
from voicereg.sandbox import Sandbox

from .support import Waits, design, remote_endpoint

THREADS = 16


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(review_time=timedelta(0), page_cap=7) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[ProviderClient]:
    endpoint = remote_endpoint(base_url=sandbox.base_url)
    with ProviderClient(endpoint, sandbox.api_key, sleep=Waits()) as made:
        yield made


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("response_format", ["wav", "mp3", "pcm"])
def test_the_life_of_a_voice(
    sandbox: Sandbox, client: ProviderClient, family: Family, response_format: str
) -> None:
    made = client.create(design(family, response_format=response_format, language="en"))
    assert made.preview_problem is None
    assert made.preview is not None
    assert made.preview.response_format == response_format
    assert [voice.voice_id for voice in sandbox.voices(family)] == [made.voice_id]

    seen = client.query(family, made.voice_id, Origin.DESIGNED)
    assert seen.voice_id == made.voice_id
    assert seen.target_model == made.target_model
    assert seen.prompt == design().prompt

    (listed,) = [voice for listing in client.listings(family) for voice in listing.voices]
    assert listed.voice_id == made.voice_id
    assert listed.target_model == made.target_model
    assert listed.origin is Origin.DESIGNED
    assert listed.preview_text == design().preview_text

    assert client.delete(family, made.voice_id, Origin.DESIGNED) is True
    assert sandbox.voices(family) == ()
    assert client.delete(family, made.voice_id, Origin.DESIGNED) is False
    with pytest.raises(VoiceGone):
        client.query(family, made.voice_id, Origin.DESIGNED)


@pytest.mark.parametrize("family", list(Family))
def test_designs_and_clones_are_told_apart(
    sandbox: Sandbox, client: ProviderClient, family: Family
) -> None:
    sandbox.fill(family, 40)
    listings = client.listings(family)
    assert all(listing.complete for listing in listings)
    read = {voice.voice_id: voice.origin for listing in listings for voice in listing.voices}
    assert read == {voice.voice_id: voice.origin for voice in sandbox.voices(family)}


@pytest.mark.parametrize("family", list(Family))
def test_clones_are_deleted_too(sandbox: Sandbox, client: ProviderClient, family: Family) -> None:
    for origin in Origin:
        added = sandbox.add_voice(
            family=family, origin=origin, target_model="some-model", name="anna"
        )
        assert client.delete(family, added.voice_id, origin) is True
    assert sandbox.voices() == ()


@pytest.mark.parametrize("family", list(Family))
def test_a_full_quota(sandbox: Sandbox, client: ProviderClient, family: Family) -> None:
    sandbox.set_limit(family, 1)
    client.create(design(family))
    sandbox.clear_requests()
    with pytest.raises(VoiceQuotaFull):
        client.create(design(family))
    assert len(sandbox.requests) == 1


def test_refusals(sandbox: Sandbox, client: ProviderClient) -> None:
    with pytest.raises(ContentRefused):
        client.create(design(prompt="A calm [inspect] voice."))
    with pytest.raises(ParameterRefused):
        client.create(design(name="far_too_long_for_a_prefix"))
    endpoint = remote_endpoint(base_url=sandbox.base_url)
    with ProviderClient(endpoint, "another-test-key") as stranger, pytest.raises(InvalidKey):
        stranger.create(design())
    assert sandbox.voices() == ()


def test_a_voice_that_the_review_refuses(client: ProviderClient) -> None:
    made = client.create(design(prompt="A calm [reject] voice."))
    seen = client.query(Family.COSYVOICE, made.voice_id, Origin.DESIGNED)
    assert seen.status is ReviewStatus.UNDEPLOYED


def test_one_client_serves_many_threads(sandbox: Sandbox, client: ProviderClient) -> None:
    def life(number: int) -> tuple[str, str | None, bool]:
        family = list(Family)[number % 2]
        prompt = f"Voice number {number}."
        made = client.create(design(family, prompt=prompt))
        seen = client.query(family, made.voice_id, Origin.DESIGNED)
        kept = number % 4 < 2
        if not kept:
            assert client.delete(family, made.voice_id, Origin.DESIGNED) is True
        assert seen.prompt == prompt
        return made.voice_id, seen.prompt, kept

    with ThreadPoolExecutor(THREADS) as pool:
        lives = list(pool.map(life, range(THREADS * 8)))
    assert len({voice_id for voice_id, _, _ in lives}) == THREADS * 8
    assert {voice.voice_id for voice in sandbox.voices()} == {
        voice_id for voice_id, _, kept in lives if kept
    }
    creates = [
        request for request in sandbox.requests if (request.action or "").startswith("create")
    ]
    assert len(creates) == THREADS * 8
