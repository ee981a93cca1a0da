"""A key, an address or a provider that will not do."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, creating
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is bound, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


BAD_KEYS = [
    ("", "no API key for account default: DASHSCOPE_API_KEY is not set"),
    ("  \n", "DASHSCOPE_API_KEY is not set"),
    ("top\nsecret", "DASHSCOPE_API_KEY: it holds characters that no API key has"),
    ("top secret", "DASHSCOPE_API_KEY: it holds characters that no API key has"),
    ("top-sécret", "DASHSCOPE_API_KEY: it holds characters that no API key has"),
]
BAD_URLS = [
    ("http://127.0.0.1:1", "it must end in /api/v1"),
    ("http://127.0.0.1:1/api/v2", "it must end in /api/v1"),
    ("https://provider.example/api/v1?x=1", "it must end in /api/v1"),
    ("http://provider.example/api/v1", "plain http would send the key unencrypted"),
    ("http://127.0.0.1.provider.example/api/v1", "plain http would send the key unencrypted"),
    ("ftp://provider.example/api/v1", "it must begin with https://HOST"),
    ("provider.example/api/v1", "it must begin with https://HOST"),
    ("https://user:hidden@provider.example/api/v1", "it must not carry a user or a password"),
    ("https://provider.example:99999/api/v1", "it is not a URL"),
]
PROVIDER_COMMANDS = ["create", "delete", "refresh"]


def words_of(cli: Cli, command: str) -> list[str]:
    """A command that needs the provider, on a voice that is there."""
    if command == "create":
        return creating()
    voice = cli.created("cosyvoice", "--no-wait")
    cli.sandbox.clear_requests()
    return ["delete", voice, "--yes"] if command == "delete" else ["show", voice, "--refresh"]


@pytest.mark.parametrize(
    ("command", "key", "said"),
    [("create", *bad) for bad in BAD_KEYS]
    + [(name, *BAD_KEYS[0]) for name in PROVIDER_COMMANDS[1:]],
)
def test_a_key_that_cannot_be_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str, key: str, said: str
) -> None:
    words = words_of(cli, command)
    before = cli.content()
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, key)

    result = cli(*words)

    assert_refused(result, 2, said)
    assert "cret" not in result.err
    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize(
    ("command", "url", "said"),
    [("create", *bad) for bad in BAD_URLS]
    + [(name, *BAD_URLS[0]) for name in PROVIDER_COMMANDS[1:]],
)
def test_an_address_that_cannot_be_one(cli: Cli, command: str, url: str, said: str) -> None:
    words = words_of(cli, command)
    before = cli.content()

    result = cli("--base-url", url, *words)

    assert_refused(result, 2, "base-url: ", said)
    assert "hidden" not in result.err
    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize(("url", "said"), BAD_URLS)
def test_an_account_takes_no_such_address(cli: Cli, url: str, said: str) -> None:
    before = cli.content()

    assert_refused(cli("account", "add", "other", "--base-url", url), 2, "base-url: ", said)

    assert cli.content() == before


@pytest.mark.parametrize("command", PROVIDER_COMMANDS)
def test_a_host_that_cannot_be_reached(cli: Cli, command: str, closed_port: int) -> None:
    words = words_of(cli, command)
    voices = cli.done("list", "--json").json()

    result = cli("-q", "--base-url", f"http://127.0.0.1:{closed_port}/api/v1", *words)

    assert_refused(result, 5, f"127.0.0.1:{closed_port} could not be reached", "nothing was sent")
    assert [voice["state"] for voice in cli.done("list", "--json").json()] == [
        voice["state"] for voice in voices
    ]
    assert all(quota["used"] == len(voices) for quota in quotas(cli, "cosyvoice"))
    assert cli.actions == []


@pytest.mark.parametrize("command", PROVIDER_COMMANDS)
def test_a_key_that_the_provider_does_not_know(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    words = words_of(cli, command)
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "another-key")

    result = cli("-q", *words)

    assert_refused(result, 5, "the provider does not accept the API key", "keys differ by region")
    assert "another-key" not in result.err
    assert quotas(cli, "qwen-tts")[0]["used"] == 0


def test_text_that_the_provider_does_not_let_pass(cli: Cli) -> None:
    result = cli("-q", *creating(prompt="A calm voice. [inspect]"))

    assert_refused(result, 5, "content review refused the text", "change the prompt")
    (voice,) = cli.done("list", "--all", "--json").json()
    assert voice["state"] == "failed"
    assert quotas(cli, "qwen-tts")[0]["used"] == 0


def test_an_account_whose_variable_is_unset_borrows_no_other_key(cli: Cli) -> None:
    cli.done("account", "add", "other", "--api-key-env", "OTHER_KEY")

    assert_refused(cli("-a", "other", *creating()), 2, "no API key for account other: OTHER_KEY")
    assert cli.actions == []


def quotas(cli: Cli, family: str) -> list[dict[str, int]]:
    found: list[dict[str, int]] = cli.done("quota", "--family", family, "--json").json()
    return found
