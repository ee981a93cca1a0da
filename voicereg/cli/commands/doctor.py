"""``voicereg doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from voicereg.cli.app import CLOCK, App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import all_accounts_option, json_option
from voicereg.cli.output.documents import print_json

if TYPE_CHECKING:
    from voicereg.doctor.checks import OnCheck


@click.command()
@all_accounts_option
@click.option("--offline", is_flag=True, help="Do not ask the provider.")
@click.option("--send-test", is_flag=True, help="Send a test message through every channel.")
@json_option
@pass_app
def doctor(app: App, /, all_accounts: bool, offline: bool, send_test: bool, as_json: bool) -> int:
    """Check what is set up wrong, and say how to mend it.

    Looks at the settings, the database, the clocks, the accounts and their keys, the provider (by
    one request for each account), the last syncs and rounds of housekeeping, deadlines, the
    channels, metrics and the installation. Nothing is changed, and nothing is sent to a channel
    unless you say --send-test. On a terminal, what is in order is summed up; -v shows each check.

    The exit code is 1 where something is wrong. Warnings alone do not count.
    """
    from voicereg.cli.output.findings import print_findings
    from voicereg.doctor.checks import examine
    from voicereg.doctor.findings import Outcome
    from voicereg.doctor.subject import Options, Subject

    options = Options(
        config=app.config,
        database=app.database,
        account=app.account,
        base_url=app.base_url,
        all_accounts=all_accounts,
        offline=offline,
        send_test=send_test,
    )
    with (
        Subject(options, lambda: app.settings, clock=CLOCK.get()) as subject,
        _progress(app) as on_check,
    ):
        findings = examine(subject, on_check=on_check)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        print_findings(findings, app.say, verbose=app.verbose > 0)
    is_wrong = any(finding.outcome is Outcome.WRONG for finding in findings)
    return ExitCode.FAILED if is_wrong else ExitCode.DONE


@contextmanager
def _progress(app: App) -> Iterator[OnCheck | None]:
    """What is being looked at, on a terminal; nothing elsewhere."""
    if not app.shows_progress:
        yield None
        return
    from voicereg.cli.output.progress import step_status

    with step_status() as on_step:
        yield lambda name: on_step(name.replace(".", " "), None)
