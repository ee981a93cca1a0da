"""A sandbox as seen by an HTTP client that has nothing to do with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from voicereg.sandbox import Sandbox

from .wire import COSY, COSY_DESIGN, DESIGN, PATH, QWEN_DESIGN

FAMILIES = ("cosyvoice", "qwen-tts")

_MODELS = {"cosyvoice": COSY, "qwen-tts": DESIGN}
_SUFFIXES = {"cosyvoice": "_voice", "qwen-tts": ""}
_DESIGNS = {"cosyvoice": COSY_DESIGN, "qwen-tts": QWEN_DESIGN}
ID_FIELDS = {"cosyvoice": "voice_id", "qwen-tts": "voice"}


class Client:
    """One client of a sandbox, in terms that are the same for both families."""

    def __init__(self, sandbox: Sandbox, timeout: float = 30) -> None:
        self.http = httpx.Client(
            base_url=sandbox.base_url.removesuffix("/api/v1"), timeout=timeout, trust_env=False
        )
        self._key = {"Authorization": f"Bearer {sandbox.api_key}"}

    def ask(
        self, family: str, action: str, fields: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Call an action, called as the family calls it."""
        given = {"action": action + _SUFFIXES[family], **(fields or {})}
        return self.http.post(
            PATH,
            content=json.dumps({"model": _MODELS[family], "input": given}),
            headers=self._key,
        )

    def create(self, family: str) -> httpx.Response:
        return self.ask(family, "create", _DESIGNS[family])

    def list(self, family: str, page: int = 0, size: int = 10) -> httpx.Response:
        return self.ask(family, "list", {"page_index": page, "page_size": size})

    def query(self, family: str, voice_id: str) -> httpx.Response:
        return self.ask(family, "query", {ID_FIELDS[family]: voice_id})

    def delete(self, family: str, voice_id: str) -> httpx.Response:
        return self.ask(family, "delete", {ID_FIELDS[family]: voice_id})

    def act(self, family: str, action: str, voice_id: str) -> httpx.Response:
        """Call any action, on the voice of that id where it takes one."""
        if action == "create":
            return self.create(family)
        if action == "list":
            return self.list(family)
        return self.query(family, voice_id) if action == "query" else self.delete(family, voice_id)


def listed(response: httpx.Response, family: str) -> list[str]:
    """The ids on a page of a listing."""
    assert response.status_code == 200, response.text
    return [item[ID_FIELDS[family]] for item in response.json()["output"]["voice_list"]]
