"""What is designed in these tests, and stand-ins for the provider at its worst."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, cast

import httpx

from tests.fakes import ANNOUNCER, NARRATOR, FakeClock
from voicereg import Account, Family, Origin, Registry, Voice
from voicereg.domain.designs import DesignRequest
from voicereg.domain.remote import CreatedVoice, RemoteVoice, ReviewStatus
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.registry.clients import ClientFactory

COSY: dict[str, Any] = dict(ANNOUNCER)
QWEN: dict[str, Any] = dict(NARRATOR)
DESIGNS = {"cosyvoice": COSY, "qwen-tts": QWEN}


def made(voice_id: str = "cosyvoice-v3.5-plus-vd-announcer-1", **changed: Any) -> CreatedVoice:
    """What a client returns of a create that went well."""
    values: dict[str, Any] = {
        "voice_id": voice_id,
        "target_model": COSY["target_model"],
        "preview": None,
        "preview_problem": None,
        "request_id": "request-1",
    }
    return CreatedVoice(**(values | changed))


def seen(status: ReviewStatus | None) -> RemoteVoice:
    """What a query shows of a voice."""
    return RemoteVoice(
        voice_id="v",
        family=Family.COSYVOICE,
        origin=Origin.DESIGNED,
        target_model=None,
        status=status,
        prompt=None,
        preview_text=None,
        language=None,
        created_at=None,
        created_at_latest=None,
    )


class FakeProvider:
    """A client that does what a test tells it to; what is not told fails the test."""

    def __init__(
        self,
        *,
        create: Callable[[DesignRequest], CreatedVoice] | None = None,
        query: Callable[[str], RemoteVoice] | None = None,
        delete: Callable[[str], bool] | None = None,
    ) -> None:
        self._create = create
        self._query = query
        self._delete = delete
        self.deletes: list[tuple[Family, str, Origin]] = []
        self.closed = False

    def create(self, request: DesignRequest) -> CreatedVoice:
        assert self._create is not None, "no create was expected"
        return self._create(request)

    def query(self, family: Family, voice_id: str, origin: Origin) -> RemoteVoice:
        assert self._query is not None, "no query was expected"
        return self._query(voice_id)

    def delete(self, family: Family, voice_id: str, origin: Origin) -> bool:
        assert self._delete is not None, "no delete was expected"
        self.deletes.append((family, voice_id, origin))
        return self._delete(voice_id)

    def close(self) -> None:
        self.closed = True

    def factory(self) -> ClientFactory:
        return lambda endpoint, key: cast("ProviderClient", self)


def failing(error: BaseException) -> Callable[[Any], Any]:
    """What raises ``error`` whatever it is asked."""

    def fail(asked: Any) -> Any:
        raise error

    return fail


def answering(
    respond: Callable[[httpx.Request], httpx.Response], clock: FakeClock
) -> ClientFactory:
    """Makes real clients whose network is ``respond``."""

    def factory(endpoint: Endpoint, key: str) -> ProviderClient:
        return ProviderClient(
            endpoint, key, clock=clock, sleep=clock.sleep, transport=httpx.MockTransport(respond)
        )

    return factory


def closed_port() -> str:
    """A base URL on this machine that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1"


def confirmed(registry: Registry, voice_id: str, **changed: Any) -> Voice:
    """A Qwen-TTS voice (they have no review) that the caller made himself: ``active``."""
    with registry.reserve(**(QWEN | changed)) as slot:
        return slot.confirm(voice_id)


def the_only_voice(registry: Registry) -> Voice:
    """The one voice that the registry has recorded, gone or not."""
    (voice,) = registry.voices(with_gone=True)
    return voice


def add_account(registry: Registry, name: str, **changed: Any) -> Account:
    """Add an account, of which only what matters to a test is said."""
    values: dict[str, Any] = {
        "region": "cn-beijing",
        "workspace": None,
        "base_url": None,
        "api_key_env": None,
        "quota_group": None,
        "limits": {},
        "unchecked": False,
    }
    return registry.accounts.add(name, **(values | changed))


def edit_account(registry: Registry, name: str, **changed: Any) -> Account:
    """Change an account, and leave the rest of it as it is."""
    values: dict[str, Any] = {
        "region": None,
        "workspace": None,
        "base_url": None,
        "api_key_env": None,
        "quota_group": None,
        "limits": {},
        "unchecked": False,
    }
    return registry.accounts.edit(name, **(values | changed))


def set_limits(registry: Registry, limits: dict[Family, int], account: str = "default") -> None:
    """Set the limits of an account's quota group."""
    edit_account(registry, account, limits=limits)
