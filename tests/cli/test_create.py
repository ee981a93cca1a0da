"""``voicereg create``: its options, and every way in which it can end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import VOICE_KEYS, assert_refused, creating
from voicereg.registry.creates import Creates
from voicereg.registry.designs import Designs
from voicereg.sandbox import Sandbox

ENDLESS = timedelta(days=1)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Reviews at once, unless the test asks for a review that does not end."""
    with Sandbox.start(review_time=getattr(request, "param", timedelta(0))) as sandbox:
        yield sandbox


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts"])
def test_a_dry_run_sends_and_records_nothing(cli_on_each: Cli, family: str) -> None:
    before = cli_on_each.content()

    plain = cli_on_each.done(*creating(family, "--dry-run"))
    told = cli_on_each.done(*creating(family, "--dry-run", "--json"))

    assert cli_on_each.content() == before
    assert cli_on_each.sandbox.requests == ()
    assert "nothing was sent" in plain.err
    assert told.err == ""
    assert told.json()["dry_run"] is True
    assert told.json()["request"] == plain.json()
    assert told.json()["quota"]["remaining"] == 1000


@pytest.mark.parametrize("family", ["cosyvoice", "qwen-tts"])
def test_a_dry_run_shows_what_is_then_sent(cli: Cli, family: str) -> None:
    options = ("--language", "en", "--sample-rate", "48000", "--response-format", "mp3")
    shown = cli.done(*creating(family, *options, "--dry-run")).json()

    cli.done(*creating(family, *options))

    assert cli.sandbox.requests[0].body == shown


def test_a_dry_run_needs_no_key(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")

    cli.done(*creating("qwen-tts", "--dry-run"))


def test_the_preview_is_written_as_well(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "first.wav"

    result = cli.done(*creating("qwen-tts", "--preview", str(file), "--json"))
    cli.done("preview", result.json()["id"], "-o", "again.wav")

    assert f"preview written to {file}" in result.err
    assert file.read_bytes() == Path("again.wav").read_bytes()


def test_a_preview_that_cannot_be_written_hides_no_voice(cli: Cli) -> None:
    result = cli("-q", *creating("qwen-tts", "--preview", "/dev/full", "--json"))

    assert result.code == 1
    assert result.json()["state"] == "active"
    assert result.err.startswith("voicereg: file: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("sandbox", [ENDLESS], indirect=True)
@pytest.mark.parametrize("option", [["--no-wait"], ["--wait", "0"]])
def test_a_voice_that_is_not_waited_for_is_pending(cli: Cli, option: list[str]) -> None:
    result = cli.done(*creating("cosyvoice", "--json", *option))

    voice = result.json()
    assert voice["state"] == "pending"
    assert f"voicereg show {voice['id']} --refresh" in result.err
    assert cli.actions == ["create_voice"]


def test_a_pending_voice_is_asked_after_later(cli: Cli) -> None:
    voice = cli.created("cosyvoice", "--no-wait")

    assert cli.done("show", voice, "--json").json()["state"] == "pending"
    assert cli.done("show", voice, "--refresh", "--json").json()["state"] == "active"


def test_a_voice_that_the_review_refuses(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.wav"

    result = cli(
        "-q", *creating("cosyvoice", "--preview", str(file), prompt="A calm voice. [reject]")
    )

    (voice,) = cli.done("list", "--json").json()
    assert_refused(result, 5, f"review refused voice {voice['id']}", f"delete {voice['id']} frees")
    assert voice["state"] == "rejected"
    assert file.read_bytes()[:4] == b"RIFF"
    assert cli.done("quota", "--family", "cosyvoice", "--json").json()[0]["used"] == 1


def test_a_full_quota_is_refused_here(cli_on_each: Cli) -> None:
    voice = cli_on_each.created()
    cli_on_each.done("account", "edit", "default", "--limit", "qwen-tts=1")
    before = cli_on_each.content()
    cli_on_each.sandbox.clear_requests()

    for options in ((), ("--dry-run",)):
        result = cli_on_each(*creating("qwen-tts", *options))
        assert_refused(result, 3, "1 of 1 used, 0 remaining", f"longest: {voice} (narrator")

    assert cli_on_each.content() == before
    assert cli_on_each.actions == []


def test_a_full_quota_is_refused_by_the_provider(cli: Cli) -> None:
    cli.sandbox.set_limit("qwen-tts", 0)

    result = cli("-q", *creating())

    assert_refused(result, 3, "the provider says that the qwen-tts quota is full")
    assert cli.actions == ["create"]
    assert cli.done("quota", "--family", "qwen-tts", "--json").json()[0]["used"] == 0


class HangUp(StreamRequestHandler):
    """Takes a request, and closes without an answer."""

    def handle(self) -> None:
        self.request.recv(1)


@pytest.fixture
def hanging_up() -> Iterator[str]:
    with ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api/v1"
        finally:
            server.shutdown()
            thread.join()


def test_an_outcome_that_nobody_knows(cli_on_each: Cli, hanging_up: str) -> None:
    result = cli_on_each("-q", "--base-url", hanging_up, *creating())

    (voice,) = cli_on_each.done("list", "--json").json()
    assert_refused(
        result,
        6,
        f"the outcome of creating voice {voice['id']} is unknown",
        "its slot stays held",
        "do not repeat it blindly",
    )
    assert (voice["state"], voice["voice_id"]) == ("unresolved", None)
    (quota,) = cli_on_each.done("quota", "--family", "qwen-tts", "--json").json()
    assert (quota["used"], quota["unresolved"]) == (1, 1)


def test_interrupted_before_anything_was_sent(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Creates, "begin", interrupt)
    before = cli.content()

    assert_refused(cli(*creating()), 130, "interrupted before anything was sent")

    assert cli.content() == before
    assert cli.actions == []


def test_interrupted_while_the_provider_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicereg.provider.client.ProviderClient.create", interrupt)

    result = cli("-q", *creating("qwen-tts", "--json"))

    assert result.code == 6
    assert result.json()["state"] == "unresolved"
    (voice,) = cli.done("list", "--json").json()
    assert voice == result.json()
    for words in (voice["id"], "interrupted", "do not repeat it blindly"):
        assert words in result.err


def test_interrupted_while_the_answer_is_noted(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    """The voice exists: its id and its only recording are told, whatever stopped us."""
    monkeypatch.setattr(Creates, "confirm", interrupt)

    result = cli(*creating("qwen-tts", "--json"))

    assert result.code == 6
    (voice,) = cli.done("list", "--json").json()
    assert voice["state"] == "creating"
    assert result.json() == voice
    (made,) = sandbox.voices()
    for words in (made.voice_id, "interrupted", f"{voice['id']}.wav"):
        assert words in result.err
    assert Path(f"{voice['id']}.wav").read_bytes().startswith(b"RIFF")


def test_interrupted_while_the_review_is_waited_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Designs, "_await_review", interrupt)
    file = tmp_path / "p.wav"

    result = cli(*creating("cosyvoice", "--json", "--preview", str(file)))

    assert result.code == 130
    assert result.json().keys() >= VOICE_KEYS
    assert result.json()["state"] == "pending"
    assert "\ninterrupted; the voice is made, and pending\n" in result.err
    assert file.exists()


def interrupt(*given: object, **named: object) -> None:
    raise KeyboardInterrupt
