"""A design as commands carry it out: watched, interrupted, its preview written, and printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from voicereg.cli.app import App
from voicereg.cli.failures import ExitCode, describe
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.files import check_writable, write_file
from voicereg.cli.output.tables import print_fields
from voicereg.cli.output.voices import voice_fields
from voicereg.domain.audio import PreviewAudio
from voicereg.domain.designs import DesignOptions, DesignStage
from voicereg.domain.errors import (
    ConfirmNotRecorded,
    CreateUnresolved,
    InvalidInput,
    NoPreview,
    ReviewRefused,
)
from voicereg.domain.states import State
from voicereg.domain.voices import Voice

Command = TypeVar("Command", bound=Callable[..., Any])


_PREVIEW = click.option(
    "--preview",
    "preview_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the preview audio there as well.",
)
_WAIT = (
    click.option(
        "--wait",
        "wait_seconds",
        type=click.FloatRange(min=0, max=86_400),
        metavar="SECONDS",
        help="How long to wait for the provider's review.  [default: 120]",
    ),
    click.option("--no-wait", is_flag=True, help="Do not wait for the review."),
    click.option(
        "--unchecked",
        is_flag=True,
        help="Leave the provider's own rules to the provider.",
    ),
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Check everything, send nothing.")


def wait_options(command: Command) -> Command:
    """The options that say how long a review is waited for, and what is left to the provider."""
    for option in reversed(_WAIT):
        command = option(command)
    return command


def design_options(command: Command) -> Command:
    """The options that say how one design is carried out."""
    return _PREVIEW(wait_options(_DRY_RUN(command)))


def wait_for_review(wait_seconds: float | None, *, no_wait: bool) -> timedelta | None:
    """How long to wait; None: as the settings say.

    Raises:
        UsageError: both were said.
    """
    if no_wait and wait_seconds is not None:
        raise click.UsageError("Either --wait or --no-wait.")
    if no_wait:
        return timedelta(0)
    return None if wait_seconds is None else timedelta(seconds=wait_seconds)


def carry_out(
    app: App,
    asked: DesignOptions,
    *,
    wait: timedelta | None,
    preview_file: Path | None,
    as_json: bool,
    account: str | None = None,
    then: Callable[[Voice], None] | None = None,
) -> int:
    """Design a voice, tell how far it has come, and print it.

    Args:
        app: the program.
        asked: what is to be made.
        wait: how long to wait for the review; None: as the settings say.
        preview_file: where the preview audio is to be written as well.
        as_json: print JSON.
        account: its name; None: the selected one.
        then: told the voice when it is made and printed.

    Returns:
        The exit code.

    Raises:
        VoiceregError: as :meth:`voicereg.Registry.design` does.
    """
    if preview_file is not None:
        check_writable(preview_file)
    written = True
    with _progress(app, wait) as progress:
        try:
            voice = app.registry.design(
                wait=wait, on_stage=progress.reached, account=account, **asked
            )
        except KeyboardInterrupt:
            return _interrupted(app, progress.voice, as_json)
        except (CreateUnresolved, ConfirmNotRecorded, ReviewRefused) as error:
            if as_json:
                print_json(error.voice.as_dict(app.registry.now()))  # a script wants its id
            if isinstance(error, ConfirmNotRecorded) and error.preview is not None:
                rescue_preview(app, error.voice, error.preview, preview_file)
            raise
        finally:
            if preview_file is not None and progress.made is not None:
                written = _write_preview(app, progress.made, preview_file)
    _print(app, voice, as_json)
    if voice.state is State.PENDING:
        app.say(
            "it is made, and still being reviewed by the provider; "
            f"voicereg show {voice.id} --refresh asks again"
        )
    if then is not None:
        then(voice)
    return ExitCode.DONE if written else ExitCode.FAILED


def show_request(
    app: App, asked: DesignOptions, *, as_json: bool, account: str | None = None
) -> int:
    """Print what the provider would be asked, and send nothing.

    Raises:
        InvalidInput: a value that breaks a rule.
        QuotaExceeded: no slot remains.
    """
    from voicereg.provider.wires import WIRES

    request, quota = app.registry.check_design(account=account, **asked)
    body = WIRES[request.family].create_body(request)
    if as_json:
        print_json({"dry_run": True, "request": body, "quota": quota.as_dict()})
    else:
        print_json(body)
        app.say(
            f"nothing was sent: {quota.remaining} of {quota.limit} {quota.family.value} slots "
            "remain, and this is what would be asked"
        )
    return ExitCode.DONE


class _Progress:
    """Follows a design, and tells the user where it is."""

    def __init__(self, app: App, wait: timedelta | None, show: Any) -> None:
        self._app = app
        self._wait = wait
        self._show = show
        self.voice: Voice | None = None
        """The voice as last heard of."""
        self.made: Voice | None = None
        """The voice, from when it exists at the provider."""

    def reached(self, stage: DesignStage, voice: Voice) -> None:
        self.voice = voice
        if stage is DesignStage.RECORDED:
            self._show(f"{voice.id} is recorded; the provider designs it (10 to 30 s)")
            return
        self.made = voice
        if stage is DesignStage.MADE and voice.state is State.PENDING and self._waits:
            self._show(f"{voice.id} is made; waiting for the provider's review")

    @property
    def _waits(self) -> bool:
        return self._wait is None or self._wait > timedelta(0)


@contextmanager
def _progress(app: App, wait: timedelta | None) -> Iterator[_Progress]:
    """A spinner with the time on a terminal; lines elsewhere; nothing when quiet."""
    import sys

    if app.quiet or not sys.stderr.isatty():
        yield _Progress(app, wait, app.say)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from voicereg.cli.output.text import printable

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking the quota", total=None)

        def show(text: str) -> None:
            bar.update(task, description=escape(printable(text)))

        yield _Progress(app, wait, show)


def _interrupted(app: App, /, voice: Voice | None, as_json: bool) -> int:
    """Ctrl-C: what happened depends on how far the create had come."""
    if voice is None:
        click.echo("voicereg: interrupted before anything was sent", err=True)
        return ExitCode.INTERRUPTED
    voice = app.registry.voice(voice.id)
    if voice.state in {State.CREATING, State.UNRESOLVED}:
        if as_json:
            print_json(voice.as_dict(app.registry.now()))
        raise CreateUnresolved(voice, "interrupted")
    if voice.state is State.FAILED:
        click.echo("voicereg: interrupted before anything was sent", err=True)
        return ExitCode.INTERRUPTED
    _print(app, voice, as_json)
    app.say(f"interrupted; the voice is made, and {voice.state.value}")
    return ExitCode.INTERRUPTED


def rescue_preview(
    app: App, voice: Voice, preview: PreviewAudio, preview_file: Path | None = None
) -> None:
    """The database did not take the only recording of a voice: put it into a file."""
    path = preview_file or Path(f"{voice.id}.{preview.response_format}")
    try:
        write_file(path, preview.data)
    except InvalidInput as problem:
        app.say(f"warning: its preview audio is lost: {problem}")
    else:
        app.say(f"its preview audio, which is sent only once, is in {path}")


def _write_preview(app: App, voice: Voice, path: Path) -> bool:
    """Write the file; the voice exists, and is told of, even where that fails."""
    try:
        _, preview = app.registry.preview(voice.id)
        write_file(path, preview.data)
    except NoPreview as problem:
        app.say(f"warning: {problem}; {path} was not written")
        return True
    except InvalidInput as problem:
        click.echo(describe(problem), err=True)
        return False
    app.say(f"preview written to {path}")
    return True


def _print(app: App, voice: Voice, as_json: bool) -> None:
    if as_json:
        print_json(voice.as_dict(app.registry.now()))
        return
    told = {"id", "voice_id", "state", "name", "target_model", "deadline_at", "tags", "owner"}
    fields = voice_fields(voice, app.registry.now())
    print_fields([(name, value) for name, value in fields if name in told])
