"""From the provider's error codes to classes that a caller can act on."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from voicereg.domain.errors import ProviderProblem
from voicereg.domain.families import Family
from voicereg.domain.provider_errors import (
    AccessDenied,
    AnswerUnreadable,
    Arrearage,
    ContentRefused,
    InvalidKey,
    ModelUnknown,
    ParameterRefused,
    ProviderAnswered,
    ProviderFault,
    ProviderRefused,
    RateLimited,
    VoiceGone,
    VoiceModelMismatch,
    VoiceQuotaFull,
)
from voicereg.domain.voices import Origin
from voicereg.provider.client import ProviderClient

from .support import Always, Script, Waits, client_of, design, ok, refusal

DOCUMENTED = [
    (401, "InvalidApiKey", InvalidKey),
    (400, "InvalidParameter", ParameterRefused),
    (400, "DataInspectionFailed", ContentRefused),
    (429, "Throttling", RateLimited),
    (429, "Throttling.RateQuota", RateLimited),
    (429, "Throttling.BurstRate", RateLimited),
    (400, "BadRequest.ResourceNotExist", VoiceGone),
    (416, "BadRequest.ResourceNotExist", VoiceGone),
    (400, "VoiceNotFound", VoiceGone),
    (400, "BadRequest.VoiceNotFound", VoiceGone),
    (400, "InvalidParameter.ResourceNotExist", VoiceGone),
    (400, "BadRequest.VoiceModelMismatch", VoiceModelMismatch),
    (400, "Arrearage", Arrearage),
    (403, "AccessDenied", AccessDenied),
    (403, "AccessDenied.Unpurchased", AccessDenied),
    (403, "Model.AccessDenied", AccessDenied),
    (404, "Model.NotExist", ModelUnknown),
    (404, "ModelNotFound", ModelUnknown),
    (500, "InternalError", ProviderFault),
    (503, "ServiceUnavailable", ProviderFault),
    (504, "GatewayTimeout", ProviderFault),
]
SUB_CODES = [
    (400, "InvalidParameter.DataInspection", ContentRefused),
    (400, "InvalidParameter.Prompt.TooLong", ParameterRefused),
    (400, "DataInspectionFailed.Text", ContentRefused),
    (401, "InvalidApiKey.Region", InvalidKey),
    (429, "Throttling.Made.Up", RateLimited),
    (400, "Arrearage.Frozen", Arrearage),
    (400, "BadRequest.ResourceNotExist.Voice", VoiceGone),
    (500, "InternalError.Algo", ProviderFault),
]
UNDOCUMENTED = [
    (400, "BadRequest"),
    (400, "BadRequest.Something"),
    (400, "NeverHeardOf"),
    (403, "Model"),
    (409, "ThrottlingNot"),
    (400, "InvalidParameters"),
    (400, "invalidapikey"),
]


def create(client: ProviderClient) -> object:
    return client.create(design())


def query(client: ProviderClient) -> object:
    return client.query(Family.COSYVOICE, "v-1", Origin.DESIGNED)


def delete(client: ProviderClient) -> object:
    return client.delete(Family.COSYVOICE, "v-1", Origin.DESIGNED)


def problem_of(reply: httpx.Response, call: Callable[[ProviderClient], object]) -> ProviderProblem:
    """What a call ends with when every try gets the same answer."""
    with client_of(Always(reply)) as client, pytest.raises(ProviderProblem) as caught:
        call(client)
    return caught.value


@pytest.mark.parametrize("http_status", ["as documented", "200"])
@pytest.mark.parametrize(("status", "code", "expected"), [*DOCUMENTED, *SUB_CODES])
def test_documented_code(
    status: int, code: str, expected: type[ProviderAnswered], http_status: str
) -> None:
    sent = 200 if http_status == "200" else status
    problem = problem_of(refusal(sent, code, "the reason, 原因"), create)
    assert type(problem) is expected
    assert isinstance(problem, ProviderAnswered)
    assert (problem.code, problem.message) == (code, "the reason, 原因")
    assert (problem.status, problem.request_id) == (sent, "req-9")
    for told in (code, "the reason, 原因", "req-9", str(sent)):
        assert told in str(problem)


@pytest.mark.parametrize(("status", "code", "expected"), DOCUMENTED)
def test_a_query_meets_the_same_classes(
    status: int, code: str, expected: type[ProviderAnswered]
) -> None:
    assert type(problem_of(refusal(status, code), query)) is expected


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_code_outweighs_an_output(status: int) -> None:
    reply = httpx.Response(
        status,
        json={"code": "Arrearage", "message": "", "output": {"voice_id": "v-1"}},
    )
    assert type(problem_of(reply, create)) is Arrearage


@pytest.mark.parametrize(("status", "code"), UNDOCUMENTED)
@pytest.mark.parametrize("http_status", ["as sent", "200"])
def test_an_undocumented_code_leaves_the_outcome_unknown(
    status: int, code: str, http_status: str
) -> None:
    sent = 200 if http_status == "200" else status
    problem = problem_of(refusal(sent, code), create)
    assert type(problem) is ProviderFault
    assert not isinstance(problem, ProviderRefused)
    assert (problem.code, problem.status) == (code, sent)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize(
    "code", ["InvalidApiKey", "InvalidParameter", "Throttling.AllocationQuota"]
)
def test_no_refusal_is_believed_of_a_server_error(status: int, code: str) -> None:
    assert type(problem_of(refusal(status, code), create)) is ProviderFault


@pytest.mark.parametrize("content", [b"", b"<html>bad gateway</html>", b"[]", b"null"])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_error_without_a_readable_body(status: int, content: bytes) -> None:
    problem = problem_of(httpx.Response(status, content=content), create)
    assert type(problem) is ProviderFault
    assert problem.status == status


@pytest.mark.parametrize(
    "content", [b"", b"<html>slow down</html>", b"[1]", b'{"code": ', b"{}", b'{"code": 429}']
)
@pytest.mark.parametrize("call", [create, query, delete])
def test_429_without_a_readable_code(
    content: bytes, call: Callable[[ProviderClient], object]
) -> None:
    problem = problem_of(httpx.Response(429, content=content), call)
    assert type(problem) is RateLimited
    assert problem.status == 429


def test_429_with_an_undocumented_code_is_a_rate_limit() -> None:
    problem = problem_of(refusal(429, "LimitRequests"), query)
    assert type(problem) is RateLimited
    assert problem.code == "LimitRequests"


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("code", ["Throttling.AllocationQuota", "Throttling.AllocationQuota.Voice"])
def test_allocation_quota_on_a_create_is_a_full_voice_quota(status: int, code: str) -> None:
    problem = problem_of(refusal(status, code), create)
    assert type(problem) is VoiceQuotaFull
    assert problem.code == code


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("call", [query, delete])
def test_allocation_quota_elsewhere_is_a_rate_limit(
    status: int, call: Callable[[ProviderClient], object]
) -> None:
    assert type(problem_of(refusal(status, "Throttling.AllocationQuota"), call)) is RateLimited


def test_allocation_quota_on_a_listing_is_a_rate_limit() -> None:
    waits = Waits()
    script = Script(
        refusal(429, "Throttling.AllocationQuota"),
        ok({"voice_list": []}),
    )
    with client_of(script, waits=waits) as client:
        (listing,) = client.listings(Family.COSYVOICE)
    assert listing.complete
    assert len(waits.seconds) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 413])
def test_a_page_of_html_decides_nothing(status: int) -> None:
    problem = problem_of(httpx.Response(status, content=b"<html></html>"), create)
    assert type(problem) is AnswerUnreadable
    assert problem.status == status
    assert not isinstance(problem, ProviderRefused)


@pytest.mark.parametrize("body", [{}, {"code": 7}, {"code": None, "message": ["x"]}, {"code": ""}])
def test_4xx_without_a_code_leaves_the_outcome_unknown(body: dict[str, object]) -> None:
    problem = problem_of(httpx.Response(400, json=body), create)
    assert type(problem) is ProviderFault
    assert "400" in str(problem)


def test_an_empty_code_is_none() -> None:
    reply = httpx.Response(
        200, json={"code": "", "message": "", "output": {"status": "OK"}, "request_id": "r"}
    )
    with client_of(Script(reply)) as client:
        assert client.query(Family.COSYVOICE, "v-1", Origin.DESIGNED).status == "OK"


@pytest.mark.parametrize(
    "message", ["x" * 100_000, "nul \x00 here", "half \ud800 pair", "\x1b[2J\x1b[31mred", "a\r\nb"]
)
def test_a_wild_message_can_be_stored_and_shown(message: str) -> None:
    content = json.dumps(
        {"code": "InvalidParameter", "message": message, "request_id": message}
    ).encode()
    problem = problem_of(httpx.Response(400, content=content), create)
    assert type(problem) is ParameterRefused
    assert len(str(problem)) < 2000
    str(problem).encode("utf-8")
    assert problem.request_id is not None
    for text in (str(problem), problem.message, problem.request_id):
        assert text.isprintable()


@pytest.mark.parametrize(
    ("kind", "mended"),
    [
        (InvalidKey, "region"),
        (VoiceQuotaFull, "delete"),
        (ContentRefused, "prompt"),
        (Arrearage, "bill"),
    ],
)
def test_the_advice_says_what_to_do(kind: type[ProviderRefused], mended: str) -> None:
    advice = kind("SomeCode", "", status=400).advice
    assert advice is not None
    assert mended in advice
