"""The API key appears nowhere: not in output however verbose, not in the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import creating
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.sandbox import Sandbox

KEY = "distinctive-and-nowhere-to-be-seen"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(api_keys=(KEY,), review_time=timedelta(0)) as sandbox:
        yield sandbox


def bytes_of_database(cli: Cli) -> bytes:
    path = Path(cli.database.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_no_command_shows_or_stores_the_key(cli: Cli) -> None:
    voice = cli.created("cosyvoice")
    words = [
        creating("cosyvoice"),
        creating("qwen-tts", "--dry-run"),
        creating("qwen-tts", prompt="A calm voice. [inspect]"),
        creating("cosyvoice", prompt="A calm voice. [reject]"),
        creating("qwen-tts", "--unchecked", name="much-too-long-a-name-for-this"),
        ["--base-url", "http://127.0.0.1:1/api/v1", *creating()],
        ["--base-url", "http://provider.example/api/v1", *creating()],
        ["list", "--all", "--json"],
        ["show", voice, "--refresh"],
        ["edit", voice, "--note", "n"],
        ["preview", voice, "--json"],
        ["delete", voice, "--yes"],
        ["quota", "--json"],
        ["events", "--all", "--json"],
        ["account", "list", "--json"],
        ["account", "show", "default"],
        ["db", "check"],
        ["doctor", "--all-accounts"],
        ["db", "current"],
        ["show", "nothing"],
    ]

    said = [cli("-vv", *each) for each in words]

    assert {result.code for result in said} == {0, 2, 4, 5}
    for result in said:
        assert KEY not in result.out + result.err
    assert KEY.encode() not in bytes_of_database(cli)
    assert b"A calm voice." in bytes_of_database(cli)


@pytest.mark.parametrize("spoilt", [f"{KEY}-wrong", f"{KEY}\nsecond", f"{KEY} x", f"{KEY}é"])
def test_a_key_that_is_not_accepted_is_not_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, spoilt)

    result = cli("-vv", *creating())

    assert result.code in {2, 5}
    assert "Traceback" in result.err
    assert KEY not in result.out + result.err
    assert KEY.encode() not in bytes_of_database(cli)
