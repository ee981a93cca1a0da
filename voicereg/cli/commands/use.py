"""``voicereg use``: uses made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.completion import VOICE
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_table
from voicereg.cli.output.voices import deadline_columns
from voicereg.cli.reading import opened
from voicereg.domain.counts import many
from voicereg.domain.uses import UsesImported


class _Moment(click.ParamType[datetime]):
    """A time with a zone."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The time; one without a zone is local."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time such as 2026-11-23T09:00:00Z", param, ctx)


@click.command()
@click.argument("voices", type=VOICE, nargs=-1, metavar="VOICE...")
@click.option("--at", type=_Moment(), help="When; now unless said. Without a zone: local time.")
@click.option(
    "--count", type=click.IntRange(1, 1_000_000_000), default=1, metavar="N", help="How often."
)
@click.option("--source", metavar="NAME", help="Who used them.")
@click.option("--correct", is_flag=True, help="Set the last use to --at, though a later is known.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    metavar="FILE",
    help="A log of uses, JSON lines or CSV: voice_id, at, and count, source if need be.",
)
@click.option("--dedupe", is_flag=True, help="Pass over what was read of FILE before.")
@json_option
@pass_app
def use(
    app: App,
    /,
    voices: tuple[str, ...],
    at: datetime | None,
    count: int,
    source: str | None,
    correct: bool,
    file: Path | None,
    dedupe: bool,
    as_json: bool,
) -> int:
    """Record uses of voices made elsewhere.

    A use is one successful synthesis request. It moves the deadline of the voice; the last use only
    moves forward, unless it is corrected.

    With --from, a file of any length is read, a line for each use. Bad lines are told of by number
    and passed over; then the exit code is 1.
    """
    if (file is None) == (not voices):
        raise click.UsageError("Give voices, or a file of uses with --from.")
    if file is not None:
        if correct or at is not None or count != 1:
            raise click.UsageError("The file says when and how often.")
        return _from_file(app, file, source, dedupe, as_json)
    if dedupe:
        raise click.UsageError("--dedupe goes with --from.")
    if correct and at is None:
        raise click.UsageError("--correct needs --at, the time of the last use.")
    registry = app.registry
    found = [registry.voice(reference) for reference in voices]
    for voice in found:
        if correct and at is not None:
            registry.correct_use(voice.id, at, source=source)
        else:
            registry.record_use(voice.id, at, count, source)
    registry.flush()
    now = registry.now()
    after = [registry.voice(voice.id) for voice in found]
    if as_json:
        documents = [voice.as_dict(now) for voice in after]
        print_json(documents[0] if len(voices) == 1 else documents)
    else:
        print_table(after, deadline_columns(now, with_account=False), "", app.say)
    return ExitCode.DONE


def _from_file(app: App, file: Path, source: str | None, dedupe: bool, as_json: bool) -> int:
    with opened(file, "from") as stream, _progress(app, file) as on_bytes:
        done = app.registry.import_uses(stream, source=source, dedupe=dedupe, on_bytes=on_bytes)
    if as_json:
        print_json(done.as_dict())
    _tell(app, done)
    return ExitCode.FAILED if done.bad_lines else ExitCode.DONE


def _tell(app: App, done: UsesImported) -> None:
    before = f"; {done.skipped_bytes:,} bytes were read before" if done.skipped_bytes else ""
    uses, voices = many(done.uses, "use"), many(len(done.voices), "voice")
    app.say(f"{uses} of {voices} from {many(done.lines, 'line')}{before}")
    if done.unclaimed:
        app.say(
            f"{sum(done.unclaimed.values()):,} of them are on no record "
            f"({', '.join(sorted(done.unclaimed)[:3])}{', …' if len(done.unclaimed) > 3 else ''}), "
            "and kept until voicereg sync finds the voice"
        )
    for problem in done.problems:
        app.say(f"line {problem.line} was passed over: {problem.why}")
    if done.bad_lines > len(done.problems):
        app.say(f"and {done.bad_lines - len(done.problems):,} lines more were passed over")


@contextmanager
def _progress(app: App, file: Path) -> Iterator[Callable[[int, int | None], None] | None]:
    if not app.shows_progress:
        yield None
        return
    from voicereg.cli.output.progress import bytes_bar

    with bytes_bar(f"reading {file.name}") as on_bytes:
        yield on_bytes
