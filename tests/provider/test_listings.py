"""A listing is read to its end, or says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from voicereg.domain.families import Family
from voicereg.domain.remote import Listing
from voicereg.domain.voices import Origin

from .support import Script, Waits, client_of, ok, refusal

Handler = Callable[[httpx.Request], httpx.Response]


def items(numbers: range, field: str = "voice_id") -> list[dict[str, Any]]:
    return [{field: f"cosyvoice-v3-plus-vd-a-{number}"} for number in numbers]


def page(numbers: range, total: object = None) -> httpx.Response:
    """A page of CosyVoice's listing, or of Qwen's where a total is given."""
    if total is None:
        return ok({"voice_list": items(numbers)})
    return ok({"voice_list": items(numbers, "voice"), "total_count": total})


def cosyvoice(*replies: httpx.Response | Exception) -> Listing:
    """CosyVoice's one listing; every reply must have been used."""
    script = Script(*replies)
    with client_of(script) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert script.unused == 0
    assert [body["input"]["page_index"] for body in script.bodies] == list(
        range(len(script.bodies))
    )
    return listing


def qwen_designs(*replies: httpx.Response | Exception) -> Listing:
    """Qwen's listing of designs; its clones are none."""
    script = Script(*replies, ok({"voice_list": []}))
    with client_of(script) as client:
        designs, clones = client.listings(Family.QWEN_TTS)
    assert script.unused == 0
    assert clones.complete
    return designs


def thrice(pages: list[httpx.Response]) -> list[httpx.Response]:
    """The pages, and the same again when the listing is read again, and again."""
    return [httpx.Response(200, content=page.content) for _ in range(3) for page in pages]


def server_of(count: int, cap: int, asked: list[int], total: bool = False) -> Handler:
    """A provider with so many voices, that gives at most ``cap`` of them on a page."""

    def handler(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        designs = body["model"] != "qwen-voice-enrollment"
        size = min(cap, body["input"]["page_size"])
        first = body["input"]["page_index"] * size
        if designs:
            asked.append(body["input"]["page_index"])
        field = "voice_id" if body["model"] == "voice-enrollment" else "voice"
        shown = range(first, min(first + size, count)) if designs else range(0)
        output: dict[str, Any] = {"voice_list": items(shown, field)}
        if total:
            output["total_count"] = count if designs else 0
        return ok(output)

    return handler


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 99, 100, 101, 250])
@pytest.mark.parametrize("cap", [10, 50, 1000])
@pytest.mark.parametrize("family", list(Family))
def test_every_voice_is_listed_whatever_the_servers_cap(
    count: int, cap: int, family: Family
) -> None:
    asked: list[int] = []
    with client_of(server_of(count, cap, asked, total=family is Family.QWEN_TTS)) as client:
        listing = client.listings(family)[0]
    assert len({voice.voice_id for voice in listing.voices}) == len(listing.voices) == count
    assert listing.complete
    assert listing.problem is None
    assert asked == list(range(len(asked)))


def test_two_thousand_voices_take_few_requests() -> None:
    asked: list[int] = []
    with client_of(server_of(1000, 1000, asked)) as client:
        client.listings(Family.COSYVOICE)
    with client_of(server_of(1000, 1000, asked, total=True)) as client:
        client.listings(Family.QWEN_TTS)
    assert len(asked) + 1 <= 24  # the clones' empty listing is one more


def test_only_an_empty_page_ends_a_listing_without_a_total() -> None:
    listing = cosyvoice(page(range(3)), page(range(3, 4)), page(range(0)))
    assert [voice.voice_id[-1] for voice in listing.voices] == ["0", "1", "2", "3"]
    assert listing.complete
    assert listing.total is None
    assert listing.requests == 3


def test_a_total_that_is_reached_ends_a_listing() -> None:
    listing = qwen_designs(page(range(3), 5), page(range(3, 5), 5))
    assert listing.complete
    assert (len(listing.voices), listing.total, listing.requests) == (5, 5, 2)


@pytest.mark.parametrize(
    "pages",
    [
        [page(range(3), 5), page(range(0), 5)],
        [page(range(3), 2)],
        [page(range(3), 0)],
        [page(range(3), 5), page(range(3, 5), 3)],
        [page(range(3), 5), page(range(3, 6), 2)],
    ],
)
def test_a_total_that_disagrees_is_not_complete(pages: list[httpx.Response]) -> None:
    listing = qwen_designs(*thrice(pages))
    assert not listing.complete
    assert listing.problem is not None
    assert str(listing.total) in listing.problem
    assert listing.requests == 3 * len(pages), "each try counts"


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_listing_whose_total_disagrees_is_read_up_to_three_times(wrong: int) -> None:
    disagreeing = [page(range(3), 2) for _ in range(wrong)]
    listing = qwen_designs(*disagreeing, page(range(3), 3))
    assert listing.complete
    assert listing.problem is None
    assert (len(listing.voices), listing.total, listing.requests) == (3, 3, wrong + 1)


def test_a_total_is_no_reason_to_stop_on_a_full_page() -> None:
    """It is to agree with what is there, and a full page may be followed by another."""
    pages = [page(range(100), 100), page(range(100, 103), 103)]
    listing = qwen_designs(*pages)
    assert listing.complete
    assert (len(listing.voices), listing.total, listing.requests) == (103, 103, 2)


def test_what_a_page_shows_is_kept_though_the_total_disagrees() -> None:
    listing = qwen_designs(*thrice([page(range(3), 0)]))
    assert len(listing.voices) == 3


