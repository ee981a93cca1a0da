"""Things that happen at a client's back, in the middle of its requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from voicereg.sandbox import Sandbox

from .talk import FAMILIES, Client, listed

both = pytest.mark.parametrize("family", FAMILIES)


def _add(sandbox: Sandbox, family: str) -> str:
    return sandbox.add_voice(
        family=family, origin="designed", target_model="m", name="n", prompt="p"
    ).voice_id


@both
def test_a_voice_made_between_two_pages(sandbox: Sandbox, client: Client, family: str) -> None:
    old, middle, new = (_add(sandbox, family) for _ in range(3))
    sandbox.on_action("list", lambda it: _add(it, family))

    pages = [listed(client.list(family, page, 2), family) for page in range(3)]

    assert pages == [[new, middle], [middle, old], []]


@both
def test_a_voice_deleted_between_two_pages(sandbox: Sandbox, client: Client, family: str) -> None:
    voices = [_add(sandbox, family) for _ in range(4)]
    sandbox.on_action("list", lambda it: it.remove_voice(voices[3]))

    pages = [listed(client.list(family, page, 2), family) for page in range(2)]

    assert pages == [[voices[3], voices[2]], [voices[0]]]


def test_before_or_after_it_is_carried_out(sandbox: Sandbox, client: Client) -> None:
    counts: list[tuple[str, int]] = []
    sandbox.on_action(
        "create", lambda it: counts.append(("before", len(it.voices()))), when="before"
    )
    sandbox.on_action("create", lambda it: counts.append(("after", len(it.voices()))))

    client.create("qwen-tts")

    assert counts == [("before", 0), ("after", 1)]


def test_each_counts_for_itself(sandbox: Sandbox, client: Client) -> None:
    called: list[str] = []
    sandbox.on_action("list", lambda it: called.append("once"))
    sandbox.on_action("*", lambda it: called.append("always"), times=None)
    sandbox.on_action("list_voice", lambda it: called.append("third"), skip=2)
    sandbox.on_action("list", lambda it: called.append("qwen"), family="qwen-tts", times=2)

    for _ in range(3):
        client.list("cosyvoice")
        called.append("|")
    client.query("qwen-tts", "nobody")

    assert called == ["once", "always", "|", "always", "|", "always", "third", "|", "always"]


def test_a_fault_keeps_no_callback_from_being_called(sandbox: Sandbox, client: Client) -> None:
    called: list[str] = []
    sandbox.on_action("create", lambda it: called.append("before"), when="before")
    sandbox.on_action("create", lambda it: called.append("after"))
    sandbox.misbehave("create", "reset")

    with pytest.raises(httpx.ReadError):
        client.create("qwen-tts")

    assert called == ["before", "after"]
    assert sandbox.voices() == ()


def test_misbehaving_from_within(sandbox: Sandbox, client: Client) -> None:
    sandbox.on_action("create", lambda it: it.misbehave("list", "503"))
    sandbox.on_action("query", lambda it: it.go_offline())

    assert client.create("qwen-tts").status_code == 200
    assert client.list("qwen-tts").status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        client.query("qwen-tts", "nobody")
    with pytest.raises(httpx.ConnectError):
        client.list("qwen-tts")


def test_a_callback_that_fails(
    sandbox: Sandbox, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(it: Sandbox) -> None:
        raise ZeroDivisionError

    sandbox.on_action("list", broken)

    assert client.list("qwen-tts").status_code == 500
    assert client.list("qwen-tts").status_code == 200
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("given", [{"action": "sing"}, {"when": "never"}, {"times": 0}])
def test_bad_arguments(sandbox: Sandbox, given: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"action": "list", "callback": len, **given}
    with pytest.raises(ValueError, match=r"unknown|below"):
        sandbox.on_action(**arguments)
