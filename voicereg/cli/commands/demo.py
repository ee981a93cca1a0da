"""``voicereg demo``: the whole story against a sandbox, in a directory that is thrown away."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voicereg.cli.app import CLOCK
from voicereg.cli.failures import ExitCode
from voicereg.cli.output.files import check_writable
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.clock import SystemClock

if TYPE_CHECKING:
    from voicereg.sandbox import Sandbox

_ANNOUNCER = [
    "create",
    *("--model", "cosyvoice-v3.5-plus"),
    *("--name", "announcer"),
    "--prompt",
    "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking "
    "speed and clear articulation, is suitable for news broadcasting or documentary commentary.",
    *("--preview-text", "Dear listeners, hello everyone. Welcome to the evening news."),
    *("--tag", "use=news"),
]
_NARRATOR = [
    "create",
    *("--model", "qwen3-tts-vd-2026-01-26"),
    *("--name", "narrator"),
    *("--prompt", "A warm, unhurried woman in her thirties who reads stories with quiet wonder."),
    "--preview-text",
    "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.",
    *("--language", "en"),
]
_STORYTELLER = [
    "create",
    *("--model", "qwen3-tts-vd-2026-01-26"),
    *("--name", "grandfather"),
    *("--prompt", "沉稳的老爷爷，嗓音低沉沙哑，语速缓慢，适合讲睡前故事。"),
    *("--preview-text", "从前有座山，山里有座庙。"),
    *("--language", "zh"),
]


@click.command()
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep an HTML page about the registry as it is at the end.",
)
def demo(page: Path | None) -> int:
    """See the whole story, without a key.

    A stand-in for the provider, a throw-away database: nothing leaves this machine, and nothing is
    left behind but the page that --report asks for.
    """
    from voicereg.sandbox import Sandbox

    if page is not None:
        page = page.absolute()  # the story takes place in another directory
        check_writable(page)
    failed = 0
    with (
        Sandbox.start(
            create_time=timedelta(seconds=1.2), review_time=timedelta(seconds=1.5)
        ) as sandbox,
        tempfile.TemporaryDirectory(prefix="voicereg-demo-") as directory,
        _surroundings(Path(directory), sandbox.base_url, sandbox.api_key),
    ):
        _tell("Design a voice from a description. It is recorded before the call.")
        failed += _run(_ANNOUNCER)
        announcer = _newest()
        _tell("And one of the other family, which has a quota of its own.")
        failed += _run(_NARRATOR)
        narrator = _newest()
        _tell("The answer to a create is the only recording of a voice: it is kept.")
        failed += _run(["preview", announcer, "-o", "announcer.wav"])
        _tell("What there is, and what is left:")
        failed += _run(["list"])
        failed += _run(["quota"])
        _tell("A full quota is refused here, before the provider is asked (1,000 lowered to 1).")
        failed += _run(["account", "edit", "default", "--limit", "qwen-tts=1"])
        failed += _run(_STORYTELLER, expected=ExitCode.QUOTA)
        _tell("Deleting a voice makes room. Its record stays.")
        failed += _run(["delete", narrator, "--yes"])
        failed += _run(_STORYTELLER)
        failed += _run(["list", "--all"])
        _tell("Others make voices, too, in the console and over a year ago. A sync finds them.")
        sandbox.add_voice(
            family="qwen-tts",
            origin="cloned",
            target_model="qwen3-tts-vc-2026-01-22",
            name="colleague",
            created_at=datetime.now(UTC) - timedelta(days=400),
        )
        failed += _run(["sync"])
        failed += _run(["expiring"])
        _tell("And others delete. Twice not listed is gone; the record stays.")
        for voice in sandbox.voices("cosyvoice"):
            sandbox.remove_voice(voice.voice_id)
        failed += _run(["sync"])
        failed += _run(["sync"])
        failed += _run(["quota"])
        failed += _play_a_year(sandbox, page)
    if failed:
        click.echo(f"\nvoicereg: {failed} steps of the demo did not go as told", err=True)
        return ExitCode.FAILED
    left = "nothing" if page is None else f"only {page}"
    click.secho(f"\nThat was against a sandbox; {left} is left of it.", bold=True)
    click.echo(
        f"For real: put your key into {DEFAULT_KEY_VARIABLE}, and leave the sandbox out of it."
    )
    return ExitCode.DONE


def _play_a_year(sandbox: Sandbox, page: Path | None) -> int:
    """One voice is pinned, another is idle; the clocks here and at the provider are moved."""
    failed = 0
    _tell("Now a year passes. One voice is pinned, so that it stays; another is left idle.")
    failed += _run(["account", "edit", "default", "--limit", "qwen-tts=1000"])
    failed += _run(["edit", _newest(), "--pin"])
    failed += _run(_NARRATOR)
    clock = MovedClock()
    before = CLOCK.set(clock)
    try:
        for days, story in (
            (310, "310 days later, a round of housekeeping: it warns before a voice is deleted."),
            (30, "A month later. The pinned voice says a few words, which keeps it for a year."),
            (30, "And another month. The provider has deleted what nobody used: it is not listed."),
        ):
            clock.offset += timedelta(days=days)
            sandbox.advance(timedelta(days=days))
            sandbox.delete_idle()
            _tell(story)
            failed += _run(["housekeeping", "run"])
        _tell("Not listed twice is gone, and that is told. What was told before is not repeated.")
        failed += _run(["housekeeping", "run"])
        failed += _run(["list", "--all"])
        if page is not None:
            _tell("All of that as one page, for a browser. It needs nothing else.")
            failed += _run(["report", "-o", str(page)])
    finally:
        CLOCK.reset(before)
    return failed


class MovedClock(SystemClock):
    """The machine's clock, set ahead."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """The machine's time, and the offset."""
        return super().now() + self.offset


def _tell(text: str) -> None:
    click.secho(f"\n# {text}", fg="cyan")


def _run(arguments: list[str], expected: int = ExitCode.DONE) -> int:
    """Show a command as a user would type it, run it, and return whether it went otherwise."""
    from voicereg.cli.main import run

    click.secho(f"$ voicereg {shlex.join(arguments)}", bold=True)
    sys.stdout.flush()
    code = run(arguments)
    if code != ExitCode.DONE:
        click.secho(f"(exit code {int(code)})", dim=True)
    return 0 if code == expected else 1


def _newest() -> str:
    from voicereg.registry import Registry

    with Registry.open() as registry:
        return registry.voices(sort="created", descending=True, limit=1)[0].id


@contextmanager
def _surroundings(directory: Path, base_url: str, key: str) -> Iterator[None]:
    """Another directory and other settings than the user's, until the end."""
    (directory / "config.toml").touch()
    changed = {
        "VOICEREG_DATABASE": str(directory / "voicereg.db"),
        "VOICEREG_BASE_URL": base_url,
        "VOICEREG_CONFIG": str(directory / "config.toml"),
        "VOICEREG_ACCOUNT": "default",
        "VOICEREG_SETTLE_AFTER": "15m",
        DEFAULT_KEY_VARIABLE: key,
    }
    before = {name: os.environ.get(name) for name in changed}
    here = Path.cwd()
    os.environ.update(changed)
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(here)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
