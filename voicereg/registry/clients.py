"""The clients of the provider: one per account, made when it is first needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from voicereg.domain.accounts import Account
from voicereg.domain.clock import Clock, Sleep
from voicereg.domain.errors import InvalidInput, KeyMissing, Problem
from voicereg.settings import Settings

if TYPE_CHECKING:
    from voicereg.provider.client import ProviderClient
    from voicereg.provider.endpoints import Endpoint

ClientFactory = Callable[["Endpoint", str], "ProviderClient"]


class Clients:
    """Makes, keeps and closes the clients. Safe to use from several threads.

    An API key is read from the environment when a client is made, and kept nowhere else.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        sleep: Sleep,
        environment: Mapping[str, str] | None = None,
        factory: ClientFactory | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._environment = os.environ if environment is None else environment
        self._factory = factory or self._make
        self._lock = threading.Lock()
        self._made: dict[tuple[int, str, str, str], ProviderClient] = {}

    def of(self, account: Account) -> ProviderClient:
        """The client of an account.

        Raises:
            KeyMissing: the variable that the account names is not set; no other is tried.
            InvalidInput: the key or the base URL is none.
        """
        from voicereg.provider.endpoints import endpoint

        override = self._settings.base_url if account.name == self._settings.account else None
        where = endpoint(
            region=account.region,
            workspace=account.workspace,
            base_url=override or account.base_url,
        )
        key = self._key(account)
        with self._lock:
            # A child process makes its own: two must not share one connection.
            known = (os.getpid(), account.name, where.base_url, key)
            if known not in self._made:
                self._made[known] = self._factory(where, key)
            return self._made[known]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for (process, *_), client in self._made.items():
                if process == os.getpid():
                    client.close()
            self._made.clear()

    def _key(self, account: Account) -> str:
        key = self._environment.get(account.api_key_env, "").strip()
        if not key:
            raise KeyMissing(account.name, account.api_key_env)
        if not key.isascii() or not key.isprintable() or " " in key:
            # It becomes a header; the value itself is not shown.
            raise InvalidInput(
                Problem(account.api_key_env, "", "it holds characters that no API key has")
            )
        return key

    def _make(self, where: Endpoint, key: str) -> ProviderClient:
        from voicereg.provider.client import ProviderClient

        return ProviderClient(
            where, key, timeouts=self._settings.create, clock=self._clock, sleep=self._sleep
        )
