"""``voicereg housekeeping``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode, exit_code
from voicereg.cli.options import DURATION, all_accounts_option, json_option
from voicereg.cli.output.documents import print_json

if TYPE_CHECKING:
    from voicereg.housekeeping.round import OnStep

_logger = logging.getLogger(__name__)


@click.group()
def housekeeping() -> None:
    """Look after the voices: sync, keep alive what is to stay, and warn in time."""


@housekeeping.command()
@click.option(
    "--dry-run", is_flag=True, help="Show what would be told; change nothing, and send nothing."
)
@all_accounts_option
@json_option
@pass_app
def run(app: App, /, dry_run: bool, all_accounts: bool, as_json: bool) -> int:
    """Run one round.

    In this order: sync with the provider; settle creates whose outcome is unknown; use the voices
    that are to stay and near their deadline; find what to warn of; tell each channel of the
    settings what is new to it, in one message; let go of what is older than two years. A step that
    fails is reported, and does not stop the others.

    Running it twice, or killing it, is harmless. While another round is at work on the same
    database, this one says so and leaves, with exit code 0.

    Exit code 5: the provider refused or could not be reached; 1: another step failed.
    """
    from voicereg.cli.output.rounds import print_round
    from voicereg.domain.errors import LeaseHeld
    from voicereg.housekeeping import run_round

    registry = app.registry
    names = [found.name for found in registry.accounts.all()] if all_accounts else None
    try:
        with _progress(app) as on_step:
            done = run_round(registry, accounts=names, dry_run=dry_run, on_step=on_step)
    except LeaseHeld as held:
        # One of several timers that go off at once: nothing is wrong, and nobody need be told.
        app.say(f"voicereg: {held}")
        if as_json:
            print_json({"ok": None, "held_by": held.holder, "steps": [], "messages": []})
        return ExitCode.DONE
    if as_json:
        print_json(done.as_dict())
    else:
        print_round(done, app.say, registry.settings.warn.language)
    failed = {step.name for step in done.steps if not step.ok}
    if failed & {"sync", "settle", "keep_alive"}:
        return ExitCode.PROVIDER
    return ExitCode.FAILED if failed else ExitCode.DONE


@housekeeping.command()
@all_accounts_option
@pass_app
def start(app: App, /, all_accounts: bool) -> int:
    """Run rounds on the schedule of the settings, in the foreground.

    Several may run on one registry, on one host or on many: one leads, and when it dies another
    takes over within a minute. What was due while nobody could run it is run late, and said. A
    database or provider that is away is waited for, at its start, too; a wrong setting, schema or
    account ends it. SIGTERM and Ctrl-C end it cleanly, in the middle of a round, too.

    With [metrics] in the settings, figures are served at a port, or kept in a file that is fresh
    while it runs, and gone with it; with a heartbeat URL, that is asked for after each round in
    which all went well.
    """
    as_json = False
    try:
        settings = app.settings
        as_json = settings.log.format == "json"
        app.log(least="INFO", as_json=as_json)
        _serve(app, all_accounts)
    except KeyboardInterrupt:
        # Which is what was asked for, and no failure.
        if as_json:
            _logger.info("stopped")
        else:
            app.say("stopped")
    except Exception as error:
        if not as_json:
            raise
        return _logged(error)
    return ExitCode.DONE


def _serve(app: App, all_accounts: bool) -> None:
    from voicereg.scheduler import check_settings, open_patiently, run_forever

    check_settings(app.settings)
    registry = open_patiently(lambda: app.registry, all_accounts=all_accounts)
    run_forever(registry, all_accounts=all_accounts)


def _logged(error: Exception) -> int:
    """Tell an error as a line of the log, and return the exit code."""
    from voicereg.domain.errors import VoiceregError

    if not isinstance(error, VoiceregError):
        _logger.critical("internal error", exc_info=error)
        return ExitCode.FAILED
    _logger.error("%s%s", error, f" ({error.advice})" if error.advice else "")
    return exit_code(error)


@housekeeping.command()
@click.option(
    "--max-age",
    type=DURATION,
    metavar="DURATION",
    help="Exit with 1 when the last round in which all went well is older, such as 26h.",
)
@json_option
@pass_app
def status(app: App, /, max_age: timedelta | None, as_json: bool) -> int:
    """Show how the last rounds went, who leads, and what comes next."""
    from voicereg.cli.output.status import print_status
    from voicereg.scheduler import status_of

    registry = app.registry
    found = status_of(registry, max_age)
    if as_json:
        print_json(found.as_dict())
    else:
        print_status(found, app.say)
    return ExitCode.DONE if found.ok else ExitCode.FAILED


@contextmanager
def _progress(app: App) -> Iterator[OnStep | None]:
    """What is being done, on a terminal; nothing elsewhere."""
    if not app.shows_progress:
        yield None
        return
    from voicereg.cli.output.progress import step_status

    with step_status() as on_step:
        yield on_step
