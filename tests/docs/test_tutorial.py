"""The tutorial, done as it says, from the first line to the last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.cli.conftest import Cli
from tests.docs.following import Reader
from tests.docs.markdown import DOCS
from tests.notify.support import Mailbox, parts_of, smtp_server
from voicereg.sandbox import Sandbox

LEFT_OUT = {
    "python3 -m venv ~/voicereg": "what is to be installed is there",
    ". ~/voicereg/bin/activate": "what is to be installed is there",
    "pip install '.[notify]' aiosmtpd": "what is to be installed is there",
    "voicereg sandbox --create-seconds 1": "the test has a sandbox, which makes voices at once",
    "python -m aiosmtpd -n -l 127.0.0.1:8025": "the test has a mail server, and reads its mails",
    "17 */6 * * * /home/you/voicereg/bin/voicereg --config /home/you/studio/config.toml "
    "housekeeping run": "a line for cron",
    "voicereg housekeeping start": "it runs until it is stopped: see tests/scheduler",
}
EXITS = {"python service.py boy": 1, "voicereg quota --need 1": 3}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """As the command starts it, but that its voices are made at once."""
    with Sandbox.start(review_time=timedelta(0), delete_idle_after=timedelta(days=365)) as sandbox:
        yield sandbox


def test_it_does_what_it_says(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        reader = Reader(
            cli,
            monkeypatch,
            voice=lambda command: _newest(cli),
            elsewhere={
                "127.0.0.1:8787": sandbox.base_url.split("/")[2],
                "127.0.0.1:8025": f"127.0.0.1:{port}",
            },
            left_out=LEFT_OUT,
            exits=EXITS,
        )
        reader.follow(DOCS / "tutorial.md")

    assert [mail["Subject"] for mail in mailbox.mails] == [
        "voicereg: a test of channel studio, nothing is to be done",
        "voicereg: qwen-tts quota full",
        "voicereg: 2 voices gone, qwen-tts quota has room again",
    ]
    assert "2 of 2 slots taken" in parts_of(mailbox.mails[1])["text/plain"]
    (voice,) = cli.done("list", "--json").json()
    assert (voice["name"], voice["aliases"], voice["pinned"]) == ("narrator", ["narrator"], True)
    assert cli.done("show", voice["replaces"], "--json").json()["state"] == "lost"


def _newest(cli: Cli) -> str:
    (voice,) = cli.done("list", "--reverse", "--limit", "1", "--json").json()
    found: str = voice["id"]
    return found
