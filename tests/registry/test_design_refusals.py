"""Creates that certainly made nothing: the voice is failed, and its slot is free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.conftest import OpenRegistry
from tests.fakes import FakeClock
from tests.registry.rows import COSYVOICE, QWEN, counts, insert_voice
from tests.registry.support import (
    COSY,
    DESIGNS,
    FakeProvider,
    add_account,
    answering,
    closed_port,
    failing,
    the_only_voice,
)
from voicereg import (
    AccessDenied,
    Arrearage,
    ContentRefused,
    InvalidInput,
    InvalidKey,
    KeyMissing,
    ModelUnknown,
    NotConnected,
    ParameterRefused,
    ProviderRefused,
    QuotaExceeded,
    RateLimited,
    Registry,
    Settings,
    State,
)
from voicereg.domain.provider_errors import VoiceQuotaFull
from voicereg.sandbox import Sandbox


def assert_failed_and_free(
    registry: Registry, family: str = COSYVOICE, then: Sequence[str] = ()
) -> None:
    voice = the_only_voice(registry)
    assert voice.state is State.FAILED
    assert voice.voice_id is None
    assert voice.gone_at is not None
    assert voice.state_reason
    assert (voice.lease_holder, voice.lease_expires_at) == (None, None)
    assert registry.quota(family).used == 0
    assert [event.action for event in registry.events()] == [*then, "voice.fail", "voice.create"]


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_the_provider_has_the_last_word_on_its_quota(
    registry: Registry, sandbox: Sandbox, database_url: str, family: str
) -> None:
    sandbox.set_limit(family, 0)
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.design(**DESIGNS[family])
    error = exceeded.value
    assert error.by_provider
    assert isinstance(error.__cause__, VoiceQuotaFull)
    assert error.request_id == error.__cause__.request_id is not None
    assert (error.used, error.limit) == (0, 1000), "the slot is free again"
    assert_failed_and_free(registry, family, then=["quota.refused"])
    assert the_only_voice(registry).request_id == error.request_id


def test_a_full_provider_is_advised_on_with_idle_voices(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    idle = insert_voice(database_url)
    sandbox.set_limit(COSYVOICE, 0)
    with pytest.raises(QuotaExceeded) as exceeded:
        registry.design(**COSY)
    assert [voice.id for voice in exceeded.value.longest_idle] == [idle]


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
@pytest.mark.parametrize("field", ["prompt", "preview_text"])
def test_content_that_is_refused(registry: Registry, family: str, field: str) -> None:
    with pytest.raises(ContentRefused):
        registry.design(**DESIGNS[family] | {field: "A voice [inspect]"})
    assert_failed_and_free(registry, family)


def test_a_wrong_key(open_registry: OpenRegistry) -> None:
    registry = open_registry(environment={"DASHSCOPE_API_KEY": "not-the-key"})
    with pytest.raises(InvalidKey):
        registry.design(**COSY)
    assert_failed_and_free(registry)
    assert "not-the-key" not in str(the_only_voice(registry).state_reason)


def test_a_model_that_the_provider_does_not_know(registry: Registry) -> None:
    with pytest.raises(ModelUnknown):
        registry.design(**COSY | {"target_model": "cosyvoice-v9-plus"})
    assert_failed_and_free(registry)


def test_a_value_that_was_left_to_the_provider(registry: Registry, sandbox: Sandbox) -> None:
    with pytest.raises(ParameterRefused):
        registry.design(**COSY | {"name": "much-too-long-a-name"}, unchecked=True)
    assert len(sandbox.requests) == 1
    assert_failed_and_free(registry)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "Arrearage", Arrearage),
        (403, "AccessDenied", AccessDenied),
        (403, "AccessDenied.Unpurchased", AccessDenied),
        (403, "Model.AccessDenied", AccessDenied),
        (404, "ModelNotFound", ModelUnknown),
        (429, "Throttling", RateLimited),
        (429, "Throttling.RateQuota", RateLimited),
        # An error body can come with HTTP 200, too.
        (200, "InvalidParameter", ParameterRefused),
    ],
)
def test_every_documented_refusal(
    open_registry: OpenRegistry,
    clock: FakeClock,
    status: int,
    code: str,
    error: type[ProviderRefused],
) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = {"code": code, "message": "said why", "request_id": "request-7"}
        return httpx.Response(status, json=body)

    registry = open_registry(client_factory=answering(respond, clock))
    with pytest.raises(error):
        registry.design(**COSY)
    assert len(asked) == 1, "a create that was answered is not sent again"
    assert_failed_and_free(registry)
    voice = the_only_voice(registry)
    assert "said why" in str(voice.state_reason)
    assert voice.request_id == "request-7"


@pytest.mark.parametrize("said", ["a \x00 in it", "half a pair: \ud83d"])
def test_a_refusal_that_the_database_cannot_hold_frees_the_slot_as_well(
    open_registry: OpenRegistry, said: str
) -> None:
    """What the provider says is not ours to choose; it must not cost a slot."""
    refusal = ParameterRefused("InvalidParameter", said, status=400, request_id=said)
    registry = open_registry(client_factory=FakeProvider(create=failing(refusal)).factory())
    with pytest.raises(ParameterRefused):
        registry.design(**COSY)
    assert_failed_and_free(registry)


def test_an_unreachable_host(open_registry: OpenRegistry) -> None:
    registry = open_registry(settings=Settings(base_url=closed_port()))
    with pytest.raises(NotConnected):
        registry.design(**COSY)
    assert_failed_and_free(registry)


@pytest.mark.parametrize("key", ["", "  "])
def test_without_a_key_nothing_is_recorded(
    open_registry: OpenRegistry, sandbox: Sandbox, database_url: str, key: str
) -> None:
    registry = open_registry(environment={"DASHSCOPE_API_KEY": key})
    with pytest.raises(KeyMissing) as missing:
        registry.design(**COSY)
    assert (missing.value.account, missing.value.variable) == ("default", "DASHSCOPE_API_KEY")
    assert counts(database_url) == (0, 0, 0)
    assert sandbox.requests == ()


@pytest.mark.parametrize("key", ["a key", "a\nkey", "schlüssel", "a\x00key"])
def test_what_can_be_no_key_is_refused_and_not_shown(
    open_registry: OpenRegistry, database_url: str, key: str
) -> None:
    registry = open_registry(environment={"DASHSCOPE_API_KEY": key})
    with pytest.raises(InvalidInput, match="DASHSCOPE_API_KEY") as refused:
        registry.design(**COSY)
    assert key not in str(refused.value)
    assert counts(database_url) == (0, 0, 0)


def test_an_account_borrows_no_other_key(
    open_registry: OpenRegistry, sandbox: Sandbox, database_url: str
) -> None:
    registry = open_registry(
        environment={"DASHSCOPE_API_KEY": sandbox.api_key, "UNRELATED_KEY": sandbox.api_key}
    )
    add_account(registry, "studio", base_url=sandbox.base_url, api_key_env="STUDIO_KEY")
    before = counts(database_url)
    with pytest.raises(KeyMissing) as missing:
        registry.design(**COSY, account="studio")
    assert (missing.value.account, missing.value.variable) == ("studio", "STUDIO_KEY")
    assert counts(database_url) == before
    assert sandbox.requests == ()


def test_each_account_has_its_own_key(open_registry: OpenRegistry, sandbox: Sandbox) -> None:
    registry = open_registry(
        environment={"DASHSCOPE_API_KEY": "not-the-key", "STUDIO_KEY": sandbox.api_key}
    )
    add_account(registry, "studio", base_url=sandbox.base_url, api_key_env="STUDIO_KEY")
    assert registry.design(**COSY, account="studio").account == "studio"
    with pytest.raises(InvalidKey):
        registry.design(**COSY)


def test_the_base_url_of_the_settings_is_of_the_selected_account_alone(
    open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    """A key goes to no host but its own account's."""
    registry = open_registry()
    add_account(registry, "studio", base_url=closed_port())
    with pytest.raises(NotConnected):
        registry.design(**COSY, account="studio")
    assert sandbox.requests == ()


BROKEN: list[dict[str, Any]] = [
    {"prompt": ""},
    {"prompt": "x" * 501},
    {"name": "two words"},
    {"preview_text": "Привет"},
    {"target_model": "someone-elses-model"},
    {"language": "de"},
    {"sample_rate": 8000},
    {"response_format": "opus"},
    {"tags": {"": "value"}},
    {"owner": "o" * 201},
    {"target_model": "cosyvoice-v2"},
]


def test_input_that_breaks_a_rule_changes_nothing(
    registry: Registry, sandbox: Sandbox, database_url: str
) -> None:
    asking: list[Any] = [registry.design, registry.reserve, registry.check_design]
    for broken in BROKEN:
        for ask in asking:
            with pytest.raises(InvalidInput):
                ask(**COSY | broken)
    assert counts(database_url) == (0, 0, 0)
    assert sandbox.requests == ()
