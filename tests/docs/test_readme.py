"""The README, done as it says, from the first line to the last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.databases import PostgresServer
from tests.docs.following import Reader
from tests.docs.markdown import ROOT, blocks
from tests.fakes import NARRATOR
from voicereg import Settings
from voicereg.sandbox import Sandbox
from voicereg.settings import load

README = ROOT / "README.md"
LEFT_OUT = {
    "make demo": "it makes an environment; tests/cli runs the demo",
    "make test": "it is what runs this",
    "pip install .": "what is to be installed is there",
    "pip install '.[postgres]'": "what is to be installed is there",
    "pip install '.[notify]'": "what is to be installed is there",
}
ANOTHER_ACCOUNT = "voicereg -a singapore create --model qwen3-tts-vd-2026-01-26 …"
INSTEAD = {
    "export DASHSCOPE_API_KEY=…": "export DASHSCOPE_API_KEY=<key>",
    # Nobody sits at the terminal to be asked.
    "voicereg delete VOICE": "voicereg delete VOICE --yes",
    "voicereg apply voices.yaml": "voicereg apply voices.yaml --yes",
    "voicereg choose VOICE": "voicereg choose VOICE --yes",
    "voicereg edit --where-tag use=news --owner lin": "voicereg edit --where-tag use=news "
    "--owner lin --yes",
    "voicereg delete --where-unused-for 300": "voicereg delete --where-unused-for 300 --yes",
    # A test speaks with nobody outside of this machine.
    "voicereg account add singapore --region ap-southeast-1 --api-key-env SINGAPORE_API_KEY": (
        "voicereg account add singapore --region ap-southeast-1 --api-key-env SINGAPORE_API_KEY "
        "--base-url <singapore>"
    ),
    "voicereg account add studio2 --workspace WS2 --quota-group default": (
        "voicereg account add studio2 --workspace WS2 --quota-group default --base-url <beijing>"
    ),
    ANOTHER_ACCOUNT: "voicereg -a singapore --base-url <singapore> create "
    "--model qwen3-tts-vd-2026-01-26 --name reader "
    f"--prompt '{NARRATOR['prompt']}' --preview-text '{NARRATOR['preview_text']}'",
    # From the file that all before was done with, as the comment says.
    "voicereg db copy postgresql://voicereg@db.example/voicereg": (
        "voicereg -d <file> db copy <copy>"
    ),
    "voicereg db backup registry.backup": "voicereg -d <file> db backup registry.backup",
}


@pytest.fixture
def singapore() -> Iterator[Sandbox]:
    with Sandbox.start(review_time=timedelta(0), region="ap-southeast-1") as sandbox:
        yield sandbox


@pytest.fixture
def databases(postgresql: PostgresServer) -> Iterator[list[str]]:
    urls = [postgresql.create(migrated=False) for _ in range(2)]
    yield urls
    for url in urls:
        postgresql.drop(url)


def test_it_does_what_it_says(
    cli: Cli,
    sandbox: Sandbox,
    singapore: Sandbox,
    databases: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = Path.home() / ".local/share/voicereg/voicereg.db"
    shared, copy = databases
    monkeypatch.setenv("VOICEREG_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("SINGAPORE_API_KEY", singapore.api_key)
    # Whoever tests this may have no player, and wants to hear nothing.
    monkeypatch.setenv("VOICEREG_PLAYER", "true")

    def my_own_create_call() -> str:
        made = sandbox.add_voice(
            family="cosyvoice",
            origin="designed",
            target_model="cosyvoice-v3.5-plus",
            name="announcer",
            prompt="A composed middle-aged male announcer.",
        )
        return made.voice_id

    def voice(command: str) -> str:
        """The announcer; but what is deleted must be another, as that one is pinned by then."""
        if command.startswith("voicereg delete"):
            return spare
        if command.startswith("voicereg recreate"):
            return spare[:8]
        if command.startswith("voicereg choose"):
            candidate: str = cli.done("choose", "--json").json()[0]["id"]
            return candidate
        (made,) = cli.done("list", "--search", "announcer", "--json").json()
        found: str = made["id"]
        return found

    monkeypatch.setenv("DASHSCOPE_API_KEY", sandbox.api_key)
    spare = cli.created()
    Reader(
        cli,
        monkeypatch,
        voice=voice,
        elsewhere={
            "<key>": sandbox.api_key,
            "<beijing>": sandbox.base_url,
            "<singapore>": singapore.base_url,
            "<file>": str(file),
            "<copy>": copy,
            "postgresql://voicereg@db.internal/voicereg": shared,
            "postgresql://voicereg_worker@/voicereg?host=/run/postgresql": shared,
            "postgresql://voicereg_worker@db.internal/voicereg?sslmode=verify-full"
            "&sslrootcert=/etc/voicereg/ca.crt": shared,
        },
        instead=INSTEAD,
        left_out=LEFT_OUT,
        names={"my_own_create_call": my_own_create_call},
    ).follow(README)

    with_model = {"target_model", "state"}
    copied = cli.done("-d", copy, "list", "--all", "--all-accounts", "--json").json()
    kept = cli.done("-d", str(file), "list", "--all", "--all-accounts", "--json").json()
    assert [{key: each[key] for key in with_model} for each in copied] == [
        {key: each[key] for key in with_model} for each in kept
    ]
    assert {each["account"] for each in copied} == {"default", "singapore"}
    assert Path("registry.backup").stat().st_size == file.stat().st_size


def test_the_settings_that_it_shows_are_the_defaults(tmp_path: Path) -> None:
    (shown,) = (
        block.text
        for block in blocks(README)
        if block.language == "toml" and "settle_after" in block.text
    )
    file = tmp_path / "config.toml"
    file.write_text(shown.partition("\n\n")[2], encoding="utf-8")

    assert load(config=file, environment={}) == Settings()