def test_a_voice_shown_after_the_total_was_reached_is_not_lost() -> None:
    listing = qwen_designs(*thrice([page(range(3), 5), page(range(3, 5), 3)]))
    assert len(listing.voices) == 5


def test_a_page_that_repeats_what_a_sunken_total_counts_is_the_end() -> None:
    listing = qwen_designs(page(range(3), 4), page(range(3), 3))
    assert listing.complete
    assert len(listing.voices) == 3


def test_a_total_may_sink_while_it_is_read() -> None:
    listing = qwen_designs(page(range(3), 4), page(range(0), 3))
    assert listing.complete
    assert listing.total == 3


@pytest.mark.parametrize("total", ["5", -1, True, 2.5, [], None])
def test_a_total_that_is_none_is_not_believed(total: object) -> None:
    def with_total(numbers: range) -> httpx.Response:
        return ok({"voice_list": items(numbers, "voice"), "total_count": total})

    listing = qwen_designs(with_total(range(2)), with_total(range(2, 3)), with_total(range(0)))
    assert listing.complete
    assert (len(listing.voices), listing.total) == (3, None)


@pytest.mark.parametrize("family", list(Family))
def test_a_page_that_is_repeated_for_ever_ends(family: Family) -> None:
    field = "voice_id" if family is Family.COSYVOICE else "voice"
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        assert len(requests) < 1000
        return ok({"voice_list": items(range(4), field), "total_count": 9})

    with client_of(handler) as client:
        listings = client.listings(family)
    for listing in listings:
        assert not listing.complete
        assert listing.problem
        assert len(listing.voices) == 4


def test_pages_may_overlap() -> None:
    listing = cosyvoice(page(range(3)), page(range(2, 5)), page(range(0)))
    assert listing.complete
    assert len(listing.voices) == 5


def test_more_pages_than_are_documented_is_not_complete() -> None:
    asked: list[int] = []
    with client_of(server_of(202, 1, asked, total=True)) as client:
        designs, _ = client.listings(Family.QWEN_TTS)
    assert max(asked) == 200
    assert not designs.complete
    assert len(designs.voices) == 201


def test_the_last_documented_page_may_be_the_last() -> None:
    with client_of(server_of(201, 1, [], total=True)) as client:
        designs, _ = client.listings(Family.QWEN_TTS)
    assert designs.complete
    assert len(designs.voices) == 201


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"voice_list": None},
        {"voice_list": {}},
        {"voice_list": "v-1"},
        {"voice_list": [None]},
        {"voice_list": ["v-1"]},
        {"voice_list": [{}]},
        {"voice_list": [{"voice_id": "v-8"}, {"status": "OK"}]},
        {"voice_list": [{"voice_id": 8}]},
        {"voice_list": [{"voice_id": ""}]},
        {"voice_list": [{"voice_id": "a\x00b"}]},
        {"voice_list": [{"voice_id": "v" * 10_000}]},
        {"voice_list": [{"voice": "the other family's field"}]},
    ],
)
def test_a_page_that_cannot_be_read_is_not_complete(broken: object) -> None:
    script = Script(page(range(3)), *(ok(broken) for _ in range(10)))
    with client_of(script) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert not listing.complete
    assert listing.problem
    assert len(listing.voices) == 3


@pytest.mark.parametrize(
    "failing",
    [
        lambda: httpx.ReadTimeout("slow"),
        lambda: httpx.ConnectError("refused"),
        lambda: refusal(500, "InternalError"),
        lambda: refusal(429, "Throttling"),
        lambda: httpx.Response(200, content=b"<html>"),
    ],
)
def test_a_failing_page_is_asked_again_and_then_given_up_on(
    failing: Callable[[], httpx.Response | Exception],
) -> None:
    waits = Waits()
    script = Script(page(range(3)), *(failing() for _ in range(20)))
    with client_of(script, waits=waits) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert not listing.complete
    assert listing.problem
    assert len(listing.voices) == 3
    assert len(waits.seconds) >= 1


def test_a_page_that_fails_once_does_no_harm() -> None:
    script = Script(page(range(3)), httpx.ReadTimeout("slow"), page(range(3, 5)), page(range(0)))
    with client_of(script) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert listing.complete
    assert len(listing.voices) == 5


def test_a_refused_listing_is_told_with_its_reason() -> None:
    listing = cosyvoice(refusal(401, "InvalidApiKey", "wrong key"))
    assert not listing.complete
    assert listing.voices == ()
    assert listing.problem is not None
    assert "InvalidApiKey" in listing.problem


def test_one_failing_listing_leaves_the_other_alone() -> None:
    script = Script(
        refusal(403, "AccessDenied"),
        ok({"voice_list": [{"voice": "qwen-tts-vc-a-1"}]}),
        ok({"voice_list": []}),
    )
    with client_of(script) as client:
        designs, clones = client.listings(Family.QWEN_TTS)
    assert (designs.complete, clones.complete) == (False, True)
    assert designs.origins == frozenset({Origin.DESIGNED})
    assert clones.origins == frozenset({Origin.CLONED})
    assert [voice.origin for voice in clones.voices] == [Origin.CLONED]


def test_cosyvoice_lists_designs_and_clones_together() -> None:
    listing = cosyvoice(page(range(0)))
    assert listing.family is Family.COSYVOICE
    assert listing.origins == frozenset({Origin.DESIGNED, Origin.CLONED})


def test_progress_is_told_page_by_page() -> None:
    told: list[int] = []
    script = Script(page(range(3)), page(range(3, 5)), page(range(0)))
    with client_of(script) as client:
        client.listings(Family.COSYVOICE, on_page=told.append)
    assert told == [3, 2]
